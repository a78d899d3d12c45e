"""``tenants/{orgId}/pos_writes/{key}``: what a POS was asked to create, and the result. What is
asked for again under the same idempotency key is not created again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.errors import RequestRefused, UnderWay
from shared.store import paths
from shared.store.database import (
    Conflict,
    Contention,
    Database,
    Fields,
    Update,
    Write,
    put_if_version,
)

CLAIMED = timedelta(minutes=3)
"""After this long another attempt may take over: longer than an instance is given for one."""
KEPT = timedelta(hours=24)
"""How long a key is remembered (``expireAt`` is a TTL field)."""
BEGUN, DONE = "begun", "done"


class KeyReused(RequestRefused):
    """The idempotency key was sent before with something else."""

    code = "key_reused"
    status = 422


@dataclass(slots=True)
class Claim:
    """The right to do what a key names. ``result``: it is done already; ``doubtful``: an earlier
    attempt may have done it; ``part``: the POS's id of an incomplete result; ``begun_at``: when the
    key was first used."""

    path: str
    version: datetime | None
    begun_at: datetime
    result: str | None
    doubtful: bool
    part: str | None

    @property
    def use(self) -> str:
        """An id of this use of the key: once it is forgotten, the key may be used again."""
        return _digest(f"{self.path} {self.begun_at.isoformat()}")


def claim(database: Database, org_id: str, key: str, *, content: str, now: datetime) -> Claim:
    """Take the key for an attempt. Raises UnderWay while another attempt has it, KeyReused where
    it was used for something else (``content`` describes what is to be created)."""
    path = paths.pos_write(org_id, _digest(key))
    found = database.get(path)
    stored: Fields = {} if _is_over(found.fields, now) else found.fields
    if stored and stored["content"] != _digest(content):
        raise KeyReused("this key stands for something else that was asked for before")
    begun_at = stored.get("begunAt", now)
    if stored.get("state") == DONE:
        return Claim(path, found.version, begun_at, str(stored["result"]), False, None)
    if stored and stored["claimedUntil"] > now:
        raise _under_way()
    fields: dict[str, Any] = {"state": BEGUN, "claimedUntil": now + CLAIMED, "doubtful": True}
    if not stored:
        fields |= {"content": _digest(content), "orgId": org_id, "result": None, "part": None}
        fields |= {"begunAt": now, "expireAt": now + KEPT}
    try:
        version = database.commit([put_if_version(path, fields, found.version)])
    except (Conflict, Contention):
        raise _under_way() from None
    doubtful = bool(stored.get("doubtful"))
    return Claim(path, version, begun_at, None, doubtful, stored.get("part"))


def update(
    database: Database, held: Claim, fields: dict[str, Any], beside: Sequence[Write] = ()
) -> None:
    """Store the progress of an attempt, with the writes ``beside``. Raises Conflict where another
    has taken over."""
    held.version = database.commit([Update(held.path, fields, if_version=held.version), *beside])


def complete(database: Database, held: Claim, result: str, beside: Sequence[Write] = ()) -> None:
    """It is created, under this id at the POS. The writes ``beside`` are committed with that."""
    fields = {"state": DONE, "result": result, "claimedUntil": None, "part": None}
    update(database, held, fields, beside)


def release(database: Database, held: Claim, now: datetime, *, doubtful: bool) -> None:
    """The attempt failed; the next may begin at once. ``doubtful``: it may have been created."""
    update(database, held, {"claimedUntil": now, "doubtful": doubtful})


def _is_over(stored: Fields, now: datetime) -> bool:
    """Whether the key may be used anew. Firestore deletes within a day of ``expireAt``."""
    if not stored or stored["expireAt"] > now:
        return False
    return stored.get("claimedUntil") is None or stored["claimedUntil"] <= now


def _under_way() -> UnderWay:
    return UnderWay("the same is being asked of the POS at this moment: ask again in a moment")


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
