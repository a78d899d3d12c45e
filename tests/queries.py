"""Every query of the product, as it is sent to Firestore: each function that queries is called, and
what its client sends is kept. Nothing is connected to."""

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain, product, repeat
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import Client
from google.cloud.firestore_v1.types import (
    BatchGetDocumentsResponse,
    RunAggregationQueryRequest,
    RunAggregationQueryResponse,
    RunQueryRequest,
    Value,
)

from shared.domain.customer_ranges import CustomerRange
from shared.domain.ecom import EcomState
from shared.domain.order_matching import SkipReason
from shared.domain.orders import Channel, OrderStatus
from shared.domain.org_health import OrgState
from shared.domain.periods import Period
from shared.domain.segmentation import Segment, SegmentBoundary
from shared.errors import InvalidMessage
from shared.services.reads.customers import CustomerReads, CustomerSort, OrderReads, SegmentReads
from shared.services.reads.loyalty import LoyaltyReads
from shared.services.reads.orgs import OrgReads, OrgSort
from shared.services.reads.response_cache import ResponseCache
from shared.services.spending.look_up import SpendingLookUp
from shared.store import (
    audit,
    customers,
    dead_letters,
    discounts,
    ecom,
    erasures,
    incidents,
    inventory,
    locations,
    loyalty,
    metrics,
    order_figures,
    orders,
    products,
    quarantine,
    runs,
    spending,
    spending_requests,
    status,
    verifications,
    webhook_events,
    webhook_signers,
)
from shared.store.database import Database, Document, Totals
from tests.indexes import Needs, needs, sums_of

ROOT = Path(__file__).parents[1]
SENDS = {"query", "query_in", "totals"}
"""The methods of Database that send a query."""
ORG = "org_a"
A_RANGE = CustomerRange(after="1", until="5")
NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)

Place = tuple[str, int]
"""A source file and a line of it."""


class RecordingDatabase(Database):
    """A Firestore that keeps what its queries need, and in which lines they were asked for; it has
    no documents. ``counts`` are the numbers that aggregations answer with, 0 after the last."""

    def __init__(self, counts: Iterable[int] = ()) -> None:
        client: Any = Client(project="demo", credentials=AnonymousCredentials())
        client._firestore_api_internal = self
        super().__init__(client)
        self.sent: set[Needs] = set()
        self.places: set[Place] = set()
        self._counts = iter(counts)

    def query(self, *given: Any, **named: Any) -> Iterator[Document]:
        self._note()
        return iter(list(super().query(*given, **named)))

    def query_in(self, *given: Any, **named: Any) -> Iterator[Document]:
        self._note()
        return iter(list(super().query_in(*given, **named)))

    def totals(self, *given: Any, **named: Any) -> Totals:
        self._note()
        return super().totals(*given, **named)

    def run_query(self, request: dict[str, Any], **_: object) -> Iterator[Any]:
        """Google's client calls this and the next two in place of the network."""
        self.sent.add(needs(RunQueryRequest(request).structured_query))
        return iter(())

    def run_aggregation_query(self, request: dict[str, Any], **_: object) -> Iterator[Any]:
        asked = RunAggregationQueryRequest(request).structured_aggregation_query
        self.sent.add(needs(asked.structured_query, sums_of(asked)))
        count = Value(integer_value=next(self._counts, 0))
        found = {each.alias: count for each in asked.aggregations}
        yield RunAggregationQueryResponse(result={"aggregate_fields": found}, read_time=NOW)

    def batch_get_documents(self, request: dict[str, Any], **_: object) -> Iterator[Any]:
        for name in request["documents"]:
            yield BatchGetDocumentsResponse(missing=name, read_time=NOW)

    def _note(self) -> None:
        frame = sys._getframe(2)
        self.places.add((frame.f_code.co_filename, frame.f_lineno))


class CustomersExist(RecordingDatabase):
    """The same, in which every document that is read by its path exists."""

    def get(self, path: str) -> Document:
        return Document(path.rpartition("/")[2], {}, NOW, NOW, path)


def recorded() -> list[RecordingDatabase]:
    """The databases after all queries."""
    nobody, somebody = RecordingDatabase(), CustomersExist()
    # Of 5 orders 1 was removed; of 5 all have a status, 2 of them count, 1 of which is a refund.
    some_removed = RecordingDatabase((5, 1, 0, 5))
    all_plain = RecordingDatabase((5, 0, 0, 5, 2, 1))
    for call in _of_the_store():
        _exhaust(call(nobody))
    for database in (some_removed, all_plain):
        orders.spending_of(database, ORG, "7")
    _of_the_dashboard(nobody)
    # An order of each kind, some of them set aside and refunds; then orders of no known kind.
    kinds = len(OrderStatus) * len(Channel)
    added_up, one_by_one = RecordingDatabase(chain([kinds], repeat(1))), RecordingDatabase([5])
    # Two of each kind, and so few set aside that these are read.
    some_read = RecordingDatabase(chain([2 * kinds], repeat(2)))
    for database, few in ((added_up, 0), (one_by_one, 0), (some_read, 1)):
        _of_figures(database, few)
    _of_the_fleet(nobody)
    _customer_reads(somebody).orders(ORG, "7", cursor=None, limit=10)
    return [nobody, somebody, some_removed, all_plain, added_up, one_by_one, some_read]


def _of_the_store() -> Sequence[Callable[[Database], object]]:
    boundary = SegmentBoundary(until=NOW, segments=(Segment.VIP, Segment.LOYAL))
    return [
        lambda d: audit.is_erased_org(d, ORG),
        lambda d: audit.latest(d, ORG, 10),
        lambda d: audit.latest(d, None, 10, NOW),
        lambda d: customers.having(d, ORG, "email", ["a@example.com"]),
        lambda d: customers.having(d, ORG, "phoneE164", ["+15185550123"]),
        lambda d: customers.having(d, ORG, "userId", ["u"]),
        lambda d: customers.count_all(d, ORG),
        lambda d: customers.count_with_orders(d, ORG),
        lambda d: customers.top_spender(d, ORG),
        lambda d: customers.scored(d, ORG),
        lambda d: customers.past_boundary(d, ORG, boundary, 10),
        lambda d: dead_letters.waiting(d, None),
        lambda d: dead_letters.waiting(d, ORG),
        lambda d: dead_letters.count_replayed(d, ORG, NOW, 10),
        lambda d: dead_letters.page(d, None, cursor=None, limit=10),
        lambda d: dead_letters.page(d, ORG, cursor=None, limit=10),
        lambda d: discounts.read_all(d, ORG, "alleaves"),
        lambda d: ecom.look_up(d, ORG, ["7"], {}, "lightspeed"),
        lambda d: ecom.of_sales(d, ORG, ["7"]),
        lambda d: ecom.with_keys(d, ORG, ["a@example.com"]),
        lambda d: ecom.in_states(d, ORG, *EcomState),
        lambda d: ecom.count(d, ORG, *EcomState),
        lambda d: ecom.count_differing(d, ORG),
        lambda d: incidents.open_ones(d, 10),
        lambda d: incidents.of_org(d, ORG, 10),
        lambda d: inventory.latest_price_changes(d, ORG, "p", 10),
        lambda d: locations.active_orgs(d),
        lambda d: locations.active_orgs(d, ORG),
        lambda d: locations.active_among(d, [ORG]),
        lambda d: locations.active_since(d, NOW, 10),
        lambda d: locations.configured(d, ORG),
        lambda d: locations.unreached(d, []),
        lambda d: locations.zones(d, ORG),
        lambda d: locations.listed(d, ORG),
        lambda d: locations.known_orgs(d, [ORG]),
        lambda d: locations.orgs_after(d, ORG, 10),
        lambda d: locations.OrgDirectory(d)(ORG),
        _unknown_org,
        lambda d: loyalty.ids(d, ORG),
        lambda d: loyalty.ids(d, ORG, loyalty.SOCIAL_EQUITY),
        lambda d: loyalty.spending_since(d, ORG, NOW),
        lambda d: loyalty.in_review(d, ORG),
        lambda d: loyalty.counts(d, ORG),
        lambda d: loyalty.orders_of(d, ORG, ["7"]),
        lambda d: loyalty.orders_of(d, ORG, None),
        lambda d: loyalty.stored_ledger(d, ORG, "7"),
        lambda d: loyalty.latest_entries(d, ORG, "7", 10),
        lambda d: metrics.with_news(d, ORG, NOW, 10),
        lambda d: metrics.reports(d, ORG),
        lambda d: orders.facts_of_customers(d, ORG, ["7"]),
        lambda d: orders.facts_of_customers(d, ORG, A_RANGE),
        lambda d: orders.of_customer(d, ORG, "7", ["status"]),
        lambda d: products.recommendable_menu(d, ORG),
        lambda d: products.public_menu(d, ORG),
        lambda d: products.whole_menu(d, ORG),
        lambda d: quarantine.read_all(d, None, 10),
        lambda d: quarantine.read_all(d, ORG, 10),
        lambda d: quarantine.keys(d, ORG, "orders", 10),
        lambda d: runs.begun_before(d, ORG, NOW),
        lambda d: quarantine.page(d, ORG, None, cursor=None, limit=10),
        lambda d: quarantine.page(d, ORG, "orders", cursor=None, limit=10),
        lambda d: runs.unfinished(d, NOW, 10),
        lambda d: runs.history(d, ORG, cursor=None, limit=10),
        lambda d: spending.snapshots_in(d, ORG, A_RANGE),
        lambda d: spending.everybody(d, ORG),
        lambda d: spending.customers_sharing_phones(d, ORG, ["+15185550123"]),
        lambda d: spending.data_version(d, ORG),
        lambda d: spending_requests.parts(d, ORG, "whole"),
        lambda d: spending_requests.has_parts(d, ORG, "whole"),
        lambda d: spending_requests.has_parts(d, ORG, "whole", "figures"),
        lambda d: spending_requests.asked_before(d, NOW, 10),
        lambda d: spending_requests.waiting_since(d, ORG, NOW, 10),
        lambda d: status.last_succeeded(d, NOW, NOW, 10),
        lambda d: list(erasures.pages(d, f"tenants/{ORG}/orders")),
        lambda d: erasures.of_org(d, ORG),
        lambda d: erasures.sharing(d, ORG, "email", "a@example.com", 10),
        lambda d: erasures.sharing(d, ORG, "phoneE164", "+15185550123", 10),
        lambda d: erasures.letters(d, ORG),
        lambda d: erasures.letters(d, None),
        lambda d: erasures.spending_of(d, ORG, ["7"]),
        lambda d: erasures.ledger_of(d, ORG, "7"),
        lambda d: metrics.csv_folders(d, ORG),
        lambda d: verifications.every(d, f"tenants/{ORG}/orders", ["id"]),
        lambda d: verifications.count(d, f"tenants/{ORG}/orders"),
        lambda d: verifications.orders_of(d, ORG, ["7"], ["id"]),
        lambda d: status.fleet_version(d),
        lambda d: webhook_events.waiting(d, ORG, 10),
        lambda d: webhook_signers.of_org(d, "alleaves", ORG),
        lambda d: webhook_signers.at_place(d, "alleaves", "1000", 10),
        lambda d: webhook_signers.at_place(d, "lightspeed", "harbor", 10),
        lambda d: webhook_signers.active(d, "alleaves", 10),
        lambda d: webhook_signers.active_if_few(d, "alleaves", 10),
    ]


def _of_the_dashboard(database: Database) -> None:
    people = _customer_reads(database)
    for segment in (None, *Segment):
        for sort in CustomerSort:
            people.page(ORG, segment=segment, query=None, sort=sort, cursor=None, limit=10)
    for query in ("a@example.com", "+1 518 555 0123", "ada l"):
        sort = CustomerSort.LAST_NAME
        people.page(ORG, segment=None, query=query, sort=sort, cursor=None, limit=10)
    people.of_email(ORG, "a@example.com", segment=Segment.NEW, cursor=None, limit=10)
    SegmentReads(database)(ORG)
    day = NOW.date()
    for order_status, channel in product((None, *OrderStatus), (None, *Channel)):
        for days in ((None, None), (day, day)):
            OrderReads(database).page(
                ORG, status=order_status, channel=channel, days=days, cursor=None, limit=10
            )
    LoyaltyReads(database).runs(ORG, cursor=None, limit=10)
    for reason in (None, *SkipReason):
        OrderReads(database).skipped(ORG, reason=reason, cursor=None, limit=10)


def _of_figures(database: Database, few: int) -> None:
    period = Period(NOW.date(), NOW.date(), ZoneInfo("America/New_York"))
    order_figures.figures_of(database, ORG, period, few=few)


def _of_the_fleet(database: Database) -> None:
    orgs = OrgReads(database, lambda: NOW, ResponseCache(database, version_of=lambda *_: None))
    for state in (None, *OrgState):
        for sort in OrgSort:
            orgs.page(state=state, sort=sort)
        orgs.page(state=state, query="harbor")


def _customer_reads(database: Database) -> CustomerReads:
    return CustomerReads(database, SpendingLookUp(database))


def _unknown_org(database: Database) -> None:
    with suppress(InvalidMessage):
        locations.require_known(database, ORG)


def _exhaust(found: object) -> None:
    if isinstance(found, Iterator):
        list(found)


def calls_in_source() -> dict[Place, range]:
    """Where the product sends a query: each place with the lines of the call."""
    found: dict[Place, range] = {}
    files = [file for room in ("shared", "functions") for file in (ROOT / room).rglob("*.py")]
    for file in files:
        if file.name == "database.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in SENDS
            ):
                lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                found[str(file), node.lineno] = lines
    return found
