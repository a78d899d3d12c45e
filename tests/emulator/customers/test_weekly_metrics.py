"""Weekly metrics: each customer's figures and row are those that follow from their orders."""

import csv
import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from random import Random
from typing import Any

import pytest
from flask import Request
from google.cloud.firestore import Client
from werkzeug.test import Client as Browser

from shared.bootstrap import dashboard, manual_sync
from shared.bootstrap import metrics as metrics_function
from shared.bus.messages import ReportMetrics
from shared.errors import InvalidMessage, RateLimited, RetryLater, UnderWay
from shared.services.admin.audit import Actor
from shared.services.metrics.report import MetricsReports
from shared.services.metrics.requests import MetricsRequests
from shared.services.reads.metrics import MetricsReads
from shared.store import metrics as metrics_store
from shared.store.customers import mark_removed
from shared.store.database import Database
from shared.store.metrics import EncodedPart
from shared.store.writes import Write
from tests.emulator.customers.shop import NOW, ORG, Shop
from tests.emulator.environment import SpendingRunner, SyncRunner
from tests.emulator.functions import InProcess, pubsub_event
from tests.fakes import OffsetClock, RecordingPublisher
from tests.stored import StoredDocuments

DAY, WEEK = timedelta(days=1), timedelta(days=7)
IN_PART = 7
CUSTOMERS = 40

Rows = dict[str, dict[str, str]]


class Metrics:
    """The service in parts of a few customers, and what it has published."""

    def __init__(self, shop: Shop, database: Database | None = None, seconds: float = 60) -> None:
        self.shop = shop
        self.topic = RecordingPublisher()
        self.service = MetricsReports(
            database or shop.database, self.topic, shop.clock.now, seconds, in_part=IN_PART
        )

    def __call__(self, as_of: datetime | None = None) -> tuple[int, int]:
        """Handle a request for a report; the documents read and written."""
        meter = self.shop.database.meter
        before = meter.reads, meter.writes
        self.service(ReportMetrics(org_id=ORG, as_of=as_of or self.shop.clock.now()))
        return meter.reads - before[0], meter.writes - before[1]


@pytest.fixture
def metrics(shop: Shop) -> Metrics:
    return Metrics(shop)


def rows(database: Database, as_of: datetime, org_id: str = ORG) -> Rows:
    """The report's rows by customer, each column by its name."""
    date = metrics_store.date_of(as_of)
    text = b"".join(MetricsReads(database).csv(org_id, date)).decode()
    found = list(csv.DictReader(StringIO(text, newline="")))
    assert [row["Customer ID"] for row in found] == sorted({row["Customer ID"] for row in found})
    return {row["Customer ID"]: row for row in found}


def expected(orders: Iterable[dict[str, Any]], now: datetime) -> tuple[dict[str, Any], Any]:
    """A customer's fields and the figures of their row, from their stored orders."""
    taken = [
        (
            Decimal(str(o["total"])),
            (now - o["createdAt"]) / DAY,
            o.get("channel") == "ecom",
            o["createdAt"],
        )
        for o in orders
        if not (o.get("removedFromPosAt") or o.get("supersededBy"))
        and (
            o.get("status") in ("completed", "ready")
            or (not o.get("status") and o.get("type") == "in_store")
        )
    ]
    placed = [t for t in taken if t[0] >= 0]
    late = [t for t in taken if t[1] < 90]
    total, rolling = sum((t[0] for t in taken), Decimal(0)), sum((t[0] for t in late), Decimal(0))
    days = max(0, int(min(t[1] for t in placed))) if placed else None
    tier = "Seed" if placed else "none"
    for least, name in ((250, "Sprout"), (750, "Bloom"), (1500, "Evergreen")):
        tier = name if rolling >= least else tier
    inactive = "none"
    for line in (30, 60, 90):
        inactive = str(line) if days is not None and days >= line else inactive
    web = sum((t[0] for t in taken if t[2]), Decimal(0))
    fields = {
        "ecomOrderCount": sum(t[2] for t in placed),
        "retailOrderCount": sum(not t[2] for t in placed),
        "ecomSpent": float(web),
        "retailSpent": float(total - web),
        "rolling90DaySpent": float(rolling),
        "rolling90DayOrderCount": sum(t[0] >= 0 for t in late),
        "isVip": total >= 1000,
        "isHighValue": total >= 500,
        "inactiveSegment": inactive,
        "spendTier": tier,
    }
    row = {
        "Lifetime Value": total,
        "Rolling 90-Day Value": rolling,
        "Order Count": len(placed),
        "Rolling 90-Day Order Count": fields["rolling90DayOrderCount"],
        "First Order Date": f"{min(t[3] for t in placed):%Y-%m-%d}" if placed else "",
        "Last Order Date": f"{max(t[3] for t in placed):%Y-%m-%d}" if placed else "",
        "Days Since Last Order": "" if days is None else days,
        "Is VIP": "Yes" if fields["isVip"] else "No",
        "Is High Value": "Yes" if fields["isHighValue"] else "No",
        "Inactive Segment": inactive,
        "Tier": tier,
        "eCom Order Count": fields["ecomOrderCount"],
        "Retail Order Count": fields["retailOrderCount"],
    }
    return fields, {
        name: str(Decimal(v)) if isinstance(v, Decimal) else v for name, v in row.items()
    }


def check_all(store: StoredDocuments, database: Database, as_of: datetime, org: str = ORG) -> Rows:
    """Every customer's fields, and their row in the report of that moment, are right; its rows."""
    bought: dict[str, list[dict[str, Any]]] = {}
    for order in store.documents(f"tenants/{org}/orders").values():
        bought.setdefault(order.get("customerId", ""), []).append(order)
    people = store.documents(f"tenants/{org}/customers")
    present = {i: p for i, p in people.items() if not p.get("removedFromPosAt")}
    found = rows(database, as_of, org)
    assert found.keys() == present.keys()
    for customer_id, person in present.items():
        fields, row = expected(bought.get(customer_id, []), as_of)
        assert {name: person.get(name) for name in fields} == fields, customer_id
        told = found[customer_id]
        for name, value in row.items():
            if "Value" in name and name != "Is High Value":
                assert Decimal(told[name]) == Decimal(value), (customer_id, name)
            else:
                assert told[name] == str(value), (customer_id, name)
        names = (person.get("firstName"), person.get("lastName"))
        assert told["Name"] == " ".join(filter(None, names))
        assert told["Duplicate IDs"] == ";".join(person.get("duplicateIds") or ())
    for customer_id in people.keys() - present.keys():
        assert not people[customer_id].keys() & {*metrics_store.NAMES, "metricsAsOf"}
    return found


def fill(shop: Shop) -> None:
    """Customers, two of whom are the same person, with orders of both channels."""
    for number in range(CUSTOMERS):
        shop.customer(str(number), email=f"person{number}@example.com", firstName=f"N{number}")
    shop.customer("10", email="robin@example.com", lastName="Quinn")
    shop.customer("21", email="robin@example.com", lastName="Quinn")
    for number in range(CUSTOMERS * 3):
        total = -5.25 if number % 13 == 12 else round(21.35 * (number % 17), 2)
        channel = "ecom" if number % 3 == 1 else "retail"
        days = number * 1.37 % 130
        owner = str(number * 7 % (CUSTOMERS - 3))
        shop.order(f"o{number}", owner, total, days_ago=days, channel=channel)
    shop.order("nobodys", "gone", 10)
    shop.compute()


def test_every_customers_figures_and_row_follow_from_their_orders(
    shop: Shop, metrics: Metrics, store: StoredDocuments
) -> None:
    # Given
    fill(shop)
    # When
    metrics()
    # Then
    found = check_all(store, shop.database, NOW)
    assert found["10"]["Duplicate IDs"] == "21"
    assert found["21"]["Note"] == "duplicate of 10"
    [report] = MetricsReads(shop.database).all(ORG)
    assert (report.date, report.customers) == ("2026-03-18", CUSTOMERS)
    assert report.parts == CUSTOMERS // IN_PART + 1


def test_a_second_report_without_news_reads_and_writes_next_to_nothing(
    shop: Shop, store: StoredDocuments
) -> None:
    # Given an org of one part, computed some hours before its first report
    fill(shop)
    shop.clock.advance(timedelta(hours=3))
    large = Metrics(shop)
    large.service = MetricsReports(shop.database, large.topic, shop.clock.now, 60)
    large()
    before = store.documents(f"tenants/{ORG}/customers")
    # When the next one is a minute later
    shop.clock.advance(timedelta(minutes=1))
    reads, writes = large()
    # Then no customer is read or written: the progress, its part and the report are
    assert store.documents(f"tenants/{ORG}/customers") == before
    assert (reads, writes) == (4, 6)
    check_all(store, shop.database, shop.clock.now())


def test_only_those_are_written_whose_figures_the_time_has_changed(
    shop: Shop, metrics: Metrics, store: StoredDocuments
) -> None:
    # Given
    fill(shop)
    metrics()
    shop.clock.advance(3 * timedelta(hours=1))
    metrics()
    before = store.documents(f"tenants/{ORG}/customers")
    # When
    shop.clock.advance(WEEK)
    reads, _ = metrics()
    # Then the orders were not read, and nobody was written without need
    check_all(store, shop.database, shop.clock.now())
    after = store.documents(f"tenants/{ORG}/customers")
    changed = {i for i in after if after[i] != before[i]}
    names = metrics_store.NAMES
    assert changed == {i for i in after if any(after[i][n] != before[i][n] for n in names)}
    assert 0 < len(changed) < CUSTOMERS
    assert reads <= 3 + CUSTOMERS // IN_PART + 1


def change(shop: Shop, random: Random, number: int) -> set[str]:
    """One change of any kind; the customers whose spending is asked for."""
    owner, other = (str(random.randrange(CUSTOMERS + 3)) for _ in range(2))
    order_id = f"o{random.randrange(CUSTOMERS * 3)}"
    stored = shop.document(f"orders/{order_id}")
    kind = random.randrange(8)
    if kind == 0:
        shop.customer(owner, email=f"new{number}@example.com", firstName=f"Renamed{number}")
        return {owner}
    if kind == 1:
        person = shop.database.get(f"tenants/{ORG}/customers/{owner}")
        if person.exists:
            shop.database.commit([mark_removed(ORG, owner, shop.clock.now())])
        return {owner}
    if kind == 2 or not stored:
        channel = random.choice(["ecom", "retail"])
        total = random.choice([-20.5, 0.0, 99.99, 480.0])
        shop.order(f"n{number}", owner, total, days_ago=random.random() * 100, channel=channel)
        return {owner}
    changed: dict[str, Any] = {
        3: {"status": random.choice(["cancelled", "completed"])},
        4: {"channel": "retail" if stored.get("channel") == "ecom" else "ecom"},
        5: {"createdAt": stored["createdAt"] + random.choice([-1, 1]) * 20 * DAY},
        6: {"customerId": other},
        7: {"removedFromPosAt": shop.clock.now()},
    }[kind]
    shop.orders_collection.document(order_id).update(changed)
    return {stored["customerId"], *([other] if kind == 6 else [])}


@pytest.mark.parametrize("seed", range(3))
def test_report_after_report_says_what_one_made_from_scratch_says(
    shop: Shop, metrics: Metrics, store: StoredDocuments, seed: int
) -> None:
    """Over random changes, those that leave the sums as they are among them."""
    random = Random(seed)
    fill(shop)
    metrics()
    for report in range(6):
        asked: set[str] = set()
        for number in range(random.randrange(12)):
            asked |= change(shop, random, report * 100 + number)
        if asked:
            shop.compute(*asked)
        shop.clock.advance(random.random() * 20 * DAY + timedelta(seconds=1))
        metrics()
        check_all(store, shop.database, shop.clock.now().replace(microsecond=0))


def test_an_order_of_the_web_shop_that_its_sale_supersedes_counts_once(
    shop: Shop, metrics: Metrics, store: StoredDocuments
) -> None:
    """The sale has the same amount and a date of its own, between those of others: no sum and
    neither the first nor the last order tells that there is news."""
    # Given
    fill(shop)
    shop.customer("99", email="grace@example.com")
    for order_id, days in (("first", 120), ("last", 1)):
        shop.order(order_id, "99", 10, days_ago=days)
    shop.order("ecom_77", "99", 480, days_ago=95, channel="ecom")
    shop.compute("99")
    metrics()
    assert shop.read("99")["rolling90DaySpent"] == 10
    shop.clock.advance(WEEK)
    # When the sale appears, weeks later
    shop.order("lightspeed_s1", "99", 480, days_ago=10, channel="ecom", ecomNumber="77")
    superseded = {"supersededBy": "lightspeed_s1"}
    shop.orders_collection.document("ecom_77").update(superseded)
    shop.compute("99")
    metrics()
    # Then
    check_all(store, shop.database, shop.clock.now())
    grace = shop.read("99")
    assert (grace["ecomOrderCount"], grace["ecomSpent"]) == (1, 480)
    assert grace["rolling90DaySpent"] == 490


class Dying(Database):
    """The process ends before its commit of the given number."""

    def __init__(self, client: Client, number: int) -> None:
        super().__init__(client)
        self.left = number

    def commit(self, writes: Iterable[Write]) -> datetime | None:
        if self.left == 0:
            raise SystemExit
        self.left -= 1
        return super().commit(writes)


@pytest.mark.parametrize("number", [0, 1, 2, 5, 8, 12, 13, 14])
def test_a_worker_that_dies_anywhere_is_made_up_for_by_the_next_delivery(
    shop: Shop, client: Client, store: StoredDocuments, number: int
) -> None:
    # Given a complete report, and changes since
    fill(shop)
    Metrics(shop)()
    shop.clock.advance(WEEK)
    shop.order("new", "3", 700, days_ago=1, channel="ecom")
    shop.customer("99", email="grace@example.com")
    shop.compute("3", "99")
    # When a worker dies, and another gets the message a moment later
    as_of = shop.clock.now()
    with suppress(SystemExit):
        Metrics(shop, Dying(client, number))(as_of)
    shop.clock.advance(timedelta(minutes=10))
    Metrics(shop)(as_of)
    # Then
    check_all(store, shop.database, as_of)


def test_a_report_that_was_left_is_completed_before_a_later_one(
    shop: Shop, client: Client, store: StoredDocuments
) -> None:
    """So that what it has written already is not taken for what the one before says."""
    # Given a first report, and a second that dies when it has written an order to its customer
    fill(shop)
    Metrics(shop)()
    shop.clock.advance(WEEK)
    shop.order("mistake", "0", 700, days_ago=1)
    shop.compute("0")
    with suppress(SystemExit):
        Metrics(shop, Dying(client, 2))()
    assert shop.read("0")["rolling90DaySpent"] >= 700
    # When the order is taken back, and only a later report's message arrives
    shop.clock.advance(DAY)
    shop.orders_collection.document("mistake").delete()
    shop.compute("0")
    shop.clock.advance(DAY)
    Metrics(shop)()
    # Then
    check_all(store, shop.database, shop.clock.now())
    dates = [each.date for each in MetricsReads(shop.database).all(ORG)]
    assert dates == ["2026-03-27", "2026-03-25", "2026-03-18"]


def test_one_without_time_leaves_the_rest_to_another_message(
    shop: Shop, store: StoredDocuments
) -> None:
    # Given
    fill(shop)
    hasty = Metrics(shop, seconds=0)
    hasty()
    deliveries = 1
    # When its own messages are delivered
    while left := hasty.topic.take():
        [message] = left
        assert isinstance(message, ReportMetrics)
        hasty.service(message)
        deliveries += 1
    # Then
    assert deliveries == CUSTOMERS // IN_PART + 2
    check_all(store, shop.database, NOW)


def test_the_same_message_again_or_a_late_one_changes_nothing(
    shop: Shop, metrics: Metrics, store: StoredDocuments
) -> None:
    # Given
    fill(shop)
    shop.clock.advance(WEEK)
    metrics()
    before = store.everything(ORG)
    # When
    again, late = metrics(), metrics(shop.clock.now() - DAY)
    # Then
    assert again == late == (1, 0)
    assert store.everything(ORG) == before
    assert len(MetricsReads(shop.database).all(ORG)) == 1


class Twin(Database):
    """Before a commit of the given number, another worker does the whole work."""

    def __init__(self, client: Client, number: int, other: Metrics, as_of: datetime) -> None:
        super().__init__(client)
        self.left, self.other, self.as_of = number, other, as_of

    def commit(self, writes: Iterable[Write]) -> datetime | None:
        self.left -= 1
        if self.left == 0:
            self.other(self.as_of)
        return super().commit(writes)


@pytest.mark.parametrize("number", [1, 2, 3, 8, 13])
def test_of_twins_at_once_one_makes_the_report(
    shop: Shop, client: Client, store: StoredDocuments, number: int
) -> None:
    # Given
    fill(shop)
    # When
    Metrics(shop, Twin(client, number, Metrics(shop), NOW))(NOW)
    # Then
    check_all(store, shop.database, NOW)
    [report] = MetricsReads(shop.database).all(ORG)
    assert report.customers == CUSTOMERS


def test_who_is_overtaken_while_an_earlier_report_is_made_comes_again(
    shop: Shop, client: Client, store: StoredDocuments
) -> None:
    # Given a report that another worker has begun, for an earlier moment
    fill(shop)
    earlier = Metrics(shop, seconds=0)
    later = NOW + timedelta(minutes=5)
    # When it takes a further step while the later one's worker writes
    worker = Metrics(shop, Twin(client, 2, earlier, NOW))
    earlier(NOW)
    with pytest.raises(RetryLater):
        worker(later)
    Metrics(shop)(later)
    # Then
    check_all(store, shop.database, later)


def test_a_second_report_of_a_day_takes_the_place_of_the_first(
    shop: Shop, metrics: Metrics, store: StoredDocuments
) -> None:
    # Given
    fill(shop)
    metrics()
    # When
    shop.clock.advance(timedelta(hours=2))
    shop.order("new", "3", 700, days_ago=0.01)
    shop.compute("3")
    metrics()
    # Then
    check_all(store, shop.database, shop.clock.now())
    [report] = MetricsReads(shop.database).all(ORG)
    kept = store.documents(f"tenants/{ORG}/metrics_reports/{report.date}/csv_parts")
    assert len(kept) == report.parts
    assert len(store.documents(f"tenants/{ORG}/metrics_state")) == report.parts


def test_a_part_that_has_grown_too_large_is_split(
    shop: Shop, metrics: Metrics, store: StoredDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    fill(shop)
    metrics()
    shop.clock.advance(WEEK)
    # When many new customers belong to one part, and then parts may have fewer bytes
    new = [f"1{number}x" for number in range(3 * IN_PART)]
    for customer_id in new:
        shop.customer(customer_id, email=f"p{customer_id}@example.com")
    shop.compute(*new)
    metrics()
    check_all(store, shop.database, shop.clock.now())
    monkeypatch.setattr(EncodedPart, "fits", property(lambda part: len(part.state) < 300))
    shop.clock.advance(WEEK)
    metrics()
    # Then
    check_all(store, shop.database, shop.clock.now())
    last, second, first = (each.parts for each in MetricsReads(shop.database).all(ORG))
    assert first < second < last


@pytest.mark.parametrize("lost", ["state", "news"])
def test_everybody_is_read_where_the_report_before_cannot_be_carried_over(
    shop: Shop,
    metrics: Metrics,
    store: StoredDocuments,
    monkeypatch: pytest.MonkeyPatch,
    lost: str,
) -> None:
    # Given what a part has left has expired, or too much is new
    fill(shop)
    metrics()
    shop.clock.advance(WEEK)
    if lost == "state":
        name = metrics_store._part_name(NOW, 2)
        shop.client.document(f"tenants/{ORG}/metrics_state/{name}").delete()
    else:
        monkeypatch.setattr("shared.services.metrics.report.MOST_NEWS", 5)
        shop.compute()
    # When
    metrics()
    # Then
    check_all(store, shop.database, shop.clock.now())


def test_who_has_very_many_recent_orders_is_read_each_time(
    shop: Shop, metrics: Metrics, store: StoredDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr(metrics_store, "MOST_RECENT", 3)
    fill(shop)
    for number in range(8):
        shop.order(f"walk-in{number}", "5", 10, days_ago=number * 12)
    shop.compute("5")
    metrics()
    # When
    for _ in range(4):
        shop.clock.advance(WEEK)
        metrics()
        # Then
        check_all(store, shop.database, shop.clock.now())


def test_an_order_that_nobody_can_read_takes_the_report_from_nobody(
    shop: Shop, metrics: Metrics, store: StoredDocuments
) -> None:
    # Given
    fill(shop)
    shop.order("odd", "3", 10, status={"is": "odd"})
    # When
    metrics()
    # Then
    shop.orders_collection.document("odd").delete()
    check_all(store, shop.database, NOW)


def test_an_unknown_org_and_a_moment_yet_to_come_are_refused(shop: Shop, metrics: Metrics) -> None:
    with pytest.raises(InvalidMessage):
        metrics.service(ReportMetrics(org_id="org_nowhere", as_of=NOW))
    with pytest.raises(InvalidMessage):
        metrics(NOW + DAY)


def test_a_report_on_demand_is_asked_for_unless_one_is_made_already(
    shop: Shop, metrics: Metrics
) -> None:
    # Given
    fill(shop)
    asking = MetricsRequests(shop.database, metrics.topic, shop.clock.now)
    # When
    asked = asking.ask(ORG, Actor("u1"))
    # Then
    assert metrics.topic.take() == [ReportMetrics(org_id=ORG, as_of=asked)]
    # and not while it is made, nor in the minute afterwards
    Metrics(shop, seconds=0)(asked)
    with pytest.raises(UnderWay):
        asking.ask(ORG, Actor("u1"))
    metrics(asked)
    with pytest.raises(RateLimited) as limited:
        asking.ask(ORG, Actor("u1"))
    assert 0 < limited.value.retry_after <= 60
    shop.clock.advance(timedelta(minutes=1))
    assert asking.ask(ORG, Actor("u1")) > asked


def test_whoever_asks_for_a_report_can_read_its_file(
    shop: Shop, client: Client, store: StoredDocuments
) -> None:
    """Through the functions as they are deployed."""
    # Given
    fill(shop)
    claims = json.dumps({"role": "dispensary_admin", "orgId": ORG})
    headers = {"Authorization": f"Bearer {claims}"}
    with pytest.MonkeyPatch.context() as patch:
        functions = InProcess(client.project, shop.database, patch)
        ask, read = (
            Browser(Request.application(functions.app(each)))  # type: ignore[arg-type]
            for each in (manual_sync, dashboard)
        )
        # When
        asked = ask.post("/api/pos/metrics", json={"orgId": ORG}, headers=headers)
        ((topic, message),) = functions.published
        text = json.dumps(message.to_json())
        functions.consumer(metrics_function)(pubsub_event("m1", text))
        # Then
        assert (asked.status_code, topic) == (202, "metrics")
        assert asked.json is not None
        report = read.get(asked.json["reportUrl"], headers=headers).json
        assert report is not None
        assert report["customers"] == CUSTOMERS
        file = read.get(report["csvUrl"], headers=headers)
    as_of = datetime.fromisoformat(asked.json["asOf"])
    found = check_all(store, shop.database, as_of)
    assert file.text.count("\r\n") == len(found) + 1
    assert list(csv.DictReader(StringIO(file.text, newline=""))) == list(found.values())


def test_an_org_without_customers_has_an_empty_report(shop: Shop, metrics: Metrics) -> None:
    metrics()
    assert rows(shop.database, NOW) == {}
    shop.customer("7", email="ada@example.com")
    shop.compute("7")
    shop.clock.advance(DAY)
    metrics()
    assert rows(shop.database, shop.clock.now()).keys() == {"7"}


def test_every_customer_of_a_simulated_org_has_their_metrics(
    sync: SyncRunner,
    spending: SpendingRunner,
    database: Database,
    store: StoredDocuments,
    clock: OffsetClock,
) -> None:
    # Given
    sync.run("org_test")
    spending.compute_requested()
    report = MetricsReports(database, RecordingPublisher(), clock.now, 60, in_part=50)
    for _ in range(2):
        # When
        as_of = clock.now().replace(microsecond=0)
        report(ReportMetrics(org_id="org_test", as_of=as_of))
        # Then
        check_all(store, database, as_of, "org_test")
        clock.later += 30 * DAY
