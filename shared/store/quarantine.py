"""``tenants/{orgId}/quarantine/{id}``: records that could not be used, kept for replay.

A document is removed when its record can be used or is listed no more. One that nobody removes,
because its org is synced no more, expires.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.providers import ALLEAVES, Provider, known_provider
from shared.pos.port import Rejected
from shared.store import listing, paths
from shared.store.database import Database, Document, Filter, Put, Remove
from shared.store.documents import Field, Schema
from shared.store.listing import QueryRange

NAMELESS = "raw-"
KEPT = timedelta(days=365)
"""How long a document is kept that is not written again (``expireAt`` is a TTL field)."""
RENEWED = timedelta(days=30)
"""After so long the document of a record that is still rejected is written again."""
UNMET = RENEWED + timedelta(days=15)
"""A record whose document was not written again for so long is not listed any more: even the oldest
orders are listed every week."""

QUARANTINE = Schema[Rejected](
    Field("errorCode", lambda r: r.code),
    Field("message", lambda r: r.message),
    Field("raw", lambda r: r.raw),
    given=("stream", "runId", "provider"),
    stamps=("lastSeenAt", "expireAt"),
    once=("firstSeenAt",),
)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record in quarantine, by the id of its document. ``provider`` is whose record it is."""

    org_id: str
    id: str
    stream: str
    provider: Provider = ALLEAVES

    @property
    def key(self) -> str:
        """The record's own id, or what stands for it."""
        return self.id.removeprefix(f"{self.stream}_")

    @property
    def named(self) -> bool:
        """Whether its key is its own id."""
        return not self.key.startswith(NAMELESS)


def key_of(rejected: Rejected) -> str:
    """Id of the record in quarantine: its own, else a hash of what the POS sent."""
    if rejected.record_id and "/" not in rejected.record_id:
        return rejected.record_id
    return NAMELESS + hashlib.blake2b(rejected.raw.encode(), digest_size=12).hexdigest()


def put(
    org_id: str,
    stream: str,
    rejected: Rejected,
    *,
    run_id: str | None,
    now: datetime,
    first: bool,
    provider: str | None = None,
) -> Put:
    """The write that puts a record in quarantine; ``first`` when it was not there before.
    ``provider`` None: it is no record of a POS."""
    fields = QUARANTINE.fields(rejected, stream=stream, runId=run_id)
    if provider:
        fields["provider"] = provider
    fields |= {"lastSeenAt": now, "expireAt": now + KEPT}
    if first:
        fields["firstSeenAt"] = now
    return QUARANTINE.put(_path(org_id, stream, key_of(rejected)), fields)


def remove(org_id: str, stream: str, key: str) -> Remove:
    """The write that releases a record once it could be used."""
    return Remove(_path(org_id, stream, key))


def read_all(database: Database, org_id: str | None, limit: int) -> list[Quarantined]:
    """At most ``limit`` records in quarantine, of one org or (None) of all."""
    where = paths.QUARANTINE if org_id is None else paths.quarantine(org_id)
    seen = ["stream", "provider"]
    found = database.query(where, select=seen, limit=limit, everywhere=org_id is None)
    return [
        Quarantined(
            paths.org_of(document.path),
            document.id,
            str(document.fields["stream"]),
            known_provider(document.fields.get("provider")),
        )
        for document in found
    ]


@dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """A record in quarantine in full: what is wrong with it, ``raw`` as the POS sent it."""

    record: Quarantined
    code: str
    message: str
    raw: str
    run_id: str | None
    first_seen_at: datetime | None
    last_seen_at: datetime | None


def page(
    database: Database, org_id: str, stream: str | None, *, cursor: str | None, limit: int
) -> tuple[list[QuarantinedRecord], str | None]:
    """Some of the org's records in quarantine, of one stream or of all, by id, and the cursor of
    the next ones. Raises RequestInvalid for a cursor of another listing."""
    wanted: tuple[Filter, ...] = () if stream is None else (("stream", "==", stream),)
    found = listing.page(
        database, paths.quarantine(org_id), [QueryRange(wanted)], cursor=cursor, limit=limit
    )
    return [_in_full(org_id, each) for each in found.documents], found.cursor


def _in_full(org_id: str, document: Document) -> QuarantinedRecord:
    fields = document.fields
    return QuarantinedRecord(
        Quarantined(
            org_id,
            document.id,
            str(fields.get("stream", "")),
            known_provider(fields.get("provider")),
        ),
        code=str(fields.get("errorCode", "")),
        message=str(fields.get("message", "")),
        raw=str(fields.get("raw", "")),
        run_id=fields.get("runId"),
        first_seen_at=fields.get("firstSeenAt"),
        last_seen_at=fields.get("lastSeenAt"),
    )


def keys(database: Database, org_id: str, stream: str, limit: int) -> set[str]:
    """Keys of at most ``limit`` records of a stream in quarantine. One read if there is none."""
    found = database.query(
        paths.quarantine(org_id), ("stream", "==", stream), select=["stream"], limit=limit
    )
    return {Quarantined(org_id, document.id, stream).key for document in found}


def _path(org_id: str, stream: str, key: str) -> str:
    return f"{paths.quarantine(org_id)}/{stream}_{key}"
