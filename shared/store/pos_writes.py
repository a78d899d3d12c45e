"""``tenants/{orgId}/pos_writes/{key}``: what a POS was asked to create, and the result. What is
asked for again under the same idempotency key is not created again."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.errors import Busy, RequestInvalid
from shared.store import paths
from shared.store.database import Conflict, Database, Update, put_if_version

CLAIMED = timedelta(minutes=3)
"""After this long another attempt may take over: longer than an attempt's calls may last."""
KEPT = timedelta(days=30)
"""How long a key is remembered (``expireAt`` is a TTL field)."""
BEGUN, DONE = "begun", "done"


@dataclass(slots=True)
class Claim:
    """The right to do what a key names. ``result``: it is done already; ``doubtful``: an earlier
    attempt may have done it; ``part``: the POS's id of an incomplete result."""

    path: str
    version: datetime | None
    result: str | None
    doubtful: bool
    part: str | None


def claim(database: Database, org_id: str, key: str, *, content: str, now: datetime) -> Claim:
    """Take the key for an attempt. Raises Busy while another attempt has it, RequestInvalid where
    it was used for something else (``content`` describes what is to be created)."""
    path = paths.pos_write(org_id, _digest(key))
    found = database.get(path)
    stored = found.fields
    if found.exists and stored["content"] != _digest(content):
        raise RequestInvalid("this key stands for something else that was asked for before")
    if stored.get("state") == DONE:
        return Claim(path, found.version, str(stored["result"]), False, None)
    if found.exists and stored["claimedUntil"] > now:
        raise Busy("the same is being asked of the POS at this moment")
    fields = {"state": BEGUN, "claimedUntil": now + CLAIMED, "doubtful": True}
    if not found.exists:
        fields |= {"content": _digest(content), "orgId": org_id}
        fields |= {"begunAt": now, "expireAt": now + KEPT}
    try:
        version = database.commit([put_if_version(path, fields, found.version)])
    except Conflict:
        raise Busy("the same is being asked of the POS at this moment") from None
    return Claim(path, version, None, bool(stored.get("doubtful")), stored.get("part"))


def update(database: Database, held: Claim, fields: dict[str, Any]) -> None:
    """Store the progress of an attempt. Raises Conflict where another has taken over."""
    held.version = database.commit([Update(held.path, fields, if_version=held.version)])


def complete(database: Database, held: Claim, result: str) -> None:
    """It is created, under this id at the POS."""
    update(database, held, {"state": DONE, "result": result, "claimedUntil": None, "part": None})


def release(database: Database, held: Claim, now: datetime, *, doubtful: bool) -> None:
    """The attempt failed; the next may begin at once. ``doubtful``: it may have been created."""
    update(database, held, {"claimedUntil": now, "doubtful": doubtful})


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
