"""``tenants/{orgId}/pos_writes/{key}``: what a POS was asked to make, and what came of it.

The key is the asker's own and names one thing to be made: asked for again under the same key, it
is not made again.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.errors import Busy, RequestInvalid
from shared.store import paths
from shared.store.database import Conflict, Create, Database, Update, Write

CLAIMED = timedelta(minutes=3)
"""How long an attempt has before another may take it up: longer than its calls may last."""
KEPT = timedelta(days=30)
"""How long a key is remembered (``expireAt`` is a TTL field)."""
BEGUN, DONE = "begun", "done"


@dataclass(slots=True)
class Claim:
    """The right to do what a key names. ``result`` is there where it is done already; ``doubtful``
    where an earlier attempt may have done it; ``part`` is the POS's id of what it left unfinished.
    """

    path: str
    version: datetime | None
    result: str | None
    doubtful: bool
    part: str | None


def claim(database: Database, org_id: str, key: str, *, content: str, now: datetime) -> Claim:
    """Take the key for an attempt. Raises Busy while another attempt has it, RequestInvalid where
    it was used for something else (``content`` describes what is to be made)."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
    path = paths.pos_write(org_id, digest)
    mark = hashlib.blake2b(content.encode(), digest_size=16).hexdigest()
    found = database.get(path)
    if found.exists and found.fields["content"] != mark:
        raise RequestInvalid("this key stands for something else that was asked for before")
    if found.fields.get("state") == DONE:
        return Claim(path, found.version, str(found.fields["result"]), False, None)
    if found.exists and found.fields["claimedUntil"] > now:
        raise Busy("the same is being asked of the POS at this moment")
    claimed = {"state": BEGUN, "claimedUntil": now + CLAIMED}
    first = {"content": mark, "orgId": org_id, "begunAt": now, "expireAt": now + KEPT}
    write: Write = (
        Update(path, {**claimed, "doubtful": True}, if_version=found.version)
        if found.exists
        else Create(path, {**claimed, **first, "doubtful": True})
    )
    try:
        version = database.commit([write])
    except Conflict:
        raise Busy("the same is being asked of the POS at this moment") from None
    doubtful = bool(found.fields.get("doubtful", False))
    return Claim(path, version, None, doubtful, found.fields.get("part"))


def note(database: Database, held: Claim, fields: dict[str, Any]) -> None:
    """Write down how far an attempt has come. Raises Conflict where it was taken over."""
    held.version = database.commit([Update(held.path, fields, if_version=held.version)])


def done(database: Database, held: Claim, result: str) -> None:
    """What was to be made is made, under this id at the POS."""
    note(database, held, {"state": DONE, "result": result, "claimedUntil": None, "part": None})


def leave(database: Database, held: Claim, now: datetime, *, doubtful: bool) -> None:
    """The attempt failed; the next may begin at once. ``doubtful``: it may have been made."""
    note(database, held, {"claimedUntil": now, "doubtful": doubtful})
