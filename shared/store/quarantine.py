"""``tenants/{orgId}/quarantine/{id}``: records that could not be used, kept for replay."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from shared.pos.port import Rejected
from shared.store import paths
from shared.store.database import Database, Put, Remove

RAW_LIMIT = 200_000
"""Characters of a raw record that are kept: a document may have 1 MiB."""

NAMELESS = "raw-"

OWNED = ("stream", "runId", "errorCode", "message", "raw", "lastSeenAt")


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record in quarantine, by the id of its document."""

    org_id: str
    id: str
    stream: str

    @property
    def key(self) -> str:
        """The record's own id, or what stands for it."""
        return self.id.removeprefix(f"{self.stream}_")

    @property
    def named(self) -> bool:
        """Whether its key is its own id."""
        return not self.key.startswith(NAMELESS)


def key_of(rejected: Rejected) -> str:
    """Id under which the record stands in quarantine: its own, else a hash of what was sent."""
    if rejected.record_id and "/" not in rejected.record_id:
        return rejected.record_id
    return NAMELESS + hashlib.blake2b(rejected.raw.encode(), digest_size=12).hexdigest()


def put(
    org_id: str, stream: str, rejected: Rejected, *, run_id: str, now: datetime, first: bool
) -> Put:
    """The write that puts a record in quarantine; ``first`` when it was not there before."""
    fields = {
        "stream": stream,
        "runId": run_id,
        "errorCode": rejected.code,
        "message": rejected.message,
        "raw": rejected.raw[:RAW_LIMIT],
        "lastSeenAt": now,
    }
    owned: tuple[str, ...] = OWNED
    if first:
        fields["firstSeenAt"] = now
        owned = (*OWNED, "firstSeenAt")
    return Put(_path(org_id, stream, key_of(rejected)), fields, owned=owned)


def remove(org_id: str, stream: str, key: str) -> Remove:
    """The write that lets a record out once it could be used."""
    return Remove(_path(org_id, stream, key))


def read_all(database: Database, org_id: str | None, limit: int) -> list[Quarantined]:
    """Records in quarantine, of all orgs or of one."""
    where = paths.QUARANTINE if org_id is None else paths.quarantine(org_id)
    found = database.query(where, select=["stream"], limit=limit, everywhere=org_id is None)
    return [
        Quarantined(paths.org_of(document.path), document.id, str(document.fields["stream"]))
        for document in found
    ]


def _path(org_id: str, stream: str, key: str) -> str:
    return f"{paths.quarantine(org_id)}/{stream}_{key}"
