"""What a POS is asked to make, in both styles of its API."""

from collections.abc import Callable

import pytest

from tests.unit.simulator.conftest import SimulatorClient

ORGS = pytest.mark.parametrize("org_id", ["org_harbor", "org_fern"], ids=["search", "rest"])
HERE = {"locationId": 1000}


def placed(pos: SimulatorClient) -> int:
    """An order without lines of a customer who was just made."""
    customer = pos.post("/customer", name_first="Ida", name_last="Forge", phone="212 555 0149")
    made = pos.post("/order", id_customer=customer.json["id_customer"], id_location=1000)
    order_id: int = made.json["id_order"]
    return order_id


@ORGS
def test_an_order_is_made_of_lines_and_may_be_given_a_discount(
    sign_in: Callable[[str], SimulatorClient], org_id: str
) -> None:
    # Given
    pos = sign_in(org_id)
    order_id = placed(pos)
    stock = next(row for row in pos.org.dataset.inventory if row["available"] >= 2)

    # When
    line = {"id_batch": stock["id_batch"], "id_area": stock["id_area"], "qty": 2}
    assert pos.post(f"/order/{order_id}/item", **line).status_code == 200
    assert pos.post(f"/order/{order_id}/discount", id_discount=2).status_code == 200

    # Then
    order = pos.get(f"/order/{order_id}", **HERE).json
    assert [(each["id_batch"], each["qty"]) for each in order["items"]] == [(stock["id_batch"], 2)]
    assert order["discounts"] == [{"id_discount": 2}]


def test_an_order_of_the_counter_may_be_given_a_discount(harbor: SimulatorClient) -> None:
    order_id = next(iter(harbor.org.dataset.orders))["id_order"]

    harbor.post(f"/order/{order_id}/discount", id_discount=2)

    assert harbor.get(f"/order/{order_id}").json["discounts"] == [{"id_discount": 2}]


@ORGS
def test_what_is_unknown_or_too_much_is_refused(
    sign_in: Callable[[str], SimulatorClient], org_id: str
) -> None:
    pos = sign_in(org_id)
    order_id = placed(pos)
    stock = next(iter(pos.org.dataset.inventory))
    line = {"id_batch": stock["id_batch"], "id_area": stock["id_area"], "qty": 1_000_000}

    statuses = [
        pos.post("/order", id_customer=999_999).status_code,
        pos.post("/order/999999/item", **line).status_code,
        pos.post(f"/order/{order_id}/item", **line).status_code,
        pos.post(f"/order/{order_id}/discount", id_discount=99).status_code,
    ]

    assert statuses == [404, 404, 400, 404]
