"""Spending that was asked for is known until it is computed, whatever becomes of the message."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.spec import OrgSpec
from shared.bus.events import Delivery
from shared.bus.messages import ComputeSpending, CronTick, Message
from shared.clock import utc_now
from shared.services.dead_letters import RecordDeadLetter
from shared.services.spending.compute import SpendingService
from shared.services.sync import session
from shared.services.sync.commands import PreviewSync, SyncOrg
from shared.store.database import Database
from shared.store.writes import Write
from tests.emulator.environment import SMALL, Environment, SpendingRunner, SyncRunner
from tests.fakes import (
    DatabaseFailingAtPath,
    FailingPublisher,
    OffsetClock,
    RecordingNotifier,
    RecordingPublisher,
)
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"
REQUESTS = f"tenants/{ORG}/spending_requests"
MINUTE = timedelta(minutes=1)
OUTSTANDING = "Spending is outstanding"

Watch = Callable[[], None]


@pytest.fixture(autouse=True)
def _all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first sync asks for everybody once, at its end, whichever stream checkpoints before."""
    monkeypatch.setattr(session, "MANY_CUSTOMERS", 1)


@pytest.fixture
def watch(environment: Environment) -> Watch:
    """Runs the watchdog."""
    return lambda: environment.watchdog(CronTick(job="watchdog"))


@pytest.fixture
def changed(pos: SimulatedPos, spending: SpendingRunner, sync: SyncRunner) -> str:
    """The id of a customer whose spending a sync has just asked for, in an org that was in step."""
    sync.run(ORG)
    spending.compute_requested()
    orders = [o for o in pos.data(ORG)["orders"] if o["id_customer"]]
    order = max(orders, key=lambda o: o["date_created"])
    pos.change(ORG, "orders", order["id_order"], total=12.34)
    sync.run(ORG)
    return str(order["id_customer"])


def asked(spending: SpendingRunner) -> list[ComputeSpending]:
    """The messages since the last call."""
    return [m for m in spending.requests.take() if isinstance(m, ComputeSpending)]


def spent(store: StoredDocuments, customer_id: str) -> float | None:
    """What is stored that a customer has spent."""
    found = store.document(f"tenants/{ORG}/customer_spending/cid_{customer_id}")
    return found.get("totalSpent")


def state(store: StoredDocuments) -> str | None:
    """State of the incident."""
    return store.document(f"tenants/{ORG}/incidents/spending_outstanding").get("state")


class TestAFunctionThatIsKilledAtEveryDelivery:
    """Five failed deliveries make a dead letter."""

    @pytest.fixture
    def specs(self) -> Sequence[OrgSpec]:
        return (SMALL.model_copy(update={"customers": 400}),)

    def test_people_know_of_it_and_the_watchdog_makes_up_for_it(
        self,
        client: Client,
        environment: Environment,
        store: StoredDocuments,
        clock: OffsetClock,
        notifier: RecordingNotifier,
        spending: SpendingRunner,
        sync: SyncRunner,
        watch: Watch,
    ) -> None:
        # Given an org of 400 customers whose spending is asked for, and killed at every delivery
        began = clock.now()
        sync.run(ORG)
        customers = store.status(ORG)["customersCount"]
        assert customers >= 390
        messages = asked(spending)
        bury = RecordDeadLetter(environment.database, environment.alerts, clock.now)
        for message in messages:
            for _ in range(5):
                killed(environment.database, message)
            data = message.model_dump_json(by_alias=True).encode()
            bury(Delivery(f"{message.request_id}", data, {}))

        # and a later sync that finds everything unchanged
        clock.later = 11 * MINUTE
        assert sync.run(ORG)["state"] == "succeeded"
        assert asked(spending) == []
        assert store.documents(f"tenants/{ORG}/customer_spending") == {}

        # When the watchdog looks, twice, half an hour after
        clock.later = 31 * MINUTE
        watch()
        clock.later = 46 * MINUTE
        watch()

        # Then it asks for them each time, and people know since when
        assert [m.customer_ids for m in asked(spending)] == [None, None]
        told = store.status(ORG)["spendingOutstanding"]
        assert told["customers"] == customers
        assert began <= told["since"] <= began + MINUTE
        assert store.status(ORG)["status"] == "active"
        assert state(store) == "open"
        assert notifier.titles == [OUTSTANDING]
        assert f"of {customers} customers" in notifier.bodies[0]

        # and a sync in between takes nothing of that back
        sync.run(ORG)
        assert store.status(ORG)["spendingOutstanding"] == told

        # When the function is well again
        clock.later = 61 * MINUTE
        watch()
        spending.compute_requested()
        watch()

        # Then all have their figures, nothing is outstanding, and people know that, too
        people = store.documents(f"tenants/{ORG}/customers")
        assert all("segment" in person for person in people.values())
        kept = store.documents(f"tenants/{ORG}/customer_spending")
        assert {f"cid_{i}" for i in people} <= kept.keys()
        assert store.documents(REQUESTS) == {}
        assert "spendingOutstanding" not in store.status(ORG)
        assert state(store) == "resolved"
        assert notifier.titles == [OUTSTANDING]


def killed(database: Database, message: ComputeSpending) -> None:
    """A delivery whose function is killed at its first write."""

    class Killed(Database):
        def commit(self, writes: Iterable[Write]) -> datetime | None:
            raise ConnectionError("killed")

    nowhere = RecordingPublisher()
    service = SpendingService(Killed(database._client), nowhere, utc_now, seconds=60)
    with pytest.raises(ConnectionError):
        service(message)


def test_a_message_that_reached_nobody_is_sent_again_and_that_is_no_alert(
    store: StoredDocuments,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    spending: SpendingRunner,
    watch: Watch,
    changed: str,
) -> None:
    # Given a request whose message is lost, and a watchdog that looks a little later
    [lost] = asked(spending)
    assert list(store.documents(REQUESTS)) == [lost.request_id]
    clock.later = 5 * MINUTE
    watch()
    assert asked(spending) == []

    # When it looks after ten minutes, then the same is asked for again, once
    clock.later = 11 * MINUTE
    watch()
    watch()
    assert asked(spending) == [lost]

    # When it is done, then it is not asked for any more, and nobody was alerted
    spending.service(lost)
    clock.later = 60 * MINUTE
    watch()
    assert asked(spending) == []
    assert spent(store, changed) is not None
    assert store.documents(REQUESTS) == {}
    assert notifier.titles == []


def test_a_sync_that_dies_before_it_sends_its_message_leaves_the_request(
    store: StoredDocuments,
    clock: OffsetClock,
    spending: SpendingRunner,
    sync: SyncRunner,
    watch: Watch,
) -> None:
    # Given a sync that stored its records, and died when it was to ask for the spending
    class Dying(RecordingPublisher):
        def publish(self, messages: Iterable[Message]) -> int:
            if super().publish(messages):
                raise ConnectionError
            return 0

    topic = Dying()
    with pytest.raises(ConnectionError):
        sync.service(spending=topic)(SyncOrg(ORG, "dying", "cron"))
    [unsent, *_] = topic.messages
    assert store.run(ORG, "dying")["state"] == "running"

    # When its message never comes again, then the watchdog asks
    clock.later = 11 * MINUTE
    watch()
    assert unsent in asked(spending)


@pytest.mark.parametrize("where", ["customers/{id}", "spending_requests/{request}"])
def test_a_computation_that_is_killed_between_its_commits_is_done_by_the_next_one(
    database: Database,
    store: StoredDocuments,
    clock: OffsetClock,
    spending: SpendingRunner,
    watch: Watch,
    changed: str,
    where: str,
) -> None:
    # Given a computation that dies at one of its commits
    [message] = asked(spending)
    path = f"tenants/{ORG}/" + where.format(id=changed, request=message.request_id)
    dying = DatabaseFailingAtPath(database._client, path)
    service = SpendingService(dying, spending.requests, clock.now, seconds=60)
    with pytest.raises(ConnectionError):
        service(message)

    # Then the request is known, and the watchdog asks for it
    assert list(store.documents(REQUESTS)) == [message.request_id]
    clock.later = 11 * MINUTE
    watch()
    spending.compute_requested()
    assert store.documents(REQUESTS) == {}
    assert spent(store, changed) is not None


def test_a_message_that_comes_again_after_it_is_done_costs_one_read(
    database: Database, spending: SpendingRunner, changed: str
) -> None:
    # Given a request that is done
    [message] = asked(spending)
    spending.service(message)

    # When its message comes again, late
    reads, writes = database.meter.reads, database.meter.writes + database.meter.deletes
    spending.service(message)

    # Then nothing is done
    assert database.meter.reads - reads == 1
    assert database.meter.writes + database.meter.deletes == writes
    assert asked(spending) == []


def test_a_request_that_is_done_while_the_watchdog_asks_again_stays_done(
    environment: Environment,
    database: Database,
    store: StoredDocuments,
    clock: OffsetClock,
    spending: SpendingRunner,
    changed: str,
) -> None:
    # Given a request that waits, and is done the moment it is asked for again
    [message] = asked(spending)

    class AtOnce(RecordingPublisher):
        def publish(self, messages: Iterable[Message]) -> int:
            count = super().publish(messages)
            spending.service(message)
            return count

    topic = AtOnce()
    clock.later = 31 * MINUTE

    # When the watchdog looks
    environment.watchdog_on(database, topic)(CronTick(job="watchdog"))

    # Then nothing is outstanding
    assert topic.messages == [message]
    assert store.documents(REQUESTS) == {}
    assert state(store) is None
    assert "spendingOutstanding" not in store.status(ORG)


def test_a_customer_who_is_asked_for_again_meanwhile_stays_asked_for(
    pos: SimulatedPos,
    store: StoredDocuments,
    spending: SpendingRunner,
    sync: SyncRunner,
    changed: str,
) -> None:
    # Given a customer who is asked for a second time before the first was done
    order = max(
        (o for o in pos.data(ORG)["orders"] if str(o["id_customer"]) == changed),
        key=lambda o: o["date_created"],
    )
    pos.change(ORG, "orders", order["id_order"], total=56.78)
    sync.run(ORG)
    first, second = asked(spending)
    assert first.customer_ids == second.customer_ids == (changed,)

    # When the first is done, then the second is still to be
    spending.service(first)
    assert list(store.documents(REQUESTS)) == [second.request_id]


def test_what_is_left_when_the_time_is_up_has_requests_of_its_own(
    database: Database,
    store: StoredDocuments,
    clock: OffsetClock,
    spending: SpendingRunner,
    sync: SyncRunner,
    watch: Watch,
) -> None:
    # Given all customers of an org that is too large to be computed at once
    sync.run(ORG)
    [whole] = asked(spending)
    since = store.document(f"{REQUESTS}/{whole.request_id}")["since"]
    clock.later = MINUTE

    # When it dies before it could send the messages for the parts
    nowhere = FailingPublisher(ConnectionError())
    service = SpendingService(database, nowhere, clock.now, 60, in_memory=100, in_range=90)
    with pytest.raises(ConnectionError):
        service(whole)

    # Then the parts are known beside the whole, which waits for them, and are as old
    stored = store.documents(REQUESTS)
    assert stored[f"{whole.request_id}"]["step"] == "groups"
    ranges = {key for key, request in stored.items() if "range" in request}
    everybody = store.documents(f"tenants/{ORG}/customers").keys()
    assert sum(stored[key]["customers"] for key in ranges) == len(everybody)
    assert {request["since"] for request in stored.values()} == {since}
    spending.service(whole)
    assert asked(spending) == []

    # When the watchdog looks, and the first part has time for nobody
    clock.later = 12 * MINUTE
    watch()
    again = asked(spending)
    assert {m.request_id for m in again} == stored.keys()
    part = next(m for m in again if m.request_id in ranges)
    SpendingService(database, spending.requests, clock.now, seconds=0)(part)

    # Then what it left is asked for by another request
    [left] = asked(spending)
    assert len(left.customer_ids or ()) == stored[f"{part.request_id}"]["customers"]
    assert store.documents(REQUESTS).keys() == stored.keys() - {part.request_id} | {left.request_id}

    # When there is time, then all is done
    for message in (left, *again):
        spending.service(message)
    spending.compute_requested()
    assert store.documents(REQUESTS) == {}
    kept = store.documents(f"tenants/{ORG}/customer_spending")
    assert {f"cid_{i}" for i in everybody} <= kept.keys()


def test_a_request_that_nobody_can_read_keeps_no_other_waiting(
    client: Client,
    clock: OffsetClock,
    spending: SpendingRunner,
    watch: Watch,
    changed: str,
) -> None:
    # Given two requests that make no sense, and one that does
    [lost] = asked(spending)
    nonsense = {"askedAt": clock.now(), "since": clock.now(), "customers": 1}
    client.document(f"{REQUESTS}/a").set(nonsense | {"customerIds": 5})
    client.document(f"{REQUESTS}/b").set(nonsense | {"customerIds": ["a/b"]})

    # When the watchdog looks, then that one is asked for
    clock.later = 31 * MINUTE
    watch()
    assert asked(spending) == [lost]


def test_a_dry_run_asks_for_nothing(
    store: StoredDocuments, spending: SpendingRunner, sync: SyncRunner
) -> None:
    # When a sync is only tried
    sync.dry_run()(PreviewSync(SyncOrg(ORG, "look", "manual")))

    # Then no request is stored and none is sent
    assert store.documents(REQUESTS) == {}
    assert asked(spending) == []
