"""What the dashboard reads of customers and orders: lists, searches, one customer in detail, and
the totals of each segment."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from shared.domain.customers import NO_EMAIL, normal_phone
from shared.domain.ids import natural_key
from shared.domain.money import sum_to_cents
from shared.domain.order_matching import SkipReason
from shared.domain.orders import Channel, OrderStatus
from shared.domain.periods import day_start
from shared.domain.segmentation import Segment
from shared.domain.spending import Spending
from shared.errors import NotFound
from shared.services.spending.look_up import SpendingLookUp
from shared.store import customers, listing, locations, paths, products
from shared.store.database import Database, Document, Filter
from shared.store.listing import DocumentPage, QueryRange

LISTED = (
    "id",
    "firstName",
    "lastName",
    "email",
    "phone",
    *customers.SPENDING_FIELDS,
    "segment",
    "segmentReason",
    "predictedLifetimeValue",
    "loyaltyTier",
    "points",
    "duplicateOf",
    "nameKey",
    "lastNameKey",
)
"""The fields of a customer in a list."""
BEYOND = "\uf8ff"
"""Sorts after every character that occurs in names and addresses."""


class CustomerSort(StrEnum):
    """The orders of a list of customers; a minus is for descending. Customers without a last
    order are not in a list by it."""

    MOST_SPENT = "-totalSpent"
    LEAST_SPENT = "totalSpent"
    LAST_ORDER = "-lastOrderDate"
    LONGEST_AWAY = "lastOrderDate"
    MOST_ORDERS = "-orderCount"
    LAST_NAME = "lastName"


@dataclass(frozen=True, slots=True)
class SharedSpending:
    """What several records have spent together; None: unknown."""

    customer_ids: Sequence[str]
    spending: Spending | None


@dataclass(frozen=True, slots=True)
class CustomersOfEmail:
    """Some of the customers with an e-mail; the spending, by id, of those whose documents have
    none yet, where it is known; what all of them have spent, None where there is nobody."""

    page: DocumentPage
    spending: Mapping[str, Spending]
    together: SharedSpending | None


@dataclass(frozen=True, slots=True)
class CustomerDetail:
    """A customer's document, their spending (None: unknown), the person's spending where several
    records are one person, and the recommended products that can be bought now."""

    fields: Mapping[str, Any]
    spending: Spending | None
    person: SharedSpending | None
    recommended: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class CustomerReads:
    """Lists customers, and reads one of them."""

    database: Database
    spending: SpendingLookUp

    def page(
        self,
        org_id: str,
        *,
        segment: Segment | None,
        query: str | None,
        sort: CustomerSort,
        cursor: str | None,
        limit: int,
    ) -> DocumentPage:
        """Some customers. A search is sorted by what was searched for, not by ``sort``."""
        ranges = [_sorted(org_id, segment, sort)] if query is None else _searched(query)
        return self._page(org_id, ranges, segment, cursor, limit)

    def of_email(
        self, org_id: str, email: str, *, segment: Segment | None, cursor: str | None, limit: int
    ) -> CustomersOfEmail:
        """Some of the customers with an e-mail (lower case), in the order of their ids."""
        having = QueryRange((("email", "==", email),))
        page = self._page(org_id, [having], segment, cursor, limit)
        shown = [customer.id for customer in page.documents]
        known = self.spending.find(org_id, email=email)
        if known is None:
            return CustomersOfEmail(page, {}, SharedSpending(shown, None))
        missing = [each.id for each in page.documents if "totalSpent" not in each.fields]
        spending = self.spending.of_each(org_id, missing) if missing else {}
        ids = sorted({*known.customer_ids, *shown}, key=natural_key)
        return CustomersOfEmail(
            page, spending, SharedSpending(ids, known.spending) if ids else None
        )

    def _page(
        self,
        org_id: str,
        ranges: Sequence[QueryRange],
        segment: Segment | None,
        cursor: str | None,
        limit: int,
    ) -> DocumentPage:
        def shows(customer: Document) -> bool:
            return segment is None or customer.fields.get("segment") == segment

        return listing.page(
            self.database,
            paths.customers(org_id),
            ranges,
            limit=limit,
            cursor=cursor,
            select=LISTED,
            shows=shows,
        )

    def detail(self, org_id: str, customer_id: str) -> CustomerDetail:
        """One customer. Raises NotFound."""
        fields = self._customer(org_id, customer_id).fields
        several = fields.get("duplicateOf") or fields.get("duplicateIds")
        return CustomerDetail(
            fields=fields,
            spending=self._spent(org_id, customer_id, fields),
            person=self._person(org_id, customer_id, fields) if several else None,
            recommended=self._recommended(org_id, fields.get("recommendations") or ()),
        )

    def orders(
        self, org_id: str, customer_id: str, *, cursor: str | None, limit: int
    ) -> DocumentPage:
        """A customer's orders, the latest first. Raises NotFound."""
        self._customer(org_id, customer_id)
        theirs = QueryRange((("customerId", "==", customer_id),), "createdAt", descending=True)
        return listing.page(
            self.database, paths.orders(org_id), [theirs], cursor=cursor, limit=limit
        )

    def _customer(self, org_id: str, customer_id: str) -> Document:
        found = self.database.get(f"{paths.customers(org_id)}/{customer_id}")
        if not found.exists:
            raise NotFound("there is no such customer")
        return found

    def _spent(self, org_id: str, customer_id: str, fields: Mapping[str, Any]) -> Spending | None:
        if "totalSpent" in fields:
            return customers.spending_in(fields)
        known = self.spending.find(org_id, customer_id=customer_id)
        return known.spending if known else None

    def _person(self, org_id: str, customer_id: str, fields: Mapping[str, Any]) -> SharedSpending:
        known = self.spending.of_person(org_id, customer_id)
        if known:
            return SharedSpending(known.customer_ids, known.spending)
        linked = {customer_id, *(fields.get("duplicateIds") or ())}
        linked.add(fields.get("duplicateOf") or customer_id)
        return SharedSpending(sorted(linked, key=natural_key), None)

    def _recommended(
        self, org_id: str, recommendations: Sequence[Mapping[str, Any]]
    ) -> list[Mapping[str, Any]]:
        """With the menu's current fields, and without what cannot be bought any more."""
        items = products.purchasable_items(
            self.database, org_id, [each["productId"] for each in recommendations]
        )
        return [
            {**each, **items[each["productId"]]}
            for each in recommendations
            if each["productId"] in items
        ]


def _sorted(org_id: str, segment: Segment | None, sort: CustomerSort) -> QueryRange:
    filters: tuple[Filter, ...] = ()
    if segment is not None:
        filters = (("segment", "==", segment.value),)
        if sort is CustomerSort.MOST_SPENT:
            filters = (("orgId", "==", org_id), *filters)
    field = sort.value.removeprefix("-")
    return QueryRange(
        filters,
        "lastNameKey" if sort is CustomerSort.LAST_NAME else field,
        descending=sort.value.startswith("-"),
    )


def _searched(query: str) -> list[QueryRange]:
    """By a prefix of an e-mail or of a name, by a whole telephone number, or by id."""
    wanted = customers.name_key(query)
    by_id = QueryRange((("id", "==", query.strip()),))
    if "@" in wanted:
        return [] if wanted.startswith(NO_EMAIL) else [_beginning("email", wanted)]
    if phone := normal_phone(wanted):
        return [QueryRange((("phoneE164", "==", phone),)), by_id]
    by_last_name = replace(_beginning("lastNameKey", wanted), without=("nameKey", wanted))
    return [_beginning("nameKey", wanted), by_last_name, by_id]


def _beginning(field: str, prefix: str) -> QueryRange:
    return QueryRange(((field, ">=", prefix), (field, "<", prefix + BEYOND)), field)


@dataclass(frozen=True, slots=True)
class SegmentTotals:
    """How many customers a segment has, and their revenue."""

    segment: Segment
    customers: int
    revenue_cents: int


@dataclass(frozen=True, slots=True)
class SegmentReads:
    """Totals the segments, by Firestore's own aggregation."""

    database: Database

    def __call__(self, org_id: str) -> Sequence[SegmentTotals]:
        """Every segment, empty ones too."""
        with ThreadPoolExecutor(len(Segment), thread_name_prefix="segment") as pool:
            return list(pool.map(lambda segment: self._totals(org_id, segment), Segment))

    def _totals(self, org_id: str, segment: Segment) -> SegmentTotals:
        found = self.database.totals(
            paths.customers(org_id), ("segment", "==", segment.value), sums=["totalSpent"]
        )
        return SegmentTotals(segment, found.count, sum_to_cents(found.sums["totalSpent"]))


@dataclass(frozen=True, slots=True)
class OrderReads:
    """Lists orders, the latest first."""

    database: Database

    def page(
        self,
        org_id: str,
        *,
        status: OrderStatus | None,
        channel: Channel | None = None,
        days: tuple[date | None, date | None] = (None, None),
        cursor: str | None,
        limit: int,
    ) -> DocumentPage:
        """Some of the org's orders, of one status and channel or of all; ``days`` are the first and
        the last by the org's calendar."""
        filters: list[Filter] = []
        if status:
            filters.append(("status", "==", status.value))
        if channel:
            filters.append(("channel", "==", channel.value))
        filters += self._created(org_id, *days)
        return listing.page(
            self.database,
            paths.orders(org_id),
            [QueryRange(tuple(filters), "createdAt", descending=True)],
            limit=limit,
            cursor=cursor,
        )

    def get(self, org_id: str, order_id: str) -> Document:
        """One order. Raises NotFound."""
        found = self.database.get(f"{paths.orders(org_id)}/{order_id}")
        if not found.exists:
            raise NotFound("there is no such order")
        return found

    def _created(self, org_id: str, first: date | None, last: date | None) -> Iterator[Filter]:
        zone = locations.zone_of(self.database, org_id) if first or last else None
        if first and zone:
            yield "createdAt", ">=", day_start(first, zone)
        if last and zone:
            yield "createdAt", "<", day_start(last + timedelta(days=1), zone)

    def skipped(
        self, org_id: str, *, reason: SkipReason | None, cursor: str | None, limit: int
    ) -> DocumentPage:
        """Some of the orders that match no customer, of one reason or of all."""
        filters: tuple[Filter, ...] = (("reason", "==", reason.value),) if reason else ()
        return listing.page(
            self.database,
            paths.skipped_orders(org_id),
            [QueryRange(filters, "createdAt", descending=True)],
            limit=limit,
            cursor=cursor,
        )
