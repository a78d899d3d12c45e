"""``dead_letters/{messageId}``: messages that could not be processed, for replay."""

import json
from dataclasses import dataclass
from datetime import datetime

from shared.domain.ids import is_document_id
from shared.store import paths
from shared.store.database import Conflict, Create, Database, Document, Filter, Update


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message as it was sent. ``source`` is its topic, or the subscription that dropped it."""

    id: str
    source: str
    text: str


def record(
    database: Database,
    message_id: str,
    *,
    topic: str,
    text: str,
    code: str,
    reason: str,
    now: datetime,
) -> None:
    """Store a message, ``text`` as it was sent. Recording it again changes only ``lastSeenAt``."""
    fields = {
        "topic": topic,
        "data": text,
        "orgId": _org_of(text),
        "errorCode": code,
        "message": reason,
        "lastSeenAt": now,
        "replayedAt": None,
    }
    try:
        database.commit([Create(_path(message_id), fields)])
    except Conflict:
        database.commit([Update(_path(message_id), {"lastSeenAt": now})])


def waiting(database: Database, org_id: str | None, limit: int) -> list[DeadLetter]:
    """Dead letters that were never replayed, of all orgs or of one."""
    of_org: list[Filter] = [] if org_id is None else [("orgId", "==", org_id)]
    never = ("replayedAt", "==", None)
    return [_letter(d) for d in database.query(paths.DEAD_LETTERS, never, *of_org, limit=limit)]


def read(database: Database, message_id: str) -> DeadLetter | None:
    """The dead letter of that id, replayed before or not."""
    found = database.get(_path(message_id))
    return _letter(found) if found.exists else None


def replayed(letter: DeadLetter, now: datetime) -> Update:
    """The write for one that was sent again."""
    return Update(_path(letter.id), {"replayedAt": now})


def _letter(document: Document) -> DeadLetter:
    return DeadLetter(document.id, str(document.fields["topic"]), str(document.fields["data"]))


def _org_of(text: str) -> str | None:
    try:
        data = json.loads(text)
    except ValueError:
        return None
    org_id = data.get("orgId") if isinstance(data, dict) else None
    return org_id if isinstance(org_id, str) and is_document_id(org_id) else None


def _path(message_id: str) -> str:
    return f"{paths.DEAD_LETTERS}/{message_id}"
