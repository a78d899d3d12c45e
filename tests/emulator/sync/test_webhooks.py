"""Webhooks, from the proven body to the documents that follow from it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.bus.messages import PosSync
from shared.errors import RequestInvalid, RetryLater, Unauthenticated
from shared.services.webhooks import WebhookOutcome
from tests.emulator.sync.desk import Desk, states
from tests.emulator.sync.world import Outbox, World, take_lease

ORG = "org_test"
NEW_ORDER = 990_001
NEW_CUSTOMER = 880_001


@pytest.fixture
def desk(world: World) -> Desk:
    """An org that was synced a moment ago."""
    world.sync(ORG)
    world.compute_spending()
    desk = Desk(world)
    desk.calls()
    return desk


def moment(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def place_order(desk: Desk, customer_id: object, **fields: Any) -> dict[str, Any]:
    """Somebody buys something for $100 at the POS."""
    template = desk.world.pos_data(ORG)["orders"][-1]
    order = {
        **template,
        "id_order": NEW_ORDER,
        "id_customer": customer_id,
        "status": "completed",
        "total": "100.00",
        "date_created": moment(minutes=5),
        "date_updated": moment(minutes=5),
        **fields,
    }
    desk.world._control("POST", f"orgs/{ORG}/orders", order)
    return order


def a_customer(desk: Desk) -> Any:
    return desk.world.pos_data(ORG)["customers"][0]["id_customer"]


def test_an_order_is_in_the_customers_spending_for_one_call_to_the_pos(desk: Desk) -> None:
    # Given a new order at the POS
    customer = a_customer(desk)
    before = desk.spent(customer)
    place_order(desk, customer)

    # When the POS tells of it
    assert desk.take_in("order.created", {"id_order": NEW_ORDER}) is WebhookOutcome.QUEUED
    desk.work()

    # Then it is stored and counted, and one call was made
    assert desk.stored("orders", f"alleaves_{NEW_ORDER}")["total"] == 100
    assert desk.spent(customer) == pytest.approx(before + 100)
    assert desk.calls() == {"orders": 1}
    assert states(desk) == ["done"]


def test_a_poll_after_it_finds_nothing_to_do(desk: Desk) -> None:
    place_order(desk, a_customer(desk))
    desk.take_in("order.created", {"id_order": NEW_ORDER})
    desk.work()

    run = desk.world.sync(ORG)

    assert run["streams"]["orders"]["created"] == run["streams"]["orders"]["updated"] == 0


def test_a_poll_with_older_data_does_not_undo_it(desk: Desk) -> None:
    # Given an order that was stored as of an hour ago
    customer = a_customer(desk)
    place_order(desk, customer, total="40.00", date_updated=moment(hours=1))
    desk.take_in("order.created", {"id_order": NEW_ORDER})
    desk.work()
    # ... that has changed since, as a webhook said
    desk.world.change(ORG, "orders", NEW_ORDER, total="100.00", date_updated=moment(minutes=1))
    desk.take_in("order.updated", {"id_order": NEW_ORDER})
    desk.work()
    spent = desk.spent(customer)

    # When a poll still lists it as it was in between
    desk.world.change(ORG, "orders", NEW_ORDER, total="70.00", date_updated=moment(minutes=30))
    run = desk.world.sync(ORG)
    desk.world.compute_spending()

    # Then the newer order stands, until the POS lists what is newer still
    assert desk.stored("orders", f"alleaves_{NEW_ORDER}")["total"] == 100
    assert (run["streams"]["orders"]["updated"], desk.spent(customer)) == (0, spent)
    desk.world.change(ORG, "orders", NEW_ORDER, total="90.00", date_updated=moment())
    desk.world.sync(ORG)
    assert desk.stored("orders", f"alleaves_{NEW_ORDER}")["total"] == 90


def test_a_full_sync_stores_what_the_pos_says_however_old_it_is(desk: Desk) -> None:
    place_order(desk, a_customer(desk))
    desk.take_in("order.created", {"id_order": NEW_ORDER})
    desk.work()

    desk.world.change(ORG, "orders", NEW_ORDER, total="70.00", date_updated=moment(hours=9))
    desk.world.sync(ORG, full=True)

    assert desk.stored("orders", f"alleaves_{NEW_ORDER}")["total"] == 70


def test_an_older_listing_of_a_customer_does_not_undo_a_newer_one(desk: Desk) -> None:
    customer = a_customer(desk)
    for first_name, ago in (("Newest", 1.0), ("Older", 60.0)):
        desk.world.change(
            ORG, "customers", customer, name_first=first_name, date_updated=moment(minutes=ago)
        )
        desk.world.sync(ORG)

    assert desk.stored("customers", customer)["firstName"] == "Newest"


def test_a_new_customers_first_order_brings_the_customer_along(desk: Desk) -> None:
    # Given a customer and an order that nobody has heard of
    template = desk.world.pos_data(ORG)["customers"][0]
    customer = {**template, "id_customer": NEW_CUSTOMER, "email": "wren@example.com"}
    desk.world._control("POST", f"orgs/{ORG}/customers", customer)
    place_order(desk, NEW_CUSTOMER)

    # When only the order is told of
    desk.take_in("order.created", {"id_order": NEW_ORDER})
    desk.work()

    # Then both are there, for two calls
    assert desk.stored("customers", NEW_CUSTOMER)["email"] == "wren@example.com"
    assert desk.spent(NEW_CUSTOMER) == 100
    assert desk.calls() == {"orders": 1, "customers": 1}


def test_a_changed_customer_is_stored_for_one_call(desk: Desk) -> None:
    customer = a_customer(desk)
    desk.world.change(ORG, "customers", customer, name_first="Juniper")

    desk.take_in("customer.updated", {"id_customer": customer})
    desk.work()

    assert desk.stored("customers", customer)["firstName"] == "Juniper"
    assert desk.calls() == {"customers": 1}


def test_changed_stock_is_on_the_menu_for_one_call(desk: Desk) -> None:
    row = desk.world.pos_data(ORG)["inventory"][0]
    item, key = row["id_item"], f"{row['id_batch']}-{row['id_area']}"
    desk.world.change(ORG, "inventory", key, price_otd_adult_use=77.0)

    desk.take_in("inventory.updated", {"id_item": item})
    desk.work()

    assert desk.stored("publicViews/products/items", item)["price"] == 77
    assert desk.calls() == {"inventory": 1}


def test_a_deleted_product_is_off_the_menu(desk: Desk) -> None:
    rows = desk.world.pos_data(ORG)["inventory"]
    item = rows[0]["id_item"]
    desk.world.replace(ORG, "inventory", [row for row in rows if row["id_item"] != item])

    desk.take_in("product.deleted", {"id_item": item})
    desk.work()

    assert not desk.stored("publicViews/products/items", item)
    assert desk.stored("products", item)["available"] is False


def test_a_record_that_the_pos_does_not_have_is_no_reason_to_try_again(desk: Desk) -> None:
    desk.take_in("order.created", {"id_order": 123_456_789})

    assert desk.work() == 1
    assert states(desk) == ["done"]


def test_a_webhook_that_comes_twice_is_one(desk: Desk) -> None:
    place_order(desk, a_customer(desk))
    told = {"id_order": NEW_ORDER}

    outcomes = [desk.take_in("order.created", told) for _ in range(3)]
    by_id = [desk.take_in("order.updated", told, event_id="e1", n=n) for n in range(3)]

    assert (
        outcomes
        == by_id
        == [WebhookOutcome.QUEUED, WebhookOutcome.DUPLICATE, WebhookOutcome.DUPLICATE]
    )
    assert len(desk.pos_sync.messages) == 2


def test_one_org_s_webhook_is_no_repeat_of_anothers(desk: Desk) -> None:
    other = Desk(desk.world, "org_other")

    assert desk.take_in("order.created", {"id": 1}) is WebhookOutcome.QUEUED
    assert other.take_in("order.created", {"id": 1}) is WebhookOutcome.QUEUED


@pytest.mark.parametrize("minutes", [-6, 6, 60 * 24])
def test_a_webhook_sent_too_long_ago_or_in_the_future_is_refused(
    desk: Desk, minutes: float
) -> None:
    with pytest.raises(Unauthenticated):
        desk.take_in("order.created", {"id": 1}, timestamp=moment(minutes=minutes))
    assert not desk.events()


def test_a_body_that_is_no_event_is_refused_and_nothing_is_kept(desk: Desk) -> None:
    with pytest.raises(RequestInvalid):
        desk.receive(ORG, b"{")
    assert not desk.events()


def test_an_unknown_event_is_kept_as_it_was_sent_and_asks_for_nothing(desk: Desk) -> None:
    assert desk.take_in("shift.closed", {"id": 7}) is WebhookOutcome.KEPT

    (kept,) = desk.world.documents(f"tenants/{ORG}/webhook_events").values()
    assert (kept["state"], kept["event"]) == ("unknown", "shift.closed")
    assert kept["raw"] == '{"event": "shift.closed", "data": {"id": 7}}'
    assert not desk.pos_sync.messages


class Full(Outbox):
    """A topic that takes nothing."""

    def publish(self, messages: Any) -> int:
        raise TimeoutError


def test_a_webhook_that_could_not_be_passed_on_may_come_again(desk: Desk) -> None:
    # Given Pub/Sub that does not take the message
    works, desk.receive = (
        desk.receive,
        type(desk.receive)(
            "alleaves", desk.receive.read, desk.world.database, Full(), desk.world.now
        ),
    )
    with pytest.raises(RetryLater):
        desk.take_in("order.created", {"id": 1})

    # When the POS sends it again
    desk.receive = works
    outcome = desk.take_in("order.created", {"id": 1})

    # Then it is the first
    assert outcome is WebhookOutcome.QUEUED


def test_many_webhooks_at_once_are_seen_to_by_one_run(desk: Desk) -> None:
    customer = a_customer(desk)
    before = desk.spent(customer)
    for number in range(20):
        place_order(desk, customer, id_order=NEW_ORDER + number)
        desk.take_in("order.created", {"id_order": NEW_ORDER + number})

    desk.work()

    assert desk.spent(customer) == pytest.approx(before + 2000)
    assert states(desk) == ["done"] * 20
    runs_begun = [
        key for key in desk.world.documents(f"tenants/{ORG}/sync_runs") if "webhook" in key
    ]
    assert len(runs_begun) == 1
    assert desk.calls()["orders"] == 20


def test_a_webhook_during_a_run_is_left_to_it_and_seen_to_after_it(desk: Desk) -> None:
    # Given a run that has the org
    customer = a_customer(desk)
    before = desk.spent(customer)
    place_order(desk, customer)
    held = take_lease(desk.world.database, "long", now=desk.world.now(), seconds=60)

    # When a webhook comes
    desk.take_in("order.created", {"id_order": NEW_ORDER})
    desk.work()
    assert states(desk) == ["waiting"]

    # Then it is asked for once the run is over
    held.end([])
    desk.targeted.catch_up(ORG)
    desk.work()
    assert states(desk) == ["done"]
    assert desk.spent(customer) == pytest.approx(before + 100)


def test_with_the_pos_down_the_webhook_is_tried_again(desk: Desk) -> None:
    customer = a_customer(desk)
    before = desk.spent(customer)
    place_order(desk, customer)
    desk.take_in("order.created", {"id_order": NEW_ORDER})
    (message,) = desk.pos_sync.take()
    assert isinstance(message, PosSync)

    # Given a POS that fails
    desk.world.fault("server_error", endpoint="orders")
    with pytest.raises(RetryLater):
        desk.fetch(message)
    assert states(desk) == ["waiting"]

    # When it is well again and the message is delivered again
    desk.world.no_faults()
    desk.fetch(message)
    desk.work()

    assert states(desk) == ["done"]
    assert desk.spent(customer) == pytest.approx(before + 100)


def test_a_webhook_never_changes_what_the_status_says(desk: Desk) -> None:
    before = desk.world.status(ORG)
    place_order(desk, a_customer(desk))

    desk.take_in("order.created", {"id_order": NEW_ORDER})
    desk.work()

    after = desk.world.status(ORG)
    assert {n: v for n, v in after.items() if n in before and n != "menuChangedAt"} == before


def test_a_poll_waits_for_a_webhook_instead_of_giving_up(desk: Desk) -> None:
    # Given a webhook's run that has the org for a moment
    take_lease(desk.world.database, "webhook-1", now=desk.world.now(), seconds=1)

    # When the schedule's run comes
    after = desk.world.sync(ORG)

    # Then it has run, and not been dropped
    assert after["state"] == "succeeded"
