"""What cannot be computed or stored of one customer leaves all others their figures."""

from typing import Any

import pytest
from google.api_core.exceptions import DeadlineExceeded, ServiceUnavailable
from structlog.testing import capture_logs

from shared.store.database import Write
from tests.emulator.customers.shop import Shop

MANY = 230
"""More than look-ups are made for, so that all are scanned."""
UNUSABLE = ["x" * 1400 + "@y.com", "__a@b.c__"]


def customers(shop: Shop, count: int) -> list[str]:
    """Customers of an e-mail and an order each."""
    ids = [str(number) for number in range(1, count + 1)]
    for number in ids:
        shop.customer(number, email=f"c{number}@example.com")
        shop.order(f"o{number}", number, 20)
    return ids


def computed(shop: Shop, ids: list[str]) -> list[str]:
    """Those of the customers who have their figures and a segment."""
    return [
        i
        for i in ids
        if shop.spent(f"cid_{i}").get("totalSpent") == 20 == shop.read(i).get("totalSpent")
        and shop.read(i).get("segment")
    ]


@pytest.mark.parametrize("everybody", [False, True])
@pytest.mark.parametrize("email", UNUSABLE)
def test_an_e_mail_that_is_no_key_stops_nobody_and_its_customer_is_found_by_id(
    shop: Shop, email: str, everybody: bool
) -> None:
    # Given customers, one with an e-mail that no document can be called by
    ids = customers(shop, 12)
    shop.customer("7", email=email)

    # When they are computed
    shop.compute(*([] if everybody else ids))

    # Then all have their figures, that one under its id alone
    assert computed(shop, ids) == ids
    kept = {d.id for d in shop.client.collection("tenants/org_shop/customer_spending").stream()}
    assert kept == {f"cid_{i}" for i in ids} | {f"c{i}@example.com" for i in ids if i != "7"}
    assert "email" not in shop.spent("cid_7")


@pytest.mark.parametrize("field", ["items", "status"])
@pytest.mark.parametrize("everybody", [False, True])
def test_a_customer_whose_orders_cannot_be_added_up_is_put_in_quarantine_until_they_can(
    shop: Shop, everybody: bool, field: str
) -> None:
    # Given customers, one with an order that another program left with a nonsensical field
    ids = customers(shop, 12)
    nonsense: dict[str, Any] = {
        "items": [{"productId": "1", "quantity": float("nan")}],
        "status": {"completed": True},
    }
    shop.orders_collection.document("o7").update({field: nonsense[field]})

    # When they are computed, then all others have their figures, and the one is in quarantine
    with capture_logs() as logs:
        shop.compute(*([] if everybody else ids))
    assert computed(shop, ids) == [i for i in ids if i != "7"]
    found = shop.document("quarantine/spending_7")
    assert (found["stream"], found["errorCode"]) == ("spending", "spending_not_computed")
    assert "full sync" in found["message"]

    # and people who watch the log know, without learning who it is
    [event] = [e for e in logs if e["log_level"] == "error"]
    assert event["event"] == "spending_failed"
    assert "example.com" not in str(logs)

    # When the order is put right and the customer computed again, then it is released
    shop.order("o7", "7", 20)
    shop.compute(*([] if everybody else ["7"]))
    assert computed(shop, ids) == ids
    assert shop.document("quarantine/spending_7") == {}


@pytest.mark.provokes_refusals
@pytest.mark.parametrize("everybody", [False, True])
def test_figures_that_firestore_refuses_leave_their_group_alone_without(
    shop: Shop, everybody: bool
) -> None:
    # Given customers, two of whom share an e-mail and have liked a product whose name alone is
    # larger than a document may be
    count = MANY if everybody else 90
    ids = customers(shop, count)
    shop.customer("8", email="c7@example.com")
    name = "n" * 600_000
    line = {"productId": "1", "category": "x", "quantity": 1}
    for part in ("a", "b"):
        item = {**line, "name": part + name, "productId": part}
        shop.order(f"o7{part}", "7", 20)
        shop.orders_collection.document(f"o7{part}").update({"items": [item]})

    # When they are computed
    shop.compute(*([] if everybody else ids))

    # Then only these two have no figures, and are in quarantine
    assert computed(shop, ids) == [i for i in ids if i not in ("7", "8")]
    for i in ("7", "8"):
        assert shop.spent(f"cid_{i}") == {}
        found = shop.document(f"quarantine/spending_{i}")
        assert found["errorCode"] == "spending_not_stored"
        assert "@" not in str(found)

    # When the orders are put right and they are computed again, then they are released
    for part in ("a", "b"):
        shop.orders_collection.document(f"o7{part}").delete()
    shop.compute("8")
    assert computed(shop, ids) == ids
    assert list(shop.client.collection("tenants/org_shop/quarantine").stream()) == []


@pytest.mark.parametrize("error", [ServiceUnavailable, DeadlineExceeded])
def test_a_firestore_that_does_not_answer_puts_nobody_in_quarantine(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    # Given customers, and a Firestore that takes no writes for a moment
    ids = customers(shop, 3)

    def fail(_: list[Write]) -> None:
        raise error("for a moment")

    # When they are computed meanwhile, then the message fails, to be delivered again
    with monkeypatch.context() as patch:
        patch.setattr(shop.database, "commit", fail)
        with pytest.raises(error):
            shop.compute(*ids)

    # When it is, then all have their figures
    shop.compute(*ids)
    assert computed(shop, ids) == ids
    assert list(shop.client.collection("tenants/org_shop/quarantine").stream()) == []
