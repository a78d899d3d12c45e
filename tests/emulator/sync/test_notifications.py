"""An org that asks for it is told of each new eCom order once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.spec import OrgSpec
from shared.bus.messages import PosSync
from shared.domain.notifications import GIVEN_UP_AFTER, NEW_ECOM_ORDER, NEWS_FOR
from shared.services.sync import news
from tests.emulator.environment import TINY, Environment, SyncRunner
from tests.emulator.sync.webhook_pipeline import WebhookPipeline
from tests.fakes import OffsetClock, RecordingNotifier
from tests.simulated_pos import SimulatedPos, placed_order
from tests.stored import StoredDocuments

ORG = "org_test"
NEW_ORDER = 990_001
MAILBOX = "json://merchant"


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    return (TINY,)


@pytest.fixture
def asked(client: Client) -> None:
    """The org asks for new eCom orders."""
    ask(client, NEW_ECOM_ORDER)


def ask(client: Client, *kinds: str) -> None:
    alerts = {"notify": list(kinds), "urls": [MAILBOX]}
    client.document(f"tenants/{ORG}").set({"alerts": alerts}, merge=True)


@pytest.fixture
def webhooks(sync: SyncRunner, environment: Environment) -> WebhookPipeline:
    """An org that was synced before it asked for anything."""
    sync.run(ORG)
    return WebhookPipeline(environment)


def order_online(pos: SimulatedPos, number: int = NEW_ORDER, **ago: float) -> None:
    """A customer orders something for $100 online."""
    data = pos.data(ORG)
    at = (datetime.now(UTC) - timedelta(**(ago or {"minutes": 3}))).isoformat()
    order = placed_order(data["orders"][-1], number, data["customers"][0]["id_customer"], at)
    pos.add(ORG, "orders", {**order, "type": "pickup"})


def told_of(notifier: RecordingNotifier) -> list[str]:
    return [title for title in notifier.titles if title.startswith("New online order")]


def notifications(store: StoredDocuments) -> dict[str, dict[str, Any]]:
    return store.documents(f"tenants/{ORG}/notifications")


def pending(store: StoredDocuments) -> list[str]:
    found: list[str] = store.document(f"tenants/{ORG}/sync_state/progress")["pendingNotifications"]
    return found


def die(*_: object, **__: object) -> list[bool]:
    raise ConnectionError("the worker dies")


def refuse_all(urls: list[object], title: str, body: str) -> list[bool]:
    return [False] * len(urls)


def test_an_order_that_comes_by_webhook_again_and_again_is_told_once(
    webhooks: WebhookPipeline,
    asked: None,
    pos: SimulatedPos,
    sync: SyncRunner,
    notifier: RecordingNotifier,
    store: StoredDocuments,
) -> None:
    # Given a new order, whose webhooks come twice, as do their messages
    order_online(pos)
    webhooks.receive("order.created", {"id_order": NEW_ORDER})
    webhooks.receive("order.created", {"id_order": NEW_ORDER})
    webhooks.receive("order.updated", {"id_order": NEW_ORDER})
    messages = webhooks.pos_sync.take()
    for message in [*messages, *messages]:
        assert isinstance(message, PosSync)
        webhooks.fetch(message)
    webhooks.process()

    # When the schedule finds it too, and it changes
    sync.run(ORG)
    pos.change(ORG, "orders", NEW_ORDER, total="120.00", date_updated=datetime.now(UTC).isoformat())
    sync.run(ORG)

    # Then the org was told once, with number, amount and place, and nothing of its customer
    title = f"New online order {NEW_ORDER}"
    assert told_of(notifier) == [title]
    body = notifier.bodies[notifier.titles.index(title)]
    assert "$100.00" in body
    customer = pos.data(ORG)["customers"][0]
    for name in ("name_first", "name_last", "email", "phone"):
        assert not customer.get(name) or str(customer[name]) not in body
    (kept,) = notifications(store).values()
    assert kept["sentAt"]
    assert MAILBOX not in str(kept)


def test_an_order_that_the_schedule_finds_is_told_too(
    webhooks: WebhookPipeline,
    asked: None,
    pos: SimulatedPos,
    sync: SyncRunner,
    notifier: RecordingNotifier,
) -> None:
    order_online(pos)

    sync.run(ORG)
    sync.run(ORG)

    assert told_of(notifier) == [f"New online order {NEW_ORDER}"]


def test_a_first_sync_of_years_tells_of_the_orders_of_the_last_day_only(
    asked: None,
    pos: SimulatedPos,
    sync: SyncRunner,
    notifier: RecordingNotifier,
    store: StoredDocuments,
) -> None:
    order_online(pos)

    sync.run(ORG)

    since = datetime.now(UTC) - NEWS_FOR
    orders = store.documents(f"tenants/{ORG}/orders").values()
    online = [order for order in orders if order["channel"] == "ecom"]
    recent = {order["externalId"] for order in online if order["createdAt"] >= since}
    told = {title.rpartition(" ")[2] for title in told_of(notifier)}
    assert {str(NEW_ORDER)} <= told <= recent
    assert len(recent) < len(online)


@pytest.mark.parametrize("kinds", [(), ("new_ecom_ordr",)])
def test_an_org_that_did_not_ask_is_not_told(
    webhooks: WebhookPipeline,
    client: Client,
    pos: SimulatedPos,
    sync: SyncRunner,
    notifier: RecordingNotifier,
    store: StoredDocuments,
    kinds: tuple[str, ...],
) -> None:
    ask(client, *kinds)
    order_online(pos)

    sync.run(ORG)

    assert told_of(notifier) == []
    assert notifications(store) == {}
    warnings = store.document(f"tenants/{ORG}/integrations/pos").get("warnings", [])
    assert len([w for w in warnings if "alerts.notify" in w]) == len(kinds)


@pytest.mark.parametrize("what", ["retail", "old"])
def test_what_is_no_news_is_not_told(
    webhooks: WebhookPipeline,
    asked: None,
    pos: SimulatedPos,
    sync: SyncRunner,
    notifier: RecordingNotifier,
    what: str,
) -> None:
    order_online(pos, days=3 if what == "old" else 0, minutes=1)
    if what == "retail":
        pos.change(ORG, "orders", NEW_ORDER, type="in_store")

    sync.run(ORG)

    assert told_of(notifier) == []


def test_a_worker_that_dies_while_it_tells_loses_nothing(
    webhooks: WebhookPipeline,
    asked: None,
    environment: Environment,
    pos: SimulatedPos,
    sync: SyncRunner,
    clock: OffsetClock,
    notifier: RecordingNotifier,
) -> None:
    # Given a worker that dies just as it sends
    order_online(pos)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment.notifier, "send", die)
        with pytest.raises(ConnectionError):
            sync.run(ORG, run_id="dies")

    # When its message comes again, and the next run
    clock.later += timedelta(minutes=30)
    sync.run(ORG, run_id="dies")
    sync.run(ORG)

    # Then the order is told, once
    assert told_of(notifier) == [f"New online order {NEW_ORDER}"]


def test_a_worker_that_dies_after_it_has_told_does_not_tell_twice(
    webhooks: WebhookPipeline,
    asked: None,
    pos: SimulatedPos,
    sync: SyncRunner,
    clock: OffsetClock,
    notifier: RecordingNotifier,
) -> None:
    order_online(pos)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(news.log, "info", die)
        with pytest.raises(ConnectionError):
            sync.run(ORG, run_id="dies")
    assert told_of(notifier) == [f"New online order {NEW_ORDER}"]

    clock.later += timedelta(minutes=30)
    sync.run(ORG, run_id="dies")
    sync.run(ORG)

    assert told_of(notifier) == [f"New online order {NEW_ORDER}"]


def test_an_address_that_fails_is_told_by_a_later_run_and_not_tried_for_ever(
    webhooks: WebhookPipeline,
    asked: None,
    environment: Environment,
    pos: SimulatedPos,
    sync: SyncRunner,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    store: StoredDocuments,
) -> None:
    # Given an address that takes nothing
    order_online(pos)
    order_online(pos, NEW_ORDER + 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment.notifier, "send", refuse_all)
        sync.run(ORG)
    assert len(pending(store)) == 2

    # When it works again, the next run tells it
    sync.run(ORG)
    titles = [f"New online order {NEW_ORDER}", f"New online order {NEW_ORDER + 1}"]
    assert sorted(told_of(notifier)) == titles
    assert pending(store) == []

    # And an order that nobody could be told of for two days is let go
    order_online(pos, NEW_ORDER + 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment.notifier, "send", refuse_all)
        sync.run(ORG)
        clock.later += GIVEN_UP_AFTER
        sync.run(ORG)
    assert pending(store) == []


def test_many_orders_are_told_of_in_several_runs(
    webhooks: WebhookPipeline,
    asked: None,
    pos: SimulatedPos,
    sync: SyncRunner,
    notifier: RecordingNotifier,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(news, "TOLD_PER_RUN", 2)
    for number in range(3):
        order_online(pos, NEW_ORDER + number)

    sync.run(ORG)
    assert len(told_of(notifier)) == 2
    sync.run(ORG)

    assert len(told_of(notifier)) == len(set(told_of(notifier))) == 3


def test_an_unchanged_org_that_asks_costs_what_one_costs_that_does_not(
    webhooks: WebhookPipeline, client: Client, sync: SyncRunner
) -> None:
    def cost() -> dict[str, int]:
        found: dict[str, int] = sync.run(ORG)["cost"]
        return found

    cost()
    before = cost()
    ask(client, NEW_ECOM_ORDER)

    assert cost() == before
