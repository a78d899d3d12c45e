"""``tenants/{orgId}/erased/people``: who was erased, as salted hashes packed in one document, and
``tenants/{orgId}/erasures/{id}``: what each erasure has done. Neither holds personal data.

The progress of the org's syncs says whether there is anybody (``erased``): where nobody was erased
no run reads more.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from shared.domain.erasure import HASH_BYTES, NOBODY, SALT_BYTES, ErasedPeople
from shared.domain.providers import PROVIDERS
from shared.errors import SyncSamError
from shared.models import CamelModel
from shared.store import paths, status
from shared.store.database import Database, Document, Put, Write, put_if_version

MOST_BYTES = 900_000
"""Of packed hashes: some 18,000 people; a document may have 1 MiB."""
PAGE = 200
"""Documents that a walk has in memory: some have 1 MiB."""
LISTED = 200
_NAME = "__name__"

ErasureState = Literal["running", "done"]


class TooManyErased(SyncSamError):
    """More people were erased of one org than one document can name."""

    code = "too_many_erased"


class StoredErasure(CamelModel):
    """An erasure: the steps that are done, how many documents each has changed. ``after`` is how
    far the step under way has come, where that says nothing of a person."""

    state: ErasureState = "running"
    by: str
    asked_at: datetime
    done_at: datetime | None = None
    steps: dict[str, int] = Field(default_factory=dict)
    after: str | None = None


def read_people(database: Database, org_id: str) -> ErasedPeople:
    """Who was erased. One read."""
    return _people(database.get(paths.erased(org_id)))


def salted(database: Database, org_id: str) -> ErasedPeople:
    """Who was erased, with the org's salt, which is made where there is none."""
    found = database.get(paths.erased(org_id))
    if not found.exists:
        salt = secrets.token_bytes(SALT_BYTES)
        database.commit([put_if_version(paths.erased(org_id), {"salt": salt, "hashes": b""}, None)])
        return ErasedPeople(salt)
    return _people(found)


def put_people(org_id: str, people: ErasedPeople) -> list[Write]:
    """The writes after which every later run knows these people. Raises TooManyErased."""
    packed = b"".join(sorted(people.hashes))
    if len(packed) > MOST_BYTES:
        raise TooManyErased(f"{len(people.hashes)} facts of erased people are one document's limit")
    noted = {"salt": people.salt, "hashes": packed}
    return [
        Put(paths.erased(org_id), noted),
        *(status.put_erased(org_id, provider) for provider in PROVIDERS),
    ]


def read(database: Database, org_id: str, erasure_id: str) -> StoredErasure | None:
    """An erasure; None where there is none of that id."""
    found = database.get(f"{paths.erasures(org_id)}/{erasure_id}")
    return StoredErasure.model_validate(found.fields) if found.exists else None


def put(org_id: str, erasure_id: str, erasure: StoredErasure) -> Put:
    """The write for an erasure."""
    fields = erasure.model_dump(by_alias=True, exclude_none=True)
    return Put(f"{paths.erasures(org_id)}/{erasure_id}", fields)


def of_org(database: Database, org_id: str) -> list[tuple[str, StoredErasure]]:
    """The org's erasures by id, the latest first; LISTED of them at the most."""
    found = database.query(paths.erasures(org_id), limit=LISTED)
    erasures = [(each.id, StoredErasure.model_validate(each.fields)) for each in found]
    return sorted(erasures, key=lambda each: each[1].asked_at, reverse=True)


def pages(
    database: Database,
    collection: str,
    *,
    select: Sequence[str] | None = None,
    after: str | None = None,
    size: int = PAGE,
) -> Iterator[list[Document]]:
    """Every document of a collection, by id, in pages; those behind ``after``."""
    while True:
        page = list(
            database.query(
                collection,
                select=select,
                order_by=[(_NAME, "ASCENDING")],
                after=None if after is None else {_NAME: after},
                limit=size,
            )
        )
        if page:
            yield page
        if len(page) < size:
            return
        after = page[-1].id


def sharing(
    database: Database, org_id: str, name: Literal["email", "phoneE164"], value: str, limit: int
) -> set[str]:
    """Ids of the customers who have an e-mail or a telephone number, ``limit`` at the most."""
    found = database.query(paths.customers(org_id), (name, "==", value), select=[name], limit=limit)
    return {each.id for each in found}


def letters(database: Database, org_id: str | None) -> Iterator[Document]:
    """The dead letters of an org, or those of which nobody knows whose they are."""
    return database.query(paths.DEAD_LETTERS, ("orgId", "==", org_id))


def spending_of(database: Database, org_id: str, customer_ids: Iterable[str]) -> list[str]:
    """Paths of what stands of the customers' spending."""
    collection = paths.customer_spending(org_id)
    found = database.query_in(collection, "customerId", customer_ids, select=["customerId"])
    return [each.path for each in found]


def ledger_of(database: Database, org_id: str, customer_id: str) -> list[str]:
    """Paths of the entries of a customer's points."""
    ledger = paths.points_ledger(org_id, customer_id)
    return [each.path for each in database.query(ledger, select=["orderId"])]


def _people(found: Document) -> ErasedPeople:
    if not found.exists:
        return NOBODY
    packed = bytes(found.fields.get("hashes", b""))
    hashes = (packed[i : i + HASH_BYTES] for i in range(0, len(packed), HASH_BYTES))
    return ErasedPeople(bytes(found.fields["salt"]), frozenset(hashes))
