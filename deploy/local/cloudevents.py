"""From what the emulators send to the CloudEvents that Eventarc sends. Pure.

- A push body is wrapped as Eventarc does it, whole: the functions-framework's own conversion of
  a raw push loses the topic, the ordering key, the subscription and messages without data.
- The Firestore emulator sends protobuf as base64 text under the content type of protobuf, and
  doubles ``projects/`` in the source, and does not say which fields an update changed.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.pubsub_v1.types import PubsubMessage

from deploy.local.update_mask import with_update_mask

FIRESTORE_TYPE = "google.cloud.firestore.document.v1."
PUBSUB_TYPE = "google.cloud.pubsub.topic.v1.messagePublished"


@dataclass(frozen=True, slots=True)
class Event:
    """A binary-mode CloudEvent as it goes over HTTP."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["ce-id"]


def push_of(message: PubsubMessage, subscription: str) -> dict[str, Any]:
    """The body that Pub/Sub pushes; ``subscription`` by its full name."""
    published = PubsubMessage.pb(message).publish_time.ToJsonString()
    optional = {
        "data": base64.b64encode(message.data).decode(),
        "attributes": dict(message.attributes),
        "orderingKey": message.ordering_key,
    }
    sent = {
        **{name: value for name, value in optional.items() if value},
        **dict.fromkeys(("messageId", "message_id"), message.message_id),
        **dict.fromkeys(("publishTime", "publish_time"), published),
    }
    return {"message": sent, "subscription": subscription}


def from_push(push: Mapping[str, Any], topic: str) -> Event:
    """The event in a push body; ``topic`` by its full name. A Firestore event that travelled as
    a message comes out as itself, with the id it had."""
    message = push["message"]
    attributes = message.get("attributes") or {}
    if attributes.get("ce-type", "").startswith(FIRESTORE_TYPE):
        return Event(
            {**attributes, "content-type": "application/protobuf"},
            with_update_mask(base64.b64decode(message["data"])),
        )
    headers = {
        "ce-specversion": "1.0",
        "ce-type": PUBSUB_TYPE,
        "ce-source": f"//pubsub.googleapis.com/{topic}",
        "ce-id": message["messageId"],
        "ce-time": message["publishTime"],
        "content-type": "application/json",
    }
    return Event(headers, json.dumps(push).encode())


def attributes_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The message attributes that carry the Firestore emulator's event to ``from_push``."""
    found = {name.lower(): value for name, value in headers.items()}
    attributes = {name: value for name, value in found.items() if name.startswith("ce-")}
    source = attributes["ce-source"].replace("projects/projects/", "projects/")
    return {**attributes, "ce-source": source}
