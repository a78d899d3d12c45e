"""From a CloudEvent to the JSON object a message is made of."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from cloudevents.http import CloudEvent

from shared.errors import InvalidMessage


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of a Pub/Sub message. ``id`` is the same for every delivery of it."""

    id: str
    data: Any
    attributes: dict[str, str]


def delivery(event: CloudEvent) -> Delivery:
    """Decode a ``messagePublished`` event. Raises InvalidMessage where its data is no JSON."""
    message = event.data.get("message", {}) if isinstance(event.data, dict) else {}
    return Delivery(
        id=str(message.get("messageId") or event["id"]),
        data=_json(message.get("data", "")),
        attributes=dict(message.get("attributes") or {}),
    )


def _json(encoded: str) -> Any:
    try:
        return json.loads(base64.b64decode(encoded, validate=True))
    except ValueError:
        raise InvalidMessage("the message's data is not JSON") from None
