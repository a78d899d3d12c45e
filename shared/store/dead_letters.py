"""``dead_letters/{messageId}``: messages that could not be processed, for replay."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.ids import is_document_id
from shared.store import listing, paths
from shared.store.database import Conflict, Create, Database, Document, Fields, Filter, Put, Update
from shared.store.listing import QueryRange
from shared.store.runs import RunError

DATA_LIMIT = 200_000
"""Bytes of a message that are kept: a document may have 1 MiB."""
TEXT_LIMIT = 1_000
"""The same for what is said about it."""
RETURNED = "-returned"
"""Follows a letter's id in that of the letter which is what its replays came back as."""
KEPT = timedelta(days=90)
"""How long after it was last recorded a message is kept (``expireAt`` is a TTL field)."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message as it was sent, and the ``code`` of why it is here. ``source`` is its topic, or the
    subscription that dropped it.
    ``truncated``: ``text`` is not what was sent, but cut off or escaped. ``replay_of`` is the
    letter of which this message was the replay, ``returns`` how many replays have come back to it;
    ``replayed`` is whether this one was sent again or will be."""

    id: str
    source: str
    text: str
    truncated: bool
    code: str = ""
    org_id: str | None = None
    replay_of: str | None = None
    replayed: bool = False
    returns: int = 0


def record(
    database: Database,
    message_id: str,
    *,
    topic: str,
    data: bytes,
    code: str,
    reason: str,
    now: datetime,
    replay_of: str | None = None,
    cause: RunError | None = None,
) -> None:
    """Store a message, whatever its ``data`` are, and the ``cause`` by which its last delivery
    failed. Recording it again changes only ``lastSeenAt`` and ``expireAt``. Whatever comes back of
    a letter's replays is one letter, which waits again each time."""
    seen = {"lastSeenAt": now, "expireAt": now + KEPT}
    kept = _excerpt(data, DATA_LIMIT)
    fields: dict[str, object] = {
        "topic": _excerpt(topic, TEXT_LIMIT),
        "data": kept,
        "dataBytes": len(data),
        "dataSha256": hashlib.sha256(data).hexdigest(),
        "truncated": kept.encode() != data,
        "orgId": org_of(data),
        "errorCode": code,
        "message": _excerpt(reason, TEXT_LIMIT),
        **seen,
        "replayedAt": None,
    }
    if cause:
        fields["cause"] = cause.model_dump(by_alias=True, exclude_none=True)
    first = replay_of.removesuffix(RETURNED) if replay_of else ""
    if first:
        fields["replayOf"] = _excerpt(first, TEXT_LIMIT)
    if first and is_document_id(first + RETURNED):
        _record_return(database, first + RETURNED, message_id, fields, seen)
        return
    try:
        database.commit([Create(_path(message_id), fields)])
    except Conflict:
        database.commit([Update(_path(message_id), seen)])


def _record_return(
    database: Database, letter_id: str, message_id: str, fields: Fields, seen: Fields
) -> None:
    path = _path(letter_id)
    found = database.get(path)
    if found.fields.get("messageId") == message_id:
        database.commit([Update(path, seen)])
        return
    returns = {"messageId": message_id, "returns": found.fields.get("returns", 0) + 1}
    database.commit([Put(path, {**fields, **returns})])


def waiting(database: Database, org_id: str | None) -> Iterator[DeadLetter]:
    """Dead letters that were never replayed, of all orgs or of one."""
    of_org: list[Filter] = [] if org_id is None else [("orgId", "==", org_id)]
    never = ("replayedAt", "==", None)
    return map(_letter, database.query(paths.DEAD_LETTERS, never, *of_org))


def read(database: Database, message_id: str) -> DeadLetter | None:
    """The dead letter of that id, replayed before or not."""
    if not is_document_id(message_id):
        return None
    found = database.get(_path(message_id))
    return _letter(found) if found.exists else None


@dataclass(frozen=True, slots=True)
class RecordedLetter:
    """A dead letter with why it is one. ``text`` are the first TEXT_LIMIT bytes of ``size``;
    ``cause`` is why its last delivery failed, where that is known."""

    letter: DeadLetter
    text: str
    size: int
    message: str
    cause: RunError | None
    last_seen_at: datetime | None
    replayed_at: datetime | None


def page(
    database: Database, org_id: str | None, *, cursor: str | None, limit: int
) -> tuple[list[RecordedLetter], str | None]:
    """Some of the dead letters, of all orgs or of one, the latest first, and the cursor of the next
    ones. Raises RequestInvalid for a cursor of another listing."""
    of_org: tuple[Filter, ...] = () if org_id is None else (("orgId", "==", org_id),)
    latest = QueryRange(of_org, "lastSeenAt", descending=True)
    found = listing.page(database, paths.DEAD_LETTERS, [latest], cursor=cursor, limit=limit)
    return list(map(_recorded, found.documents)), found.cursor


def _recorded(document: Document) -> RecordedLetter:
    fields, letter = document.fields, _letter(document)
    cause = fields.get("cause")
    return RecordedLetter(
        letter,
        text=_excerpt(letter.text, TEXT_LIMIT),
        size=int(fields.get("dataBytes", 0)),
        message=str(fields.get("message", "")),
        cause=RunError.model_validate(cause) if cause else None,
        last_seen_at=fields.get("lastSeenAt"),
        replayed_at=fields.get("replayedAt"),
    )


def replayed(letter: DeadLetter, at: datetime) -> Update:
    """The write for one that was sent again, or will be at that time."""
    return Update(_path(letter.id), {"replayedAt": at})


def count_replayed(database: Database, org_id: str | None, since: datetime, limit: int) -> int:
    """How many letters of an org were sent again since a moment or will be, ``limit`` at most."""
    found = database.query(
        paths.DEAD_LETTERS,
        ("orgId", "==", org_id),
        ("replayedAt", ">", since),
        select=["orgId"],
        limit=limit,
    )
    return len(list(found))


def _letter(document: Document) -> DeadLetter:
    fields = document.fields
    return DeadLetter(
        document.id,
        str(fields["topic"]),
        str(fields["data"]),
        bool(fields.get("truncated")),
        code=str(fields.get("errorCode", "")),
        org_id=fields.get("orgId"),
        replay_of=fields.get("replayOf"),
        replayed=fields.get("replayedAt") is not None,
        returns=int(fields.get("returns", 0)),
    )


def _excerpt(given: bytes | str, limit: int) -> str:
    """At most so many bytes of valid UTF-8; what is not valid is escaped."""
    raw = given.encode(errors="backslashreplace") if isinstance(given, str) else given
    escaped = raw[:limit].decode(errors="backslashreplace").encode()
    return escaped[:limit].decode(errors="ignore")


def org_of(data: bytes) -> str | None:
    """The org that a message names; None where it names none that a document can have."""
    try:
        message = json.loads(data.decode())
    except (ValueError, RecursionError):
        return None
    org_id = message.get("orgId") if isinstance(message, dict) else None
    return org_id if isinstance(org_id, str) and is_document_id(org_id) else None


def _path(message_id: str) -> str:
    return f"{paths.DEAD_LETTERS}/{message_id}"
