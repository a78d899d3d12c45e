"""Webhooks, from the proven body to the documents that follow from it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client
from structlog.testing import capture_logs

from deploy.local.simulator.spec import OrgSpec
from shared.bus.messages import PosSync
from shared.errors import RequestInvalid, RetryLater, Unauthenticated
from shared.services.webhooks import WebhookOutcome
from shared.store.database import Database
from tests.emulator.environment import TINY, Environment, SpendingRunner, SyncRunner, hold_org
from tests.emulator.sync.webhook_pipeline import WebhookPipeline
from tests.fakes import FailingPublisher
from tests.simulated_pos import SimulatedPos, placed_order
from tests.stored import StoredDocuments

ORG = "org_test"
NEW_ORDER = 990_001
NEW_CUSTOMER = 880_001


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    return (TINY,)


@pytest.fixture
def webhooks(
    spending: SpendingRunner, sync: SyncRunner, environment: Environment
) -> WebhookPipeline:
    """An org that was synced a moment ago."""
    sync.run(ORG)
    spending.compute_requested()
    webhooks = WebhookPipeline(environment)
    webhooks.take_calls()
    return webhooks


def moment(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def place_order(pos: SimulatedPos, customer_id: object, **fields: Any) -> None:
    """A customer buys something for $100 at the POS."""
    template = pos.data(ORG)["orders"][-1]
    order = placed_order(template, NEW_ORDER, customer_id, moment(minutes=5))
    pos.add(ORG, "orders", order | fields)


def a_customer(pos: SimulatedPos) -> Any:
    return pos.data(ORG)["customers"][0]["id_customer"]


def test_an_order_is_in_the_customers_spending_for_one_call_to_the_pos(
    webhooks: WebhookPipeline, pos: SimulatedPos
) -> None:
    # Given a new order at the POS
    customer = a_customer(pos)
    before = webhooks.spent(customer)
    place_order(pos, customer)

    # When the POS sends its webhook
    assert webhooks.receive("order.created", {"id_order": NEW_ORDER}) is WebhookOutcome.QUEUED
    webhooks.process()

    # Then it is stored and counted, and one call was made
    assert webhooks.stored("orders", f"alleaves_{NEW_ORDER}")["total"] == 100
    assert webhooks.spent(customer) == pytest.approx(before + 100)
    assert webhooks.take_calls() == {"orders": 1}
    assert webhooks.states() == ["done"]


def test_a_poll_after_it_finds_nothing_to_do(
    webhooks: WebhookPipeline, pos: SimulatedPos, sync: SyncRunner
) -> None:
    place_order(pos, a_customer(pos))
    webhooks.receive("order.created", {"id_order": NEW_ORDER})
    webhooks.process()

    run = sync.run(ORG)

    assert run["streams"]["orders"]["created"] == run["streams"]["orders"]["updated"] == 0


def test_a_poll_with_older_data_does_not_undo_it(
    webhooks: WebhookPipeline, pos: SimulatedPos, spending: SpendingRunner, sync: SyncRunner
) -> None:
    # Given an order that was stored as of an hour ago
    customer = a_customer(pos)
    place_order(pos, customer, total="40.00", date_updated=moment(hours=1))
    webhooks.receive("order.created", {"id_order": NEW_ORDER})
    webhooks.process()
    # ... that has changed since, as a webhook said
    pos.change(ORG, "orders", NEW_ORDER, total="100.00", date_updated=moment(minutes=1))
    webhooks.receive("order.updated", {"id_order": NEW_ORDER})
    webhooks.process()
    spent = webhooks.spent(customer)

    # When a poll still lists it as it was in between
    pos.change(ORG, "orders", NEW_ORDER, total="70.00", date_updated=moment(minutes=30))
    run = sync.run(ORG)
    spending.compute_requested()

    # Then the newer order stands, until the POS lists what is newer still
    assert webhooks.stored("orders", f"alleaves_{NEW_ORDER}")["total"] == 100
    assert (run["streams"]["orders"]["updated"], webhooks.spent(customer)) == (0, spent)
    pos.change(ORG, "orders", NEW_ORDER, total="90.00", date_updated=moment())
    sync.run(ORG)
    assert webhooks.stored("orders", f"alleaves_{NEW_ORDER}")["total"] == 90


def test_a_full_sync_stores_what_the_pos_says_however_old_it_is(
    webhooks: WebhookPipeline, pos: SimulatedPos, sync: SyncRunner
) -> None:
    place_order(pos, a_customer(pos))
    webhooks.receive("order.created", {"id_order": NEW_ORDER})
    webhooks.process()

    pos.change(ORG, "orders", NEW_ORDER, total="70.00", date_updated=moment(hours=9))
    sync.run(ORG, full=True)

    assert webhooks.stored("orders", f"alleaves_{NEW_ORDER}")["total"] == 70


def test_an_older_listing_of_a_customer_does_not_undo_a_newer_one(
    webhooks: WebhookPipeline, pos: SimulatedPos, sync: SyncRunner
) -> None:
    customer = a_customer(pos)
    for first_name, ago in (("Newest", 1.0), ("Older", 60.0)):
        pos.change(
            ORG, "customers", customer, name_first=first_name, date_updated=moment(minutes=ago)
        )
        sync.run(ORG)

    assert webhooks.stored("customers", customer)["firstName"] == "Newest"


def test_a_new_customers_first_order_brings_the_customer_along(
    webhooks: WebhookPipeline, pos: SimulatedPos
) -> None:
    # Given a customer and an order that nobody has heard of
    template = pos.data(ORG)["customers"][0]
    customer = {**template, "id_customer": NEW_CUSTOMER, "email": "wren@example.com"}
    pos.add(ORG, "customers", customer)
    place_order(pos, NEW_CUSTOMER)

    # When only the order has a webhook
    webhooks.receive("order.created", {"id_order": NEW_ORDER})
    webhooks.process()

    # Then both are there, for two calls
    assert webhooks.stored("customers", NEW_CUSTOMER)["email"] == "wren@example.com"
    assert webhooks.spent(NEW_CUSTOMER) == 100
    assert webhooks.take_calls() == {"orders": 1, "customers": 1}


def test_a_changed_customer_is_stored_for_one_call(
    webhooks: WebhookPipeline, pos: SimulatedPos
) -> None:
    customer = a_customer(pos)
    pos.change(ORG, "customers", customer, name_first="Juniper")

    webhooks.receive("customer.updated", {"id_customer": customer})
    webhooks.process()

    assert webhooks.stored("customers", customer)["firstName"] == "Juniper"
    assert webhooks.take_calls() == {"customers": 1}


def test_changed_stock_is_on_the_menu_for_one_call(
    webhooks: WebhookPipeline, pos: SimulatedPos
) -> None:
    row = pos.data(ORG)["inventory"][0]
    item, key = row["id_item"], f"{row['id_batch']}-{row['id_area']}"
    pos.change(ORG, "inventory", key, price_otd_adult_use=77.0)

    webhooks.receive("inventory.updated", {"id_item": item})
    webhooks.process()

    assert webhooks.stored("publicViews/products/items", item)["price"] == 77
    assert webhooks.take_calls() == {"inventory": 1}


def test_a_deleted_product_is_off_the_menu(webhooks: WebhookPipeline, pos: SimulatedPos) -> None:
    rows = pos.data(ORG)["inventory"]
    item = rows[0]["id_item"]
    pos.replace(ORG, "inventory", [row for row in rows if row["id_item"] != item])

    webhooks.receive("product.deleted", {"id_item": item})
    webhooks.process()

    assert not webhooks.stored("publicViews/products/items", item)
    assert webhooks.stored("products", item)["available"] is False


def test_a_record_that_the_pos_does_not_have_is_no_reason_to_try_again(
    webhooks: WebhookPipeline,
) -> None:
    webhooks.receive("order.created", {"id_order": 123_456_789})

    assert webhooks.process() == 1
    assert webhooks.states() == ["not_found"]


def test_an_event_ends_as_not_found_where_the_pos_lacks_one_of_its_records(
    webhooks: WebhookPipeline, store: StoredDocuments, pos: SimulatedPos
) -> None:
    # Given webhooks of records that are there, that are not, and of both
    customer, order = a_customer(pos), pos.data(ORG)["orders"][0]["id_order"]
    item = pos.data(ORG)["inventory"][0]["id_item"]
    events = [
        ("order.updated", [{"id_order": order}]),
        ("order.created", [{"id_order": order}, {"id_order": 123_456_789}]),
        ("customer.updated", {"id_customer": customer}),
        ("customer.created", {"id_customer": 987_654_321}),
        ("product.updated", [{"id_item": item}]),
        ("inventory.updated", [{"id_item": item}, {"id_item": 555_555}]),
        ("product.deleted", {"id_item": 444_444}),
    ]
    for event, data in events:
        webhooks.receive(event, data)

    # When they are processed in one run
    with capture_logs() as logs:
        webhooks.process()

    # Then each says what became of its own records
    kept = store.documents(f"tenants/{ORG}/webhook_events").values()
    assert sorted((each["event"], each["state"], each.get("notFound", [])) for each in kept) == [
        ("customer.created", "not_found", ["987654321"]),
        ("customer.updated", "done", []),
        ("inventory.updated", "not_found", ["555555"]),
        ("order.created", "not_found", ["123456789"]),
        ("order.updated", "done", []),
        ("product.deleted", "done", []),
        ("product.updated", "done", []),
    ]
    outcomes = {e["outcome"]: e["events"] for e in logs if e["event"] == "webhooks_processed"}
    assert outcomes == {"done": 4, "not_found": 3}


def test_a_message_that_comes_again_after_not_found_asks_the_pos_nothing(
    webhooks: WebhookPipeline,
) -> None:
    webhooks.receive("order.created", {"id_order": 123_456_789})
    (message,) = webhooks.pos_sync.messages
    webhooks.process()
    webhooks.take_calls()

    assert isinstance(message, PosSync)
    webhooks.fetch(message)

    assert webhooks.take_calls() == {}
    assert webhooks.states() == ["not_found"]


def test_a_webhook_that_comes_twice_is_one(webhooks: WebhookPipeline, pos: SimulatedPos) -> None:
    place_order(pos, a_customer(pos))
    data = {"id_order": NEW_ORDER}

    outcomes = [webhooks.receive("order.created", data) for _ in range(3)]
    by_id = [webhooks.receive("order.updated", data, event_id="e1", n=n) for n in range(3)]

    assert (
        outcomes
        == by_id
        == [WebhookOutcome.QUEUED, WebhookOutcome.DUPLICATE, WebhookOutcome.DUPLICATE]
    )
    assert len(webhooks.pos_sync.messages) == 2


def test_one_org_s_webhook_is_no_repeat_of_anothers(
    environment: Environment, webhooks: WebhookPipeline
) -> None:
    other = WebhookPipeline(environment, "org_other")

    assert webhooks.receive("order.created", {"id": 1}) is WebhookOutcome.QUEUED
    assert other.receive("order.created", {"id": 1}) is WebhookOutcome.QUEUED


@pytest.mark.parametrize("minutes", [-6, 6, 60 * 24])
def test_a_webhook_sent_too_long_ago_or_in_the_future_is_refused(
    webhooks: WebhookPipeline, minutes: float
) -> None:
    with pytest.raises(Unauthenticated):
        webhooks.receive("order.created", {"id": 1}, timestamp=moment(minutes=minutes))
    assert not webhooks.states()


def test_a_body_that_is_no_event_is_refused_and_nothing_is_kept(webhooks: WebhookPipeline) -> None:
    with pytest.raises(RequestInvalid):
        webhooks.receiver()(ORG, b"{")
    assert not webhooks.states()


def test_an_unknown_event_is_kept_as_it_was_sent_and_asks_for_nothing(
    webhooks: WebhookPipeline, store: StoredDocuments
) -> None:
    assert webhooks.receive("shift.closed", {"id": 7}) is WebhookOutcome.KEPT

    (kept,) = store.documents(f"tenants/{ORG}/webhook_events").values()
    assert (kept["state"], kept["event"]) == ("unknown", "shift.closed")
    assert kept["raw"] == '{"event": "shift.closed", "data": {"id": 7}}'
    assert not webhooks.pos_sync.messages


def test_a_webhook_that_could_not_be_passed_on_may_come_again(webhooks: WebhookPipeline) -> None:
    # Given Pub/Sub that does not take the message
    event = b'{"event": "order.created", "data": {"id": 1}}'
    with pytest.raises(RetryLater):
        webhooks.receiver(FailingPublisher(TimeoutError()))(ORG, event)

    # When the POS sends it again
    outcome = webhooks.receiver()(ORG, event)

    # Then it is the first
    assert outcome is WebhookOutcome.QUEUED


def test_many_webhooks_at_once_are_seen_to_by_one_run(
    webhooks: WebhookPipeline, store: StoredDocuments, pos: SimulatedPos
) -> None:
    customer = a_customer(pos)
    before = webhooks.spent(customer)
    for number in range(20):
        place_order(pos, customer, id_order=NEW_ORDER + number)
        webhooks.receive("order.created", {"id_order": NEW_ORDER + number})

    webhooks.process()

    assert webhooks.spent(customer) == pytest.approx(before + 2000)
    assert webhooks.states() == ["done"] * 20
    runs_begun = [key for key in store.documents(f"tenants/{ORG}/sync_runs") if "webhook" in key]
    assert len(runs_begun) == 1
    assert webhooks.take_calls()["orders"] == 20


def rows(first: int, count: int) -> list[dict[str, int]]:
    return [{"id_order": number} for number in range(first, first + count)]


def test_a_webhook_of_thousands_of_records_is_a_sync_of_their_stream(
    webhooks: WebhookPipeline, store: StoredDocuments, pos: SimulatedPos
) -> None:
    # Given a new order among thousands that a webhook names
    customer = a_customer(pos)
    before = webhooks.spent(customer)
    place_order(pos, customer)

    # When it is received
    outcome = webhooks.receive("order.created", rows(NEW_ORDER, 5_000))
    (message,) = webhooks.pos_sync.messages
    assert isinstance(message, PosSync)
    assert (message.streams, message.names_records) == (("orders",), False)
    webhooks.process()

    # Then the orders are synced as by the schedule, and the event is processed
    assert outcome is WebhookOutcome.QUEUED
    assert webhooks.spent(customer) == pytest.approx(before + 100)
    assert webhooks.take_calls().keys() == {"orders"}
    assert webhooks.states() == ["done"]
    assert store.run(ORG, message.run_id)["state"] == "succeeded"


def test_a_webhook_of_a_hundred_records_is_fetched_by_their_ids(
    webhooks: WebhookPipeline,
) -> None:
    webhooks.receive("order.created", rows(NEW_ORDER, 100))
    webhooks.process()

    assert webhooks.take_calls() == {"orders": 100}
    assert webhooks.states() == ["not_found"]


def test_a_run_fetches_a_hundred_records_of_all_webhooks_that_wait_and_the_next_has_the_rest(
    webhooks: WebhookPipeline,
) -> None:
    # Given three webhooks of sixty records each, of which only one message is left
    for number in range(3):
        webhooks.receive("order.created", rows(NEW_ORDER + 60 * number, 60))
    message = webhooks.pos_sync.take()[0]
    assert isinstance(message, PosSync)

    # When it is handled
    webhooks.fetch(message)

    # Then one webhook is processed, and the others by the runs that are asked for
    assert webhooks.take_calls() == {"orders": 60}
    assert webhooks.states() == ["not_found", "waiting", "waiting"]
    assert webhooks.process() == 2
    assert webhooks.take_calls() == {"orders": 120}
    assert webhooks.states() == ["not_found"] * 3


def test_a_webhook_of_thousands_of_records_waits_for_the_run_that_has_the_org(
    database: Database, pos: SimulatedPos, webhooks: WebhookPipeline
) -> None:
    # Given a run that has the org when the webhook comes, and a smaller webhook after it
    held = hold_org(database, ORG, "long")
    place_order(pos, a_customer(pos))
    webhooks.receive("order.created", rows(NEW_ORDER, 5_000))
    webhooks.receive("order.updated", rows(1, 1))
    assert webhooks.process() == 2
    assert webhooks.states() == ["waiting", "waiting"]

    # When the run is over, then both are seen to
    held.end([])
    webhooks.targeted.catch_up(ORG)
    webhooks.process()

    assert webhooks.states() == ["done", "not_found"]
    assert webhooks.stored("orders", f"alleaves_{NEW_ORDER}")["total"] == 100


def test_a_webhook_whose_sync_ended_without_saying_so_is_processed_by_the_repeat(
    client: Client, webhooks: WebhookPipeline
) -> None:
    # Given a worker that stopped between the end of the sync and the note on the webhook
    webhooks.receive("order.created", rows(NEW_ORDER, 5_000))
    (message,) = webhooks.pos_sync.messages
    webhooks.process()
    (event,) = client.collection(f"tenants/{ORG}/webhook_events").list_documents()
    event.update({"state": "waiting"})
    webhooks.take_calls()

    # When the message comes again
    assert isinstance(message, PosSync)
    webhooks.fetch(message)

    # Then nothing is synced again
    assert webhooks.states() == ["done"]
    assert webhooks.take_calls() == {}


def test_a_webhook_during_a_run_is_left_to_it_and_seen_to_after_it(
    database: Database, pos: SimulatedPos, webhooks: WebhookPipeline
) -> None:
    # Given a run that has the org
    customer = a_customer(pos)
    before = webhooks.spent(customer)
    place_order(pos, customer)
    held = hold_org(database, ORG, "long")

    # When a webhook comes
    webhooks.receive("order.created", {"id_order": NEW_ORDER})
    webhooks.process()
    assert webhooks.states() == ["waiting"]

    # Then it is asked for once the run is over
    held.end([])
    webhooks.targeted.catch_up(ORG)
    webhooks.process()
    assert webhooks.states() == ["done"]
    assert webhooks.spent(customer) == pytest.approx(before + 100)


def test_with_the_pos_down_the_webhook_is_tried_again(
    webhooks: WebhookPipeline, pos: SimulatedPos
) -> None:
    customer = a_customer(pos)
    before = webhooks.spent(customer)
    place_order(pos, customer)
    webhooks.receive("order.created", {"id_order": NEW_ORDER})
    (message,) = webhooks.pos_sync.take()
    assert isinstance(message, PosSync)

    # Given a POS that fails
    pos.fault("server_error", endpoint="orders")
    with pytest.raises(RetryLater):
        webhooks.fetch(message)
    assert webhooks.states() == ["waiting"]

    # When it is well again and the message is delivered again
    pos.clear_faults()
    webhooks.fetch(message)
    webhooks.process()

    assert webhooks.states() == ["done"]
    assert webhooks.spent(customer) == pytest.approx(before + 100)


def test_a_webhook_never_changes_what_the_status_says(
    webhooks: WebhookPipeline, store: StoredDocuments, pos: SimulatedPos
) -> None:
    before = store.status(ORG)
    place_order(pos, a_customer(pos))

    webhooks.receive("order.created", {"id_order": NEW_ORDER})
    webhooks.process()

    after = store.status(ORG)
    assert {n: v for n, v in after.items() if n in before and n != "menuChangedAt"} == before


def test_a_poll_waits_for_a_webhook_instead_of_giving_up(
    database: Database, sync: SyncRunner
) -> None:
    # Given a webhook's run that has the org for a moment
    hold_org(database, ORG, "webhook-1", seconds=1)

    # When the schedule's run comes
    after = sync.run(ORG)

    # Then it has run, and not been dropped
    assert after["state"] == "succeeded"
