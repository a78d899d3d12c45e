"""``customer_spending/{key}`` and the spending fields of a customer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.domain.customers import identifies
from shared.domain.money import to_cents, to_dollars
from shared.domain.segmentation import Segmented
from shared.domain.spending import OrderFact, Spending
from shared.store import customers, paths
from shared.store.database import Create, Database, Document, Filter, Put, Update, Write

FIELDS = (
    "email",
    "customerId",
    "totalSpent",
    "orderCount",
    "avgOrderValue",
    "lastOrderDate",
    "firstOrderDate",
    "orgId",
)

ORDER_FIELDS = ("customerId", "status", "type", "total", "createdAt")
FIGURES = ("totalSpent", "orderCount", "avgOrderValue", "lastOrderDate", "firstOrderDate")
CUSTOMER_FIELDS = ("email", "segment", *FIGURES)
NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Member:
    """A customer as spending sees one: the document and the customer's own ``cid_`` document."""

    id: str
    email: str | None
    customer: Document
    own: Document


def id_key(customer_id: str) -> str:
    """Key of the document by customer id."""
    return f"cid_{customer_id}"


def path(org_id: str, key: str) -> str:
    """Where the spending of a key stands. An e-mail may hold a slash, a document id may not."""
    return f"{paths.customer_spending(org_id)}/{key.replace('/', '%2F')}"


def members(database: Database, org_id: str, customer_ids: Sequence[str]) -> dict[str, Member]:
    """The customers of the given ids that exist, by id."""
    customer_paths = {f"{paths.customers(org_id)}/{i}": i for i in customer_ids}
    own_paths = {i: path(org_id, id_key(i)) for i in customer_ids}
    found = database.get_all([*customer_paths, *own_paths.values()])
    return {
        customer_id: _member(found[customer_path], found[own_paths[customer_id]])
        for customer_path, customer_id in customer_paths.items()
        if found[customer_path].exists
    }


def everybody(database: Database, org_id: str) -> tuple[dict[str, Member], dict[str, Document]]:
    """Every customer by id, and every spending document by path."""
    spending = {
        f"{paths.customer_spending(org_id)}/{document.id}": document
        for document in database.query(paths.customer_spending(org_id))
    }
    none = Document(id="", fields={}, version=None, read_at=NEVER)
    people = {
        document.id: _member(document, spending.get(path(org_id, id_key(document.id)), none))
        for document in database.query(paths.customers(org_id), select=CUSTOMER_FIELDS)
    }
    return people, spending


def _member(customer: Document, own: Document) -> Member:
    email = customer.fields.get("email")
    return Member(customer.id, email if identifies(email) else None, customer, own)


def order_facts(
    database: Database, org_id: str, customer_ids: Iterable[str] | None
) -> dict[str, list[OrderFact]]:
    """What spending needs of every stored order, of the customers named or of all (None), by
    customer id."""
    facts: dict[str, list[OrderFact]] = {}
    for filters in _by_customer(customer_ids):
        for order in database.query(paths.orders(org_id), *filters, select=ORDER_FIELDS):
            facts.setdefault(order.fields.get("customerId", ""), []).append(_fact(order))
    return facts


def _by_customer(customer_ids: Iterable[str] | None) -> Iterable[list[Filter]]:
    if customer_ids is None:
        return [[]]
    ids = list(customer_ids)
    limit = customers.IN_LIMIT
    chunks = [ids[start : start + limit] for start in range(0, len(ids), limit)]
    return [[("customerId", "in", chunk)] for chunk in chunks]


def _fact(order: Document) -> OrderFact:
    return OrderFact(
        status=order.fields.get("status"),
        type=order.fields.get("type"),
        total_cents=to_cents(order.fields.get("total", 0)),
        created_at=order.fields["createdAt"],
    )


def document_of(
    spending: Spending, *, org_id: str, customer_id: str, email: str | None
) -> dict[str, Any]:
    """The fields of a spending document, without the moment of writing."""
    fields: dict[str, Any] = {
        "customerId": customer_id,
        **_figures(spending),
        "orgId": org_id,
    }
    if email:
        fields["email"] = email
    return {name: value for name, value in fields.items() if value is not None}


def differs(stored: Document, fields: dict[str, Any]) -> bool:
    """Whether a spending document says anything else than ``fields``."""
    return any(stored.fields.get(name) != fields.get(name) for name in FIELDS)


def put_by_id(org_id: str, member: Member, fields: dict[str, Any], now: datetime) -> Write:
    """The write for a customer's ``cid_`` document; refused if it has changed since it was read."""
    where = path(org_id, id_key(member.id))
    whole = fields | {"updatedAt": now}
    if member.own.version is None:
        return Create(where, whole)
    cleared: dict[str, Any] = dict.fromkeys(FIELDS)
    return Update(where, cleared | whole, if_version=member.own.version)


def put_by_email(org_id: str, email: str, fields: dict[str, Any], now: datetime) -> Put:
    """The write for the document of an e-mail."""
    return Put(path(org_id, email), fields | {"updatedAt": now})


def customer_update(
    org_id: str, member: Member, spending: Spending, segment: Segmented, now: datetime
) -> Update | None:
    """The write for the customer's own figures; None when they already stand there."""
    fields = {**_figures(spending), "segment": segment.segment.value}
    if all(member.customer.fields.get(name) == value for name, value in fields.items()):
        return None
    fields |= {"segmentReason": segment.reason, "updatedAt": now}
    return Update(f"{paths.customers(org_id)}/{member.id}", fields)


def _figures(spending: Spending) -> dict[str, Any]:
    return {
        "totalSpent": to_dollars(spending.total_cents),
        "orderCount": spending.order_count,
        "avgOrderValue": to_dollars(spending.average_cents),
        "firstOrderDate": spending.first_order_at,
        "lastOrderDate": spending.last_order_at,
    }
