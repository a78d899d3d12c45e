"""Firestore events of orders, as Eventarc and the emulator send them."""

import base64
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cloudevents.http import CloudEvent, from_http
from google.cloud.firestore_v1._helpers import encode_dict
from google.events.cloud.firestore import DocumentEventData

ROOT = "projects/demo-shop/databases/(default)/documents"

Fields = Mapping[str, Any] | None


def order_event(
    before: Fields,
    after: Fields,
    *,
    path: str = "tenants/org_a/orders/alleaves_1",
    at: datetime | None = None,
    body: str = "protobuf",
) -> CloudEvent:
    """The event of an order that was ``before`` and is ``after``; None: not there. ``body`` is
    ``protobuf`` (production), ``base64`` (the emulator) or ``json`` (its older triggers)."""
    moment = at or datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    states = {"value": after, "old_value": before}
    data = DocumentEventData(
        **{name: _document(path, state, moment) for name, state in states.items() if state}
    )
    raw: bytes = DocumentEventData.serialize(data)
    media_type = "application/protobuf"
    if body == "base64":
        raw = base64.b64encode(raw)
    if body == "json":
        media_type = "application/json"
        raw = json.dumps({"oldValue": {}, "value": {}} | _json(data)).encode()
    headers = {
        "ce-specversion": "1.0",
        "ce-id": uuid.uuid4().hex,
        "ce-type": "google.cloud.firestore.document.v1.written",
        "ce-source": "//firestore.googleapis.com/projects/demo-shop/databases/(default)",
        "ce-subject": f"documents/{path}",
        "ce-time": moment.isoformat().replace("+00:00", "Z"),
        "content-type": media_type,
    }
    return from_http(headers, raw)


def _document(path: str, fields: Mapping[str, Any], at: datetime) -> Mapping[str, Any]:
    # The event's own values have the field numbers of Firestore's.
    values = {name: type(v).to_json(v) for name, v in encode_dict(fields).items()}
    text = {
        "name": f"{ROOT}/{path}",
        "fields": {name: json.loads(value) for name, value in values.items()},
        "updateTime": at.isoformat().replace("+00:00", "Z"),
    }
    document: Mapping[str, Any] = DocumentEventData.from_json(json.dumps({"value": text})).value
    return document


def _json(data: DocumentEventData) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DocumentEventData.to_json(data))
    return found
