"""``tenants/{orgId}/verifications/{YYYY-MM-DD}``: what the verification of that night has found;
its figures stand in the org's status too, as ``verification``.

And what a verification reads: whole collections in the order of their ids, page by page.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from shared.models import FrozenCamelModel
from shared.store import paths
from shared.store.database import Database, Document, Fields, Put

PAGE = 1_000
"""Documents that one query reads: nobody waits for the answer to one of them all."""
KEPT = timedelta(days=400)
"""How long a result is kept (its TTL field is ``expireAt``)."""
_NAME = "__name__"


class StoredVerification(FrozenCamelModel):
    """What an org's status says of its last verification: how many customers and orders were
    stored, and how many documents differed."""

    verified_at: datetime
    ok: bool
    customers: int
    orders: int
    differences: int


def put(org_id: str, night: date, fields: Fields, summary: StoredVerification) -> list[Put]:
    """The writes for a result."""
    path = f"{paths.verifications(org_id)}/{night.isoformat()}"
    expires = {"expireAt": summary.verified_at + KEPT}
    in_status = {"verification": summary.model_dump(by_alias=True)}
    return [
        Put(path, {**fields, **expires}),
        Put(paths.pos_status(org_id), in_status, owned=tuple(in_status)),
    ]


def exists(database: Database, org_id: str, night: date) -> bool:
    """Whether a night's result is stored."""
    path = f"{paths.verifications(org_id)}/{night.isoformat()}"
    return database.get_all([path], ["ok"])[path].exists


def orders_known(database: Database, org_id: str) -> int:
    """How many orders the org's status counts."""
    return int(database.get(paths.pos_status(org_id)).fields.get("ordersCount", 0))


def every(database: Database, collection: str, select: Sequence[str]) -> Iterator[Document]:
    """Every document of a collection, with these fields."""
    after: str | None = None
    found = PAGE
    while found == PAGE:
        found = 0
        for document in database.query(
            collection,
            select=select,
            order_by=[(_NAME, "ASCENDING")],
            after=None if after is None else {_NAME: after},
            limit=PAGE,
        ):
            found, after = found + 1, document.id
            yield document


def count(database: Database, collection: str) -> int:
    """How many documents a collection has, without reading them."""
    return database.totals(collection).count


def orders_of(
    database: Database, org_id: str, customer_ids: Iterable[str], select: Sequence[str]
) -> Iterator[Document]:
    """The stored orders of these customers, with these fields."""
    return database.query_in(paths.orders(org_id), "customerId", customer_ids, select=select)
