"""From a CloudEvent to the Pub/Sub message it carries."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from cloudevents.http import CloudEvent

from shared.errors import InvalidMessage


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of a message. ``id`` is the same for every delivery of it."""

    id: str
    text: str
    attributes: dict[str, str]

    def json(self) -> Any:
        """The decoded data. Raises InvalidMessage where it is no JSON."""
        try:
            return json.loads(self.text)
        except ValueError:
            raise InvalidMessage("the message's data is not JSON") from None


def delivery(event: CloudEvent) -> Delivery:
    """The delivery in a ``messagePublished`` event; unreadable data becomes readable text."""
    message = event.data.get("message", {}) if isinstance(event.data, dict) else {}
    encoded = str(message.get("data") or "")
    try:
        text = base64.b64decode(encoded, validate=True).decode(errors="replace")
    except binascii.Error:
        text = encoded
    return Delivery(
        id=str(message.get("messageId") or event["id"]),
        text=text,
        attributes=dict(message.get("attributes") or {}),
    )
