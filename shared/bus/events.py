"""What functions receive: from a CloudEvent to the Pub/Sub message it carries, or to the Firestore
document that changed."""

import base64
import hashlib
import json
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cloudevents.http import CloudEvent
from google.events.cloud.firestore import DocumentEventData
from google.protobuf.json_format import ParseError
from google.protobuf.message import DecodeError
from opentelemetry.trace import SpanContext

from shared import tracing
from shared.domain.ids import is_document_id
from shared.errors import InvalidMessage

_DOCUMENTS = "/documents/"
REPLAY_OF = "replayOf"
"""Attribute of a message that was sent again: the id of its dead letter."""
_PROTOBUF_STARTS = (b"\x0a", b"\x12", b"\x1a")
"""The tags of the fields of ``DocumentEventData``. None of them is a character of base64."""
_SURROGATE = r"\ud"
"""How JSON escapes one half of a pair, which alone is no character."""

Fields = Mapping[str, Any]
"""Firestore's own values by field name, to be compared, or read by DocumentChange.text."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of a message. ``id`` is the same for every delivery of it and can be the id of
    a document."""

    id: str
    data: bytes
    attributes: dict[str, str]

    @property
    def letter_id(self) -> str:
        """Id under which it is recorded where it is invalid: one that was sent again is known."""
        known = self.attributes.get(REPLAY_OF, "")
        return known if is_document_id(known) else self.id

    @property
    def caller(self) -> SpanContext | None:
        """The span in which it was published, if it carries a valid one."""
        return tracing.of_w3c(self.attributes.get(tracing.TRACEPARENT))

    def json(self) -> Any:
        """The decoded data. Raises InvalidMessage where it is not JSON, or has text that is not
        valid Unicode."""
        try:
            text = self.data.decode()
            decoded = json.loads(text)
            if _SURROGATE in text.lower():
                json.dumps(decoded, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise InvalidMessage("the message's data is not JSON") from None
        return decoded


def delivery(event: CloudEvent) -> Delivery:
    """The delivery in a ``messagePublished`` event, whatever the event holds. Data that is not
    base64 is kept as text; attributes that are not text are left out."""
    body: object = event.data
    message = body.get("message") if isinstance(body, dict) else None
    fields = message if isinstance(message, dict) else {}
    attributes = fields.get("attributes")
    given = attributes if isinstance(attributes, dict) else {}
    named = fields.get("messageId")
    return Delivery(
        id=_message_id(named if isinstance(named, str) and named else str(event["id"])),
        data=_decoded(fields.get("data")),
        attributes={name: text for name, text in given.items() if isinstance(text, str)},
    )


def _message_id(given: str) -> str:
    """The id as given, else a hash of it where it cannot be the id of a document."""
    if is_document_id(given):
        return given
    return "id-" + hashlib.sha256(given.encode(errors="backslashreplace")).hexdigest()


def _decoded(data: object) -> bytes:
    if data is None:
        return b""
    text = data if isinstance(data, str) else reprlib.repr(data)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # of both binascii and text that is not ASCII
        return text.encode(errors="backslashreplace")


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """One change of a document. ``before`` is None where it was created, ``after`` where it was
    deleted. ``at`` is a time not before the change was committed.

    Changes may come twice, late and in any order: a reason to read, not a state to copy.
    """

    event_id: str
    path: str
    before: Fields | None
    after: Fields | None
    at: datetime

    def text(self, name: str) -> tuple[str | None, str | None]:
        """A text field before and after; None where it is missing or not a text."""
        return _text(self.before, name), _text(self.after, name)

    def touches(self, names: Iterable[str]) -> bool:
        """Whether one of these fields differs before and after."""
        before, after = self.before or {}, self.after or {}
        return any(before.get(name) != after.get(name) for name in names)


def document_change(event: CloudEvent) -> DocumentChange:
    """The change in a Firestore event. Raises InvalidMessage where it cannot be read."""
    data = _data(event.data)
    after = data.value if data.value.name else None
    before = data.old_value if data.old_value.name else None
    document = after or before
    if document is None or _DOCUMENTS not in document.name:
        raise InvalidMessage("the event names no document")
    return DocumentChange(
        event_id=str(event["id"]),
        path=document.name.partition(_DOCUMENTS)[2],
        before=before and dict(before.fields),
        after=after and dict(after.fields),
        at=_committed_at(after, event),
    )


def _data(body: object) -> Any:
    """A ``DocumentEventData`` in one of its forms: protobuf (production), the same as base64 text
    under protobuf's media type (the emulator), or JSON (the emulator's older triggers)."""
    try:
        if isinstance(body, dict):
            return DocumentEventData.from_json(json.dumps(body), ignore_unknown_fields=True)
        raw = body.encode() if isinstance(body, str) else body
        if not isinstance(raw, bytes):
            raise InvalidMessage("the event has no data")
        if not raw.startswith(_PROTOBUF_STARTS):
            raw = base64.b64decode(raw, validate=True)
        return DocumentEventData.deserialize(raw)
    except (ParseError, DecodeError, ValueError, RecursionError) as error:
        raise InvalidMessage(f"the event's data cannot be read: {type(error).__name__}") from None


def _committed_at(after: Any, event: CloudEvent) -> datetime:
    """When the document was written; for a deletion, which does not say, the event's time."""
    if after and after.update_time:
        return datetime.fromtimestamp(after.update_time.timestamp(), UTC)
    try:
        return datetime.fromisoformat(str(event["time"])).astimezone(UTC)
    except (KeyError, ValueError):
        raise InvalidMessage("the event does not say when it happened") from None


def _text(fields: Fields | None, name: str) -> str | None:
    value = (fields or {}).get(name)
    return value.string_value or None if value is not None else None
