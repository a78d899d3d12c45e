"""``fleet/roster``: the orgs that the schedule knows, and since when it knows the new ones.

One document for all orgs: those known for long are 8 bytes each, so that 100,000 fit in.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.domain.watch import NEW_FOR
from shared.store import paths
from shared.store.database import Database, Put

HASH_BYTES = 8
NEW_LIMIT = 2_000
"""New orgs that are kept an eye on at once."""


@dataclass(frozen=True, slots=True)
class Roster:
    """``ticked_at``: the last tick that asked for all orgs. ``recent``: orgs that the schedule
    has known for less than NEW_FOR, and since when."""

    ticked_at: datetime
    recent: Mapping[str, datetime]
    known: frozenset[bytes]


def read(database: Database) -> Roster | None:
    """The roster; None before the first tick. One read."""
    fields = database.get(paths.ROSTER).fields
    if not fields:
        return None
    packed: bytes = fields["known"]
    starts = range(0, len(packed), HASH_BYTES)
    known = frozenset(packed[start : start + HASH_BYTES] for start in starts)
    return Roster(fields["tickedAt"], fields["recent"], known)


def put(before: Roster | None, org_ids: Sequence[str], now: datetime) -> Put:
    """The write that notes a tick that asked for just these orgs."""
    hashes = {org_id: _hash(org_id) for org_id in org_ids}
    recent: dict[str, datetime] = {}
    for org_id, digest in hashes.items():
        since = before.recent.get(org_id) if before and digest in before.known else now
        if since is not None and now - since < NEW_FOR and len(recent) < NEW_LIMIT:
            recent[org_id] = since
    fields = {"tickedAt": now, "recent": recent, "known": b"".join(sorted(hashes.values()))}
    return Put(paths.ROSTER, fields)


def _hash(org_id: str) -> bytes:
    return hashlib.blake2b(org_id.encode(), digest_size=HASH_BYTES).digest()
