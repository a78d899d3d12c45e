"""The rest style on the wire: the shapes of its own documents, not those of the search style."""

from collections.abc import Callable

from tests.unit.simulator.conftest import SimulatorClient

HERE = 1000
CUSTOMER = {"id_customer", "email", "first_name", "last_name", "phone", "userId"}
ORDER = {"id_transaction", "customer", "items", "total", "created_at", "type"}
PRODUCT = {
    *("id_product", "name", "brand", "category", "subcategory", "price", "cost", "batchCost"),
    *("thc", "cbd", "strainType", "available", "has_inventory", "quantity"),
}


def test_a_sign_in_names_the_location_of_the_login(fern: SimulatorClient) -> None:
    assert fern.sign_in().json.keys() == {"token", "locationId"}
    assert fern.sign_in().json["locationId"] == HERE


def test_customers_are_wrapped_with_their_total_and_page(fern: SimulatorClient) -> None:
    # When
    first = fern.get("/customers", locationId=HERE, page=1, pageSize=50).json
    second = fern.get("/customers", locationId=HERE, page=2, pageSize=50).json
    # Then
    assert (len(first["customers"]), len(second["customers"]), first["total"]) == (50, 25, 75)
    assert (first["page"], second["page"]) == (1, 2)
    row = first["customers"][0]
    assert row.keys() >= CUSTOMER
    assert not {"name_first", "name_last", "full_name", "date_created", "user_id"} & row.keys()
    assert len({each["userId"] for each in first["customers"]}) == 50


def test_an_order_names_its_buyer_in_an_object_and_no_location(fern: SimulatorClient) -> None:
    # When
    page = fern.get("/orders", locationId=HERE, page=2, pageSize=100).json
    # Then
    assert (len(page["orders"]), page["total"]) == (10, 110)
    flat = {"id_order", "id_customer", "email", "user_id", "id_location", "name_first", "phone"}
    for row in page["orders"]:
        assert row.keys() >= ORDER
        assert row["customer"].keys() == {"email", "userId"}
        assert not flat & row.keys()
        assert row["type"] in {"in_store", "pickup", "delivery"}


def test_a_buyer_can_be_told_by_what_the_order_says(fern: SimulatorClient) -> None:
    # Given customers by user id and by e-mail, and who bought by the data behind
    customers = fern.get("/customers", locationId=HERE, pageSize=500).json["customers"]
    by_user = {each["userId"]: each["id_customer"] for each in customers}
    by_email = {(each["email"] or "").lower(): each["id_customer"] for each in customers}
    truth = {each["id_order"]: each["id_customer"] for each in fern.org.dataset.orders}
    # When
    orders = fern.get("/orders", locationId=HERE, pageSize=500).json["orders"]
    # Then
    for order in orders:
        bought = truth[order["id_transaction"]]
        if bought is not None:
            assert by_user[order["customer"]["userId"]] == bought
            email = order["customer"]["email"].lower()
            assert by_email.get(email, bought) == bought
    assert sum(1 for each in truth.values() if each) > 90


def test_stock_comes_as_products_of_the_location(fern: SimulatorClient) -> None:
    # When
    reply = fern.post("/inventory/search", query="", locationId=HERE).json
    # Then
    assert reply.keys() == {"products"}
    assert len(reply["products"]) == 40
    rows = list(fern.org.dataset.inventory)
    for product in reply["products"]:
        assert product.keys() == PRODUCT
        own = [row for row in rows if row["id_item"] == product["id_product"]]
        for_sale = [row for row in own if row["area_type"] != "Damaged"]
        assert product["available"] == sum(row["available"] for row in for_sale)
        assert product["quantity"] == sum(row["on_hand"] for row in own)
        assert not product["category"].startswith("Category")


def test_every_listing_must_name_its_location(fern: SimulatorClient) -> None:
    assert fern.get("/customers").status_code == 400
    assert fern.get("/orders").status_code == 400
    assert fern.post("/inventory/search", query="", id_location=HERE).status_code == 400
    assert fern.get("/customers", locationId=7).json["customers"] == []
    assert fern.get("/orders", locationId=7).json == {"orders": [], "total": 0}


def test_orders_are_listed_at_their_own_location(
    sign_in: Callable[[str], SimulatorClient],
) -> None:
    # Given
    rooms = sign_in("org_two_rooms")
    rooms.control("PATCH", "/orgs/org_two_rooms", {"apiStyle": "rest"})
    # When
    pages = [rooms.get("/orders", locationId=n, pageSize=500).json for n in (1000, 1001)]
    # Then
    first, second = ({each["id_transaction"] for each in page["orders"]} for page in pages)
    assert len(first) + len(second) == len(first | second) == 130
    (order_id, *_) = first
    assert rooms.get(f"/order/{order_id}", locationId=1000).status_code == 200
    assert rooms.get(f"/order/{order_id}", locationId=1001).status_code == 404


def test_the_dates_filter_the_total_too(fern: SimulatorClient) -> None:
    days = {"startDate": "2099-01-01", "endDate": "2099-12-31"}
    assert fern.get("/orders", locationId=HERE, **days).json == {"orders": [], "total": 0}


def test_single_records_have_the_same_shapes(fern: SimulatorClient) -> None:
    assert fern.get("/order/500001").json.keys() >= ORDER
    assert fern.get("/customer/100001").json.keys() >= CUSTOMER


def test_the_search_routes_are_closed_to_an_org_of_the_rest_style(fern: SimulatorClient) -> None:
    assert fern.post("/customer/search", page=1).status_code == 404
    assert fern.get("/order").status_code == 404
