"""``dead_letters/{messageId}``: messages that could not be processed, for replay."""

from datetime import datetime

from shared.store import paths
from shared.store.database import Database, Put


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
    """Keep a message, ``text`` as it was sent. Recording it again changes only ``lastSeenAt``."""
    fields = {
        "topic": topic,
        "data": text,
        "errorCode": code,
        "message": reason,
        "lastSeenAt": now,
    }
    path = f"{paths.DEAD_LETTERS}/{message_id}"
    database.commit([Put(path, fields, owned=tuple(fields))])
