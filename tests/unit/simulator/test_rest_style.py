"""The rest style on the wire."""

from tests.unit.simulator.conftest import SimulatorClient


def test_customers_are_wrapped_with_their_total_under_the_other_spellings(
    fern: SimulatorClient,
) -> None:
    # When
    first = fern.get("/customers", page=1, pageSize=50).json
    second = fern.get("/customers", page=2, pageSize=50).json
    # Then
    assert (len(first["customers"]), len(second["customers"]), first["total"]) == (50, 25, 75)
    row = first["customers"][0]
    assert {"id_customer", "first_name", "last_name", "created_at", "email"} <= set(row)
    assert not {"name_first", "name_last", "date_created"} & set(row)


def test_orders_are_wrapped_with_their_total_under_the_other_spellings(
    fern: SimulatorClient,
) -> None:
    # When
    page = fern.get("/orders", page=2, pageSize=100).json
    # Then
    assert (len(page["orders"]), page["total"]) == (10, 110)
    row = page["orders"][0]
    assert {"id_transaction", "id_customer", "first_name", "created_at", "total"} <= set(row)
    assert not {"id_order", "name_first", "date_created"} & set(row)


def test_the_dates_filter_the_total_too(fern: SimulatorClient) -> None:
    page = fern.get("/orders", startDate="2099-01-01", endDate="2099-12-31").json
    assert page == {"orders": [], "total": 0}


def test_single_records_are_respelled(fern: SimulatorClient) -> None:
    assert fern.get("/order/500001").json["id_transaction"] == 500001
    assert "first_name" in fern.get("/customer/100001").json


def test_the_search_routes_are_closed_to_an_org_of_the_rest_style(fern: SimulatorClient) -> None:
    assert fern.post("/customer/search", page=1).status_code == 404
    assert fern.get("/order").status_code == 404
    assert len(fern.post("/inventory/search", query="", id_location=1000).json) == 43
