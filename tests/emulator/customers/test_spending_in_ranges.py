"""An org too large for one scan: its spending is computed in ranges, with the same result."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client

from deploy.local.clients import firestore_client
from shared.bus.messages import ComputeSpending, Message
from shared.errors import RetryLater
from shared.services.spending.compute import SpendingService
from shared.services.spending.requests import message_of, of_all
from shared.store import customers, paths, spending_requests
from shared.store.customers import mark_removed
from shared.store.database import Database, Document
from shared.store.writes import Write
from tests.emulator.customers.shop import ORG, Shop
from tests.fakes import RecordingPublisher
from tests.stored import StoredDocuments, differences

EVERYBODY = ComputeSpending(org_id=ORG)
CUSTOMERS = 44
IN_RANGE = 10
CROWD = range(12, 34)
"""Customers who all have one e-mail, 22 of them."""
DAY = timedelta(days=1)
STAMPS = frozenset({"updatedAt", "asOf"})


def large(shop: Shop, database: Database | None = None, seconds: float = 60) -> SpendingService:
    """The service of an org for which the memory is too small."""
    return SpendingService(
        database or shop.database,
        shop.requests,
        shop.clock.now,
        seconds,
        in_memory=IN_RANGE,
        in_range=IN_RANGE,
    )


def phone(number: int) -> str:
    return f"518-555-01{number:02}"


def fill(shop: Shop) -> None:
    """Customers who share e-mails and numbers, within a range and across; their orders."""
    for number in range(CUSTOMERS):
        email = f"person{number}@example.com" if number % 3 else "no-email@alleaves.local"
        shop.customer(str(number), email=email, phone=phone(number) if number % 4 else "")
    for number in CROWD:
        shop.customer(str(number), email="front.desk@example.com", phone=phone(99))
    for first, second in ((1, 43), (2, 9), (10, 11)):
        shop.customer(str(second), email=f"person{first}@example.com", phone=phone(second))
    shop.customer("10", email="robin@example.com")
    shop.customer("11", email="robin@example.com")
    shop.customer("35", phone=phone(5))
    shop.customer("36", email="kim@example.com", phone=phone(35))
    shop.customer("40", email="kim@example.com", phone=phone(41))
    shop.product("1", "Flower", 20)
    shop.product("2", "Edibles", 40)
    for number in range(CUSTOMERS * 2):
        item = (str(number % 3), ("Flower", "Edibles")[number % 2], 1 + number % 3)
        total = -5.0 if number % 13 == 12 else 5.5 * (number % 17)
        shop.order(f"o{number}", str(number * 7 % CUSTOMERS), total, item, days_ago=number)
    shop.order("nobodys", "gone", 10)


def deliver(shop: Shop, service: SpendingService, message: Message, again: list[Message]) -> None:
    """One delivery; what was not acknowledged is to come again."""
    assert isinstance(message, ComputeSpending)
    try:
        service(message)
    except (RetryLater, ConnectionError):
        again.append(message)


def work_off(shop: Shop, service: Callable[[], SpendingService]) -> None:
    """Deliver until nothing more is asked for."""
    for _ in range(200):
        queue = shop.requests.take()
        if not queue:
            return
        for message in queue:
            deliver(shop, service(), message, shop.requests.messages)
    raise AssertionError("it never ends")


def requested(shop: Shop) -> ComputeSpending:
    """The message of a stored request for all, as a sync makes it."""
    request = of_all(ORG, "run", CUSTOMERS, shop.clock.now())
    shop.database.commit([spending_requests.put(request)])
    return message_of(request)


def watch(shop: Shop) -> None:
    """Ask again for every request that is stored, as the watchdog does later."""
    later = shop.clock.now() + DAY
    found = spending_requests.asked_before(shop.database, later, 500)
    shop.requests.publish(map(message_of, found))


def settle(shop: Shop) -> None:
    """Compute all, in parts."""
    service = large(shop)
    service(EVERYBODY)
    work_off(shop, lambda: service)


def documents(shop: Shop) -> dict[str, Any]:
    stored = StoredDocuments(shop.client)
    names = ("customers", "customer_spending", "sync_state", "spending_requests")
    return {name: stored.documents(f"tenants/{ORG}/{name}") for name in names}


def without_stamps(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: without_stamps(v) for name, v in found.items() if name not in STAMPS}
    return found


def assert_right(shop: Shop) -> None:
    """One scan of all finds nothing to change but the moment of the quantiles."""
    assert documents(shop)["spending_requests"] == {}
    before = documents(shop)
    _, writes = shop.compute()
    assert differences(without_stamps(before), without_stamps(documents(shop))) == []
    assert writes == 1


class Paths(Database):
    """Notes what is written."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.written: list[str] = []

    def commit(self, writes: Iterable[Write]) -> datetime | None:
        given = list(writes)
        self.written += (write.path for write in given)
        return super().commit(given)


class Counting(Database):
    """Counts the documents that queries of each collection find."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.found: Counter[str] = Counter()

    def query(self, collection: str, *filters: Any, **options: Any) -> Iterator[Document]:
        for document in super().query(collection, *filters, **options):
            self.found[collection] += 1
            yield document


class DyingAtCommit(Database):
    """The process ends at its commit of that number: before it, or after."""

    def __init__(self, client: Client, number: int, *, after: bool) -> None:
        super().__init__(client)
        self._left = number
        self._after = after

    def commit(self, writes: Iterable[Write]) -> datetime | None:
        given = list(writes)
        self._left -= bool(given)
        if self._left == 0 and not self._after:
            raise ConnectionError
        done = super().commit(given)
        if self._left == 0 and given:
            raise ConnectionError
        return done


@pytest.fixture
def filled(shop: Shop) -> Shop:
    fill(shop)
    return shop


@pytest.fixture
def other(firestore_host: str, project: str) -> Iterator[Shop]:
    """The same org in a project where it is computed by one scan."""
    with closing(firestore_client(firestore_host, f"{project}-2")) as client:
        yield Shop(client)


def change(shop: Shop) -> None:
    """A day later customers and orders have changed, and nobody has computed anything since."""
    shop.clock.advance(DAY)
    shop.customer("1", email="another@example.com")
    shop.customer("36", email="person20@example.com", phone="")
    shop.customer("44", email="robin@example.com")
    shop.database.commit([mark_removed(ORG, "2", shop.clock.now())])
    shop.order("new", "40", 2_000, ("1", "Flower", 2), days_ago=0)
    shop.order("o3", "30", 80)
    shop.orders_collection.document("o5").delete()


def test_ranges_give_what_one_scan_gives_document_by_document(filled: Shop, other: Shop) -> None:
    # Given the same org twice
    fill(other)
    # When one is computed in ranges, the other by a scan
    settle(filled)
    other.compute()
    # Then not even a time differs
    assert differences(documents(filled), documents(other)) == []
    linked = {i: filled.read(i)["duplicateOf"] for i in ("35", "40", "41", "43")}
    assert linked == {"35": "5", "40": "36", "41": "36", "43": "1"}
    assert filled.spent("front.desk@example.com")["customerId"] == str(CROWD.start)
    # When both change
    change(filled)
    change(other)
    settle(filled)
    other.compute()
    # Then they are the same but for when each was written
    found, expected = documents(filled), documents(other)
    assert differences(without_stamps(found), without_stamps(expected)) == []
    assert_right(filled)


def test_a_second_computation_writes_no_record(filled: Shop) -> None:
    # Given
    settle(filled)
    # When all is computed again
    database = Paths(filled.client)
    service = large(filled, database)
    service(EVERYBODY)
    work_off(filled, lambda: service)
    # Then only the requests and the quantiles are written
    requests = paths.spending_requests(ORG)
    kinds = {path.rpartition("/")[0] for path in database.written}
    assert kinds == {requests, paths.rfm_scale(ORG).rpartition("/")[0]}


def test_customers_spending_and_orders_are_read_in_one_pass(
    filled: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr(customers, "PAGE", IN_RANGE)
    settle(filled)
    crowd = {str(number) for number in CROWD}
    orders = [d.to_dict()["customerId"] for d in filled.orders_collection.stream()]
    # When
    database = Counting(filled.client)
    service = large(filled, database)
    service(EVERYBODY)
    work_off(filled, lambda: service)
    # Then orders and spending are scanned once, customers once and three times with few fields;
    # only a crowd is looked up beside: nobody can say that it is complete
    found = {name.rpartition("/")[2]: count for name, count in database.found.items()}
    assert found["orders"] == len(orders) + sum(i in crowd for i in orders)
    assert found["customer_spending"] == len(documents(filled)["customer_spending"])
    assert found["customers"] <= 4 * CUSTOMERS + 3 * len(crowd)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_worker_that_is_killed_at_any_of_its_commits_is_made_up_for(
    filled: Shop, number: int, after: bool
) -> None:
    # Given: of every message the first delivery ends at that commit
    killed: set[str] = set()

    def dying(message: ComputeSpending) -> SpendingService:
        key = f"{message.request_id}"
        if key in killed:
            return large(filled)
        killed.add(key)
        return large(filled, DyingAtCommit(filled.client, number, after=after))

    # When every message is delivered until it is acknowledged, and the watchdog asks again
    filled.requests.publish([requested(filled)])
    for _ in range(20):
        while queue := filled.requests.take():
            for message in queue:
                assert isinstance(message, ComputeSpending)
                deliver(filled, dying(message), message, filled.requests.messages)
        watch(filled)
        if not filled.requests.messages:
            break
    # Then
    assert killed
    assert_right(filled)


class Dying(RecordingPublisher):
    """A topic that takes the messages of each size once it has failed before."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: set[str] = set()

    def publish(self, messages: Iterable[Message]) -> int:
        given = list(messages)
        key = ",".join(str(each.request_id) for each in given if isinstance(each, ComputeSpending))
        if key and key not in self.failed:
            self.failed.add(key)
            raise ConnectionError
        return super().publish(given)


def test_a_worker_that_cannot_send_its_messages_is_made_up_for(filled: Shop) -> None:
    # Given a topic at which every message fails once
    filled.requests = Dying()
    service = large(filled)
    # When
    queue: list[Message] = [requested(filled)]
    for _ in range(40):
        while queue:
            again: list[Message] = []
            for message in queue:
                deliver(filled, service, message, again)
            queue = again + filled.requests.take()
        waiting = spending_requests.asked_before(filled.database, filled.clock.now() + DAY, 500)
        queue = list(map(message_of, waiting))
        if not queue:
            break
    # Then
    assert_right(filled)


def test_messages_that_come_twice_at_once_do_no_harm(filled: Shop) -> None:
    # Given
    sent: list[Message] = []
    large(filled)(EVERYBODY)
    # When every message is delivered twice, four deliveries at once
    with ThreadPoolExecutor(4) as pool:
        for _ in range(50):
            queue = filled.requests.take()
            if not queue:
                break
            sent += queue
            again: list[Message] = []
            done = [
                pool.submit(deliver, filled, large(filled), message, again)
                for message in queue
                for _ in range(2)
            ]
            for each in done:
                each.result()
            filled.requests.publish(again)
    # Then
    assert_right(filled)
    # When all of them come once more, then nothing is written
    database = Paths(filled.client)
    for message in sent:
        deliver(filled, large(filled, database), message, [])
    assert database.written == []


def test_whoever_joins_or_leaves_a_group_meanwhile_has_the_right_sum(filled: Shop) -> None:
    # Given: the ranges are asked for, then customers change and are computed by name at once
    large(filled)(EVERYBODY)
    filled.customer("45", email="person4@example.com")
    filled.customer("46", email="front.desk@example.com")
    filled.customer("11", email="person7@example.com")
    filled.order("late", "45", 33, days_ago=0)
    filled.order("later", "46", 44, days_ago=0)
    filled.compute("45", "46", "11")
    # When
    work_off(filled, lambda: large(filled))
    # Then
    assert filled.spent("person4@example.com")["totalSpent"] == (
        filled.spent("cid_4")["totalSpent"] + 33
    )
    assert filled.read("45")["duplicateOf"] == "4"
    assert_right(filled)


def test_a_member_who_leaves_before_the_first_figures_leaves_the_others_theirs(
    filled: Shop,
) -> None:
    # Given: of two who share an e-mail one has another before any figure is stored
    large(filled)(EVERYBODY)
    filled.customer("43", email="elsewhere@example.com")
    filled.compute("43")
    # When
    work_off(filled, lambda: large(filled))
    # Then
    assert filled.spent("person1@example.com")["totalSpent"] == filled.spent("cid_1")["totalSpent"]
    assert_right(filled)


def test_a_step_that_is_asked_for_too_early_waits(filled: Shop) -> None:
    # Given
    large(filled)(EVERYBODY)
    ranges = filled.requests.take()
    # When the watchdog asks for everything that is stored
    watch(filled)
    asked = {getattr(each, "request_id", None) for each in ranges}
    early = [m for m in filled.requests.take() if getattr(m, "request_id", None) not in asked]
    stored = documents(filled)["spending_requests"]
    for message in early:
        deliver(filled, large(filled), message, [])
    # Then nothing is done yet
    assert early
    assert documents(filled)["spending_requests"] == stored
    # When the ranges are done, then so is all
    filled.requests.publish(ranges)
    work_off(filled, lambda: large(filled))
    assert_right(filled)


def test_without_time_the_parts_leave_the_rest_to_messages_of_their_own(filled: Shop) -> None:
    # Given: whoever is delivered a message of the first round has no time
    large(filled)(EVERYBODY)
    first = filled.requests.take()
    for message in first:
        deliver(filled, large(filled, seconds=0), message, [])
    # Then all are asked for by name, as parts of the same
    left = filled.requests.messages
    assert {getattr(each, "part_of", None) for each in left} == {
        getattr(each, "part_of", None) for each in first
    }
    # When there is time for a part of the scores at a time
    hurried = iter([60.0] * len(left) + [0.0] * 3)
    work_off(filled, lambda: large(filled, seconds=next(hurried, 60.0)))
    # Then
    assert_right(filled)


def test_a_customer_whose_id_no_message_can_name_is_computed_all_the_same(filled: Shop) -> None:
    # Given
    long_id = "x" * 201
    filled.customer(long_id, email="long@example.com")
    filled.order("long", long_id, 12)
    # When
    settle(filled)
    # Then
    assert filled.read(long_id)["totalSpent"] == 12
    assert_right(filled)
