"""The control routes: the truth, changes of it, orgs of one's own, counts."""

from tests.unit.simulator.conftest import SimulatorClient


def test_the_truth_is_what_the_api_lists(harbor: SimulatorClient) -> None:
    # When
    data = harbor.control("GET", "/orgs/org_harbor/data")
    listed = harbor.post("/customer/search", page=1, pageSize=500).json
    # Then
    assert data["customers"] == list(listed.values())
    assert (len(data["orders"]), len(data["inventory"])) == (190, 66)


def test_a_changed_order_is_listed_changed_from_then_on(harbor: SimulatorClient) -> None:
    # Given
    newest = harbor.get("/order", page=1, pageSize=1).json[0]["id_order"]
    # When
    harbor.control("PATCH", f"/orgs/org_harbor/orders/{newest}", {"total": 1234.5})
    # Then
    row = harbor.get("/order", page=1, pageSize=1).json[0]
    assert (row["id_order"], row["total"]) == (newest, 1234.5)
    assert harbor.get(f"/order/{newest}").json["total"] == 1234.5


def test_records_can_be_added_and_taken_out(harbor: SimulatorClient) -> None:
    # When
    added = harbor.control("POST", "/orgs/org_harbor/customers", {"id_customer": 5, "email": ""})
    harbor.control("DELETE", "/orgs/org_harbor/inventory/1001-1000")
    # Then
    assert added == {"id": "5"}
    assert harbor.post("/customer/search", page=1).json["0"]["id_customer"] == 5
    assert len(harbor.post("/inventory/search", id_location=1000).json) == 65


def test_an_unknown_org_or_record_is_404(harbor: SimulatorClient) -> None:
    for path in ("/orgs/nowhere/data", "/orgs/org_harbor/orders/1"):
        assert harbor.client.get(f"/control{path}").status_code == 404


def test_an_org_of_given_sizes_can_be_made(harbor: SimulatorClient) -> None:
    made = harbor.control(
        "POST", "/orgs", {"id": "org_mine", "customers": 12, "orders": 50, "products": 3, "rows": 4}
    )
    assert made["sizes"] == {"customers": 12, "orders": 50, "inventory": 4}


def test_an_org_that_makes_no_sense_is_refused(harbor: SimulatorClient) -> None:
    for body in ({"id": "a/b"}, {"id": "x", "timezone": "Mars/Olympus"}, {"id": "x", "size": 3}):
        assert harbor.client.post("/control/orgs", json=body).status_code == 400


def test_an_org_of_given_records_holds_those_and_no_others(harbor: SimulatorClient) -> None:
    # Given
    orders = "id_order,id_customer,date_created,total,email\n7,3,2025-05-05T12:00:00.000,12.50,\n"
    body = {"id": "org_given", "customers": [{"id_customer": 3}], "orders": orders}
    # When
    made = harbor.control("POST", "/orgs", body)
    data = harbor.control("GET", "/orgs/org_given/data")
    # Then
    assert made["sizes"] == {"customers": 1, "orders": 1, "inventory": 0}
    assert data["customers"] == [{"id_customer": 3}]
    assert data["orders"] == [
        {
            "id_order": 7,
            "id_customer": 3,
            "date_created": "2025-05-05T12:00:00.000",
            "total": "12.50",
            "email": None,
        }
    ]


def test_a_csv_replaces_all_customers(harbor: SimulatorClient) -> None:
    # When
    reply = harbor.client.put(
        "/control/orgs/org_harbor/customers",
        data="id_customer,name_first\n1,Ada\n2,Noor\n",
        content_type="text/csv",
    )
    # Then
    assert reply.json == {"records": 2}
    assert len(harbor.post("/customer/search", page=1).json) == 2


def test_a_csv_may_hold_the_items_of_an_order_as_json(harbor: SimulatorClient) -> None:
    # Given
    items = '"[{""id_item"": 1, ""item"": ""Gummies"", ""quantity"": 2}]"'
    # When
    reply = harbor.client.put(
        "/control/orgs/org_harbor/orders",
        data=f"id_order,date_created,total,items\n1,2026-01-05T12:00:00Z,9.50,{items}\n",
        content_type="text/csv",
    )
    # Then
    assert reply.json == {"records": 1}
    [order] = harbor.control("GET", "/orgs/org_harbor/data")["orders"]
    assert order["items"] == [{"id_item": 1, "item": "Gummies", "quantity": 2}]


def test_a_csv_whose_json_is_broken_is_refused(harbor: SimulatorClient) -> None:
    reply = harbor.client.put(
        "/control/orgs/org_harbor/orders", data="id_order,items\n1,[oops\n", content_type="text/csv"
    )
    assert reply.status_code == 400


def test_many_orgs_are_made_without_generating_their_records(harbor: SimulatorClient) -> None:
    # When
    harbor.control("POST", "/orgs", {"generated": 1000})
    documents = harbor.control("GET", "/locations")
    # Then
    assert len({document["id"] for document in documents}) == 1006
    assert "org_01000-1000" in {document["id"] for document in documents}


def test_location_documents_carry_what_the_contract_asks(harbor: SimulatorClient) -> None:
    # When
    documents = {d["id"]: d["document"] for d in harbor.control("GET", "/locations")}
    # Then
    document = documents["org_fern-1000"]
    config = document["posConfig"]
    assert (document["orgId"], document["timezone"]) == ("org_fern", "America/New_York")
    assert (config["provider"], config["status"], config["apiStyle"]) == (
        "alleaves",
        "active",
        "rest",
    )
    assert config["baseUrl"].startswith("http://")
    assert config["baseUrl"].endswith("/api")
    assert (config["locationId"], config["pin"]) == ("1000", "5150")
    assert {"org_two_rooms-1000", "org_two_rooms-1001"} <= set(documents)


def test_calls_are_counted_per_org_and_endpoint(harbor: SimulatorClient) -> None:
    # Given
    harbor.control("DELETE", "/requests")
    # When
    harbor.get("/order")
    harbor.get("/order", page=2)
    harbor.get("/inventory/brand")
    harbor.client.get("/api/order")
    # Then
    state = harbor.control("GET", "/requests")
    assert state["total"] == 4
    counted = state["orgs"]["org_harbor"]
    assert counted.pop("busySeconds") >= 0
    assert counted == {
        "calls": {"orders": 2, "metadata": 1},
        "statuses": {"200": 3},
        "peakInFlight": 1,
    }
    assert state["orgs"]["unknown"]["statuses"] == {"401": 1}
