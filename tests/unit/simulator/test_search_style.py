"""The search style on the wire."""

from collections.abc import Callable

from tests.unit.simulator.conftest import TODAY, SimulatorClient


def test_customers_come_as_an_object_with_numeric_string_keys(harbor: SimulatorClient) -> None:
    # When
    first = harbor.post("/customer/search", page=1, pageSize=100).json
    second = harbor.post("/customer/search", page=2, pageSize=100).json
    beyond = harbor.post("/customer/search", page=3, pageSize=100).json
    # Then
    assert list(first) == [str(number) for number in range(100)]
    assert len(second) == 40
    assert beyond == {}
    ids = [row["id_customer"] for row in (*first.values(), *second.values())]
    assert ids == sorted(set(ids))


def test_orders_come_newest_first_each_with_the_total(harbor: SimulatorClient) -> None:
    # When
    pages = [harbor.get("/order", page=n, pageSize=80).json for n in (1, 2, 3, 4)]
    # Then
    assert [len(page) for page in pages] == [80, 80, 30, 0]
    assert {row["total_rows"] for page in pages for row in page} == {190}
    ids = [row["id_order"] for page in pages for row in page]
    assert len(set(ids)) == 190
    assert pages[0][0]["date_created"][:10] > pages[2][-1]["date_created"][:10]


def test_orders_are_filtered_by_their_local_day_both_ends_included(harbor: SimulatorClient) -> None:
    # Given: Los Angeles, 23:30 on the 9th and 00:10 on the 11th, written in UTC
    for order_id, created in (
        (1, "2025-07-10T06:30:00.000Z"),
        (2, "2025-07-10T00:00:00.000"),
        (3, "2025-07-10T23:59:59.999"),
        (4, "2025-07-11T07:10:00.000Z"),
    ):
        order = {"id_order": order_id, "date_created": created, "total": 1, "items": []}
        harbor.control("POST", "/orgs/org_harbor/orders", order)
    # When
    rows = harbor.get("/order", startDate="2025-07-10", endDate="2025-07-10", pageSize=500).json
    # Then
    assert [row["id_order"] for row in rows if row["id_order"] < 10] == [3, 2]


def test_an_order_without_a_date_is_listed_as_todays(harbor: SimulatorClient) -> None:
    harbor.control("POST", "/orgs/org_harbor/orders", {"id_order": 1, "date_created": None})
    day = TODAY.isoformat()
    rows = harbor.get("/order", startDate=day, endDate=day).json
    assert [row["id_order"] for row in rows] == [1]


def test_inventory_comes_whole_and_per_location(sign_in: Callable[[str], SimulatorClient]) -> None:
    # Given
    pos = sign_in("org_two_rooms")
    # When
    first = pos.post("/inventory/search", query="", id_location=1000).json
    second = pos.post("/inventory/search", query="", id_location="1001").json
    # Then
    assert (len(first), len(second)) == (52, 24)
    assert {row["total_rows"] for row in first} == {52}
    assert {row["id_location"] for row in second} == {1001}
    assert pos.post("/inventory/search", query="", id_location=7).json == []


def test_inventory_honours_skip_and_take_and_the_query(harbor: SimulatorClient) -> None:
    # Given
    everything = harbor.post("/inventory/search", query="").json
    wanted = everything[0]["item"]
    # When
    part = harbor.post("/inventory/search", query="", skip=60, take=5000).json
    found = harbor.post("/inventory/search", query=wanted.upper()).json
    # Then
    assert part == everything[60:]
    assert {row["item"] for row in found} == {wanted}


def test_the_lists_around_the_records_answer(harbor: SimulatorClient) -> None:
    # When
    (location,) = harbor.get("/location").json
    brands = harbor.get("/inventory/brand").json
    areas = harbor.get("/inventory/area", id_location=1000).json
    discounts = harbor.get("/discount").json
    # Then
    assert location["id_location"] == 1000
    assert location["metrc_system_api_key"]
    assert all(brand["id_brand"] and brand["brand"] for brand in brands)
    assert {area["name"] for area in areas} == {"Sales Floor", "Vault", "Damaged"}
    assert {d["discount_type"] for d in discounts} == {"percent", "amount", "fixed_price", "bogo"}


def test_single_records_answer_and_unknown_ones_are_404(harbor: SimulatorClient) -> None:
    assert harbor.get("/customer/100001").json["id_customer"] == 100001
    assert harbor.get("/order/500001").json["id_order"] == 500001
    assert harbor.get("/inventory/batch/1001").json["id_batch"] == 1001
    for path in ("/customer/1", "/order/1", "/inventory/batch/1"):
        assert harbor.get(path).status_code == 404


def test_the_rest_routes_are_closed_to_an_org_of_the_search_style(harbor: SimulatorClient) -> None:
    assert harbor.get("/customers").status_code == 404
    assert harbor.get("/orders").status_code == 404


def test_a_page_that_is_no_number_is_a_bad_request(harbor: SimulatorClient) -> None:
    reply = harbor.get("/order", page="two")
    assert reply.status_code == 400
    assert reply.json == {"error": "Bad request"}
