"""``tenants/{orgId}/orders/ecom_{number}``: orders of the web shop, imported from an export.

Fields of an order (store/orders.py), and:

    ecomState      unmatched, waiting or superseded (domain/ecom.py)
    ecomKeys       its e-mail and telephone number, to match it by later; until it is superseded
    saleId         the POS's own id of its sale, where the export names it
    supersededBy   the id of its sale, once that is stored; with the sale's total as saleTotal, and
                   amountDiffers where it is another than the order's

An import writes what the export says, and never takes ``supersededBy`` away; a sync sets it with
the sale. An unmatched order has a document among the skipped orders too.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.ecom import SOURCE as ECOM
from shared.domain.ecom import EcomOrder, EcomState, match_keys, why_unmatched
from shared.domain.money import to_cents, to_dollars
from shared.domain.orders import StoredStatus, document_id
from shared.store import orders, paths
from shared.store.database import IN_LIMIT, Database, Document, Filter, Put, Remove, Write
from shared.store.orders import SUPERSEDED_BY

_STATE_FIELDS = ("ecomState", "ecomKeys")
_SALE_FIELDS = (SUPERSEDED_BY, "saleTotal", "amountDiffers")
_READ = (
    *("customerId", "ecomNumber", "ecomState", "ecomKeys", "saleId", "source", "total"),
    *("createdAt", "customer", "status", "posStatus", "statusFromPos", *_SALE_FIELDS),
)


@dataclass(frozen=True, slots=True)
class StoredEcomOrder:
    """An imported order as it is stored; ``total_cents`` is None where it cannot be read."""

    number: str
    state: EcomState
    customer_id: str | None
    keys: tuple[str, ...]
    sale_id: str | None
    total_cents: int | None
    superseded_by: str | None
    sale_total_cents: int | None
    differs: bool
    created_at: datetime | None
    email: str | None
    status: StoredStatus

    @property
    def id(self) -> str:
        """Id of the order's document."""
        return document_id(ECOM, self.number)


@dataclass(frozen=True, slots=True)
class StoredSale:
    """A stored sale that is an eCom order; ``ecom_number`` is None where it does not say which."""

    id: str
    ecom_number: str | None
    total_cents: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """What is stored of some eCom orders: they themselves and their sales, by number."""

    orders: Mapping[str, StoredEcomOrder]
    sales: Mapping[str, StoredSale]


def fields_of(found: EcomOrder, org_id: str) -> dict[str, Any]:
    """The fields that the export says, without a customer and what follows from others."""
    fields = orders.ORDER.fields(found.order, customerId=None, orgId=org_id)
    return fields | ({"saleId": found.sale_id} if found.sale_id else {})


def writes_for(
    found: EcomOrder,
    fields: Mapping[str, Any],
    customer_id: str | None,
    *,
    before: StoredEcomOrder | None,
    sale: StoredSale | None,
    run_id: str,
    now: datetime,
) -> list[Write]:
    """The writes for an order with these fields of the export, from what is stored of it and of
    its sale."""
    org_id, order = fields["orgId"], found.order
    keys = match_keys(order.email, order.phone)
    state = _state(customer_id, superseded=bool(sale or (before and before.superseded_by)))
    stored = before.status if before else None
    customer = {"customerId": customer_id} if customer_id else {}
    own = {name: value for name, value in fields.items() if name != "saleId"}
    put = orders.put(org_id, own | customer, run_id=run_id, stored=stored)
    more: dict[str, Any] = {"ecomState": state.value}
    if found.sale_id:
        more["saleId"] = found.sale_id
    if state is not EcomState.SUPERSEDED and keys:
        more["ecomKeys"] = keys
    owned: tuple[str, ...] = (*_STATE_FIELDS, "saleId")
    sale_total = sale.total_cents if sale else before.sale_total_cents if before else None
    if sale:
        more |= _sale_fields(sale, order.total_cents)
        owned += _SALE_FIELDS
    elif state is EcomState.SUPERSEDED:
        differs = sale_total is not None and sale_total != order.total_cents
        more |= {"amountDiffers": True} if differs else {}
        owned += ("amountDiffers",)
    owned = (*(put.owned or ()), *owned)
    writes: list[Write] = [Put(put.path, {**put.fields, **more}, owned=owned)]
    if state is EcomState.UNMATCHED:
        reason = why_unmatched(order.email, keys)
        skipped = orders.SKIPPED.fields(
            order, reason=reason.value, message=reason.message, orgId=org_id
        )
        first = {} if before and before.state is EcomState.UNMATCHED else {"firstSeenAt": now}
        path = _skipped_path(org_id, order.id)
        writes.append(orders.SKIPPED.put(path, {**skipped, "runId": run_id, **first}))
    elif before and before.state is EcomState.UNMATCHED:
        writes.append(Remove(_skipped_path(org_id, order.id)))
    return writes


def supersede(org_id: str, order: StoredEcomOrder, sale: StoredSale, *, run_id: str) -> list[Write]:
    """The writes after which the sale counts in place of the order; none where they are stored."""
    fields = _sale_fields(sale, order.total_cents)
    stored = (order.superseded_by, order.sale_total_cents, order.differs, order.state)
    differs = bool(fields.get("amountDiffers"))
    if stored == (sale.id, sale.total_cents, differs, EcomState.SUPERSEDED):
        return []
    more = {"ecomState": EcomState.SUPERSEDED.value, "syncRunId": run_id}
    path, owned = f"{paths.orders(org_id)}/{order.id}", (*_STATE_FIELDS, *_SALE_FIELDS, "syncRunId")
    writes: list[Write] = [Put(path, {**fields, **more}, owned=owned)]
    if order.state is EcomState.UNMATCHED:
        writes.append(Remove(_skipped_path(org_id, order.id)))
    return writes


def match(org_id: str, order: StoredEcomOrder, customer_id: str, *, run_id: str) -> list[Write]:
    """The writes after which an order that is not superseded is the customer's."""
    fields = {
        "customerId": customer_id,
        "ecomState": EcomState.WAITING.value,
        "syncRunId": run_id,
    }
    path = f"{paths.orders(org_id)}/{order.id}"
    writes: list[Write] = [Put(path, fields, owned=tuple(fields))]
    if order.state is EcomState.UNMATCHED:
        writes.append(Remove(_skipped_path(org_id, order.id)))
    return writes


def look_up(
    database: Database,
    org_id: str,
    numbers: Iterable[str],
    sale_ids: Mapping[str, str],
    source: str,
) -> Found:
    """What is stored of the orders with these numbers; ``sale_ids`` are those that the export
    names, by number, ``source`` the provider of their sales. A return is no order's sale."""
    stored: dict[str, StoredEcomOrder] = {}
    sales: dict[str, StoredSale] = {}
    collection = paths.orders(org_id)
    for document in database.query_in(collection, "ecomNumber", numbers, select=_READ):
        if document.fields.get("source") == ECOM:
            order = _stored(document)
            stored[order.number] = order
        elif (sale := _sale(document)).ecom_number and (sale.total_cents or 0) >= 0:
            first = sales.get(sale.ecom_number, sale)
            sales[sale.ecom_number] = min(first, sale, key=lambda each: each.id)
    named = {
        f"{collection}/{document_id(source, sale_id)}": number
        for number, sale_id in sale_ids.items()
        if number not in sales
    }
    for path, document in (database.get_all(list(named), _READ) if named else {}).items():
        if document.exists:
            sales[named[path]] = _sale(document)
    return Found(stored, sales)


def of_numbers(
    database: Database, org_id: str, numbers: Iterable[str]
) -> dict[str, StoredEcomOrder]:
    """The imported orders with these numbers, by number. One read each."""
    wanted = [f"{paths.orders(org_id)}/{document_id(ECOM, number)}" for number in numbers]
    found = (_stored(each) for each in database.get_all(wanted, _READ).values() if each.exists)
    return {order.number: order for order in found}


def of_sales(
    database: Database, org_id: str, sale_ids: Collection[str]
) -> Iterator[StoredEcomOrder]:
    """The imported orders whose export names one of these sales."""
    found = database.query_in(paths.orders(org_id), "saleId", sale_ids, select=_READ)
    return map(_stored, found)


def with_keys(database: Database, org_id: str, keys: Sequence[str]) -> Iterator[StoredEcomOrder]:
    """The orders that have one of these keys and are not superseded."""
    for start in range(0, len(keys), IN_LIMIT):
        wanted: Filter = ("ecomKeys", "array_contains_any", list(keys[start : start + IN_LIMIT]))
        for document in database.query(paths.orders(org_id), wanted, select=_READ):
            yield _stored(document)


def in_states(database: Database, org_id: str, *states: EcomState) -> Iterator[StoredEcomOrder]:
    """The imported orders in these states."""
    wanted: Filter = ("ecomState", "in", [state.value for state in states])
    return map(_stored, database.query(paths.orders(org_id), wanted, select=_READ))


def count(database: Database, org_id: str, *states: EcomState) -> int:
    """How many imported orders are in one of these states, without reading them."""
    wanted: Filter = ("ecomState", "in", [state.value for state in states])
    return database.totals(paths.orders(org_id), wanted).count


def count_differing(database: Database, org_id: str) -> int:
    """How many orders have another amount than their sales, without reading them."""
    return database.totals(paths.orders(org_id), ("amountDiffers", "==", True)).count


def _state(customer_id: str | None, *, superseded: bool) -> EcomState:
    if superseded:
        return EcomState.SUPERSEDED
    return EcomState.WAITING if customer_id else EcomState.UNMATCHED


def _sale_fields(sale: StoredSale, total_cents: int | None) -> dict[str, Any]:
    fields: dict[str, Any] = {SUPERSEDED_BY: sale.id}
    if sale.total_cents is not None:
        fields["saleTotal"] = to_dollars(sale.total_cents)
        if sale.total_cents != total_cents:
            fields["amountDiffers"] = True
    return fields


def _skipped_path(org_id: str, order_id: str) -> str:
    return f"{paths.skipped_orders(org_id)}/{order_id}"


def _sale(document: Document) -> StoredSale:
    fields = document.fields
    return StoredSale(document.id, fields.get("ecomNumber"), _cents(fields.get("total")))


def _stored(document: Document) -> StoredEcomOrder:
    fields = document.fields
    buyer = fields.get("customer")
    return StoredEcomOrder(
        number=document.id.partition("_")[2],
        state=EcomState(fields.get("ecomState", EcomState.WAITING)),
        customer_id=fields.get("customerId"),
        keys=tuple(fields.get("ecomKeys", ())),
        sale_id=fields.get("saleId"),
        total_cents=_cents(fields.get("total")),
        superseded_by=fields.get(SUPERSEDED_BY),
        sale_total_cents=_cents(fields.get("saleTotal")),
        differs=bool(fields.get("amountDiffers")),
        created_at=fields.get("createdAt"),
        email=buyer.get("email") if isinstance(buyer, dict) else None,
        status=StoredStatus(*map(fields.get, ("status", "posStatus", "statusFromPos"))),
    )


def _cents(dollars: object) -> int | None:
    try:
        return to_cents(dollars)
    except ValueError:
        return None
