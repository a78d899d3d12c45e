"""What a verification reads: whole collections in the order of their ids, page by page.

``tenants/{orgId}/verifications/{YYYY-MM-DD}``: what the verification of that night has found.
"""

from collections.abc import Iterable, Iterator, Sequence

from shared.store import paths
from shared.store.database import Database, Document

PAGE = 1_000
"""Documents that one query reads: what several scans at once have in memory stays small."""
_NAME = "__name__"


def every(database: Database, collection: str, select: Sequence[str]) -> Iterator[Document]:
    """Every document of a collection, with these fields."""
    after: str | None = None
    while True:
        page = list(
            database.query(
                collection,
                select=select,
                order_by=[(_NAME, "ASCENDING")],
                after=None if after is None else {_NAME: after},
                limit=PAGE,
            )
        )
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].id


def orders_of(
    database: Database, org_id: str, customer_ids: Iterable[str], select: Sequence[str]
) -> Iterator[Document]:
    """The stored orders of these customers, with these fields."""
    return database.query_in(paths.orders(org_id), "customerId", customer_ids, select=select)
