"""``tenants/{orgId}/orders/{provider}_{id}``: what a sync writes, and what spending reads.

``tenants/{orgId}/skipped_orders/{orderId}``: orders that match no customer, and why.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog

from shared.domain.changes import REMOVED_AT, fingerprint
from shared.domain.customer_ranges import CustomerRange
from shared.domain.money import dollars_or_none, sum_to_cents, to_cents, to_dollars
from shared.domain.order_matching import SkipReason
from shared.domain.orders import Order, OrderItem, OrderStatus, StoredStatus, status_to_write
from shared.domain.spending import COUNTED, OrderFact, Spending, counts, fold
from shared.store import paths
from shared.store.database import Database, Document, Filter, Put, Remove
from shared.store.documents import (
    EARLIEST,
    Field,
    Schema,
    StoredVersion,
    copied,
    in_range,
    to_number,
)
from shared.store.manifest import Manifest

ORDER = Schema[Order](
    *copied("id", "externalId", "locationId", "posStatus", "createdAt", "updatedAt", "source"),
    *copied("userId", "ecomNumber"),
    Field("status", lambda o: o.status.value),
    Field("type", lambda o: o.type.value),
    Field("channel", lambda o: o.channel.value),
    Field("customer", lambda o: {"email": o.email, "name": o.customer_name, "phone": o.phone}),
    Field("items", lambda o: [_item_fields(item) for item in o.items]),
    Field("total", lambda o: to_dollars(o.total_cents)),
    Field("subtotal", lambda o: dollars_or_none(o.subtotal_cents)),
    Field("tax", lambda o: dollars_or_none(o.tax_cents)),
    Field("discount", lambda o: dollars_or_none(o.discount_cents)),
    given=("customerId", "orgId"),
    stamps=("statusFromPos", "syncRunId", REMOVED_AT),
    nulls=("posStatus",),
)
"""Money in dollars. ``statusFromPos`` is the status that ``posStatus`` stands for; ``status`` is
the same until another program changes it (``domain.orders.status_to_write``)."""

SUPERSEDED_BY = "supersededBy"
"""The id of the sale that an imported eCom order became (store/ecom.py): only the sale counts."""

SPENDING_FIELDS = (
    *("customerId", "status", "type", "total", "createdAt", "items"),
    *("channel", REMOVED_AT, SUPERSEDED_BY),
)
"""The fields of an order that spending and preferences are calculated from."""
_WITHOUT_ITEMS = tuple(name for name in SPENDING_FIELDS if name != "items")

_STATUS_FIELDS = ("status", "posStatus", "statusFromPos")
"""In the order of StoredStatus."""
_READ_BEFORE = ("customerId", "createdAt", "updatedAt", *_STATUS_FIELDS)

NEAR_THE_END = 20
"""Orders read from either end, before all are, to find the first or last one that counts."""

log = structlog.get_logger(__name__)


def fields_of(order: Order, customer_id: str, org_id: str) -> dict[str, Any]:
    """The POS-owned fields as stored, without the run that writes them."""
    return ORDER.fields(order, customerId=customer_id, orgId=org_id)


def put(
    org_id: str, fields: Mapping[str, Any], *, run_id: str, stored: StoredStatus | None = None
) -> Put:
    """The write for an order whose status is ``stored``. Another program's status is not in it, so
    that one which is changed at this moment stays, too."""
    status = fields["status"]
    mine = status_to_write(stored, pos_status=fields["posStatus"], from_pos=status)
    return ORDER.put(
        f"{paths.orders(org_id)}/{fields['id']}",
        {**fields, "statusFromPos": status, "syncRunId": run_id},
        kept=("status",) if mine is None else (),
    )


def mark_removed(org_id: str, order_id: str, *, run_id: str, now: datetime) -> Put:
    """The write for a stored order that the POS has no more: it stays, and counts no more."""
    fields = {REMOVED_AT: now, "syncRunId": run_id}
    return Put(f"{paths.orders(org_id)}/{order_id}", fields, owned=tuple(fields))


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """The customer and the status of a stored order, when it was created and last changed, and
    when it was written (aware UTC)."""

    customer_id: str
    created_at: datetime | None
    version: StoredVersion
    status: StoredStatus


def read_stored(
    database: Database, org_id: str, order_ids: Sequence[str]
) -> dict[str, StoredOrder]:
    """What is stored of these orders, by order id."""
    wanted = [f"{paths.orders(org_id)}/{order_id}" for order_id in order_ids]
    found = database.get_all(wanted, _READ_BEFORE)
    return {
        order.id: StoredOrder(
            str(order.fields["customerId"]),
            order.fields.get("createdAt"),
            StoredVersion(order.fields["updatedAt"], order.version),
            StoredStatus(*map(order.fields.get, _STATUS_FIELDS)),
        )
        for order in found.values()
        if order.version and {"customerId", "updatedAt"} <= order.fields.keys()
    }


def facts_of_customers(
    database: Database,
    org_id: str,
    whose: CustomerRange | Iterable[str],
    *,
    items: bool = True,
) -> Iterator[tuple[str, OrderFact]]:
    """Customer id and facts of every stored order of the customers in a range, or of those named;
    without ``items`` only what money was taken.

    One that was removed at the POS, or is superseded by its sale, is left out; one that another
    program left without a readable total or time counts for nothing.
    """
    collection, field = paths.orders(org_id), "customerId"
    select = SPENDING_FIELDS if items else _WITHOUT_ITEMS
    if isinstance(whose, CustomerRange):
        filters = in_range(field, whose)
        found = database.query(collection, *filters, select=select)
    else:
        found = database.query_in(collection, field, whose, select=select)
    for order in found:
        if _is_left_out(order):
            continue
        fact = fact_of(order)
        if fact is None:
            log.warning("order_left_out", order_id=order.id)
        else:
            yield order.fields.get("customerId", ""), fact


def of_customer(
    database: Database, org_id: str, customer_id: str, fields: Sequence[str]
) -> Iterator[Document]:
    """These fields of every order of a customer, whether it counts or not."""
    theirs = ("customerId", "==", customer_id)
    return database.query(paths.orders(org_id), theirs, select=fields)


def fact_of(order: Document) -> OrderFact | None:
    """The facts of one order; None without a readable total or time, or where the order was
    removed at the POS or is superseded by its sale."""
    return None if _is_left_out(order) else fact_as_stored(order)


def fact_as_stored(order: Document) -> OrderFact | None:
    """The facts of one order, removed or superseded though it be; None without a readable total or
    time."""
    created_at = order.fields.get("createdAt")
    try:
        total_cents = to_cents(order.fields.get("total"))
    except ValueError:
        return None
    if not isinstance(created_at, datetime):
        return None
    return OrderFact(
        status=order.fields.get("status"),
        type=order.fields.get("type"),
        total_cents=total_cents,
        created_at=created_at,
        items=tuple(_items(order.fields.get("items"))),
        channel=order.fields.get("channel"),
    )


def has_counted(order: Document) -> bool:
    """Whether an order counts as its customer's spending."""
    fact = fact_of(order)
    return bool(fact and order.fields.get("customerId") and counts(fact.status, fact.type))


def _is_left_out(order: Document) -> bool:
    return bool(order.fields.get(REMOVED_AT) or order.fields.get(SUPERSEDED_BY))


def spending_of(database: Database, org_id: str, customer_id: str) -> Spending:
    """What the customer has spent, by the rule of ``domain.spending``: counted and summed by
    Firestore itself.

    Whether a sale without a status counts depends on its type, and Firestore cannot ask for a
    field that is missing: only for a customer with such orders, or with orders removed at the POS,
    are all of them read. Raises TimedOut where ``database`` has a limit.
    """
    collection = paths.orders(org_id)
    theirs: Filter = ("customerId", "==", customer_id)
    known: Filter = ("status", "in", [status.value for status in OrderStatus])
    counted: Filter = ("status", "in", sorted(status.value for status in COUNTED))
    removed: Filter = (REMOVED_AT, ">", EARLIEST)
    plain = database.totals(collection, theirs, known).count
    plain -= database.totals(collection, theirs, removed).count
    plain -= database.totals(collection, theirs, (SUPERSEDED_BY, ">", "")).count
    if database.totals(collection, theirs).count > plain:
        orders = facts_of_customers(database, org_id, [customer_id])
        return fold(order for _, order in orders)
    money = database.totals(collection, theirs, counted, sums=["total"])
    refunds = database.totals(collection, theirs, counted, ("total", "<", 0))
    spent = Spending(total_cents=sum_to_cents(money.sums["total"]))
    if money.count == refunds.count:
        return spent
    return spent + Spending(
        order_count=money.count - refunds.count,
        first_order_at=_outermost(database, collection, theirs, "ASCENDING"),
        last_order_at=_outermost(database, collection, theirs, "DESCENDING"),
    )


def _outermost(
    database: Database, collection: str, theirs: Filter, direction: str
) -> datetime | None:
    """When the first (or last) order was made that counts and is no refund."""
    by_time = [("createdAt", direction)]
    for limit in (NEAR_THE_END, None):
        for order in database.query(
            collection, theirs, select=SPENDING_FIELDS, order_by=by_time, limit=limit
        ):
            fact = fact_of(order)
            if fact and counts(fact.status, fact.type) and fact.total_cents >= 0:
                return fact.created_at
    return None


def _item_fields(item: OrderItem) -> dict[str, Any]:
    return {
        "productId": item.product_id,
        "name": item.name,
        "category": item.category,
        "quantity": to_number(item.quantity),
        "price": to_dollars(item.price_cents),
    }


def _items(lines: Any) -> Iterator[OrderItem]:
    """The lines that are readable, without prices: spending has the order's total."""
    for line in lines if isinstance(lines, list) else ():
        if isinstance(line, Mapping):
            quantity = line.get("quantity")
            yield OrderItem(
                product_id=str(line.get("productId") or "") or None,
                name=str(line.get("name") or ""),
                category=str(line.get("category") or "") or None,
                quantity=Decimal(str(quantity) if isinstance(quantity, int | float) else 0),
                price_cents=0,
            )


SKIPPED = Schema[Order](
    *copied("externalId", "posCustomerId", "createdAt"),
    Field("orderId", lambda o: o.id),
    Field("total", lambda o: to_dollars(o.total_cents)),
    given=("reason", "message", "orgId"),
    stamps=("runId",),
    once=("firstSeenAt",),
)
"""What a person needs to find the order at the POS: no name, no e-mail, no telephone number."""


class SkippedOrders:
    """The documents of an org's skipped orders. Not safe for threads.

    New ones are committed together with their entries in the manifest, so that a crash leaves none
    that no later run would remove.
    """

    def __init__(self, org_id: str, manifest: Manifest) -> None:
        self._org_id = org_id
        self._manifest = manifest

    def __len__(self) -> int:
        """How many writes wait for the manifest."""
        return self._manifest.documents_waiting

    def add(self, order: Order, reason: SkipReason, *, run_id: str, now: datetime) -> None:
        """Note that the order is skipped, and which customer it names. What is stored already
        costs no write."""
        fields = SKIPPED.fields(
            order, reason=reason.value, message=reason.message, orgId=self._org_id
        )
        found, before = fingerprint(fields), self._manifest.skipped(order.id)
        if found != before:
            fields["runId"] = run_id
            if not before:
                fields["firstSeenAt"] = now
            self._manifest.skip(order.id, found, SKIPPED.put(self._path(order.id), fields))
        if order.pos_customer_id:
            self._manifest.wait_for(order.id, order.pos_customer_id, order.created_at)

    def withdraw(self, order_id: str) -> list[Remove]:
        """The writes for an order that matches now, to go with its own, before the manifest has
        the order as stored."""
        self._manifest.withdraw_document(order_id)
        return [Remove(self._path(order_id))] if self._manifest.skipped(order_id) else []

    def _path(self, order_id: str) -> str:
        return f"{paths.skipped_orders(self._org_id)}/{order_id}"
