"""Webhooks of Alleaves: ``{event, data, timestamp}``.

Nothing of them is documented in public: ids are read under every spelling that rows have, the
event's own id under two, a time as ISO text or as a Unix time, and the location beside the event or
in its rows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from shared.domain.ids import LONGEST_ID, is_document_id
from shared.errors import RequestInvalid
from shared.pos.port import PosEvent
from shared.pos.rows import Id, moment, unix_moment

LONGEST_KIND = 100

SUBJECTS = {
    "customer.created": "customer",
    "customer.updated": "customer",
    "order.created": "order",
    "order.updated": "order",
    "inventory.updated": "item",
    "inventory.low_stock": "item",
    "product.updated": "item",
    "product.deleted": "item",
}
_IDS = {
    "customer": ("id_customer", "customer_id", "id"),
    "order": ("id_order", "id_transaction", "order_id", "id"),
    "item": ("id_item", "item_id", "id_product", "product_id", "id"),
}
_LOCATION = ("id_location", "location_id", "locationId")
_UTC = ZoneInfo("UTC")
_id = TypeAdapter[str](Id)


def read_event(body: bytes) -> PosEvent:
    """The event in a webhook's body. Raises RequestInvalid where it is none."""
    try:
        given = from_json(body)  # unlike json, it refuses text that is not valid Unicode
    except ValueError:
        raise RequestInvalid("the webhook is not JSON") from None
    kind = given.get("event") if isinstance(given, dict) else None
    if not isinstance(kind, str) or not 0 < len(kind) <= LONGEST_KIND:
        raise RequestInvalid("event: what happened is not said")
    subject = SUBJECTS.get(kind)
    ids = _ids(_rows(given.get("data")), _IDS[subject]) if subject else ()
    return PosEvent(
        kind=kind,
        id=_own_id(given),
        sent_at=_sent_at(given.get("timestamp")),
        customer_ids=ids if subject == "customer" else (),
        order_ids=ids if subject == "order" else (),
        product_ids=ids if subject == "item" else (),
    )


def locations_in(body: bytes) -> tuple[str, ...]:
    """The POS's ids of the locations that a webhook's body names, each once; none where it cannot
    be read. The body may be anybody's: this is to find out whose."""
    try:
        given = from_json(body)
    except ValueError:
        return ()
    if not isinstance(given, dict):
        return ()
    return _ids([given, *_rows(given.get("data"))], _LOCATION)


def _rows(data: object) -> list[object]:
    return data if isinstance(data, list) else [data]


def _ids(rows: list[object], names: Sequence[str]) -> tuple[str, ...]:
    found = (_first_id(row, names) for row in rows if isinstance(row, dict))
    return tuple(dict.fromkeys(filter(None, found)))


def _first_id(row: dict[str, Any], names: Sequence[str]) -> str | None:
    for name in names:
        try:
            found = _id.validate_python(row.get(name))
        except ValidationError:
            continue
        if is_document_id(found):
            return found
    return None


def _own_id(given: dict[str, Any]) -> str | None:
    """``id`` is not among them: it may be the record's, and two events of one record are two. One
    that is too long is none."""
    ids = (given.get(name) for name in ("event_id", "eventId"))
    texts = (str(each) for each in ids if isinstance(each, str | int) and each)
    return next((text for text in texts if len(text) <= LONGEST_ID), None)


def _sent_at(value: object) -> datetime | None:
    """Raises RequestInvalid for a time that is sent and cannot be read."""
    if value is None:
        return None
    text = str(value)
    try:
        read = unix_moment(int(text)) if text.isdecimal() else moment(value, _UTC)
    except (ValueError, OverflowError, OSError):
        read = None
    if read is None:
        raise RequestInvalid("timestamp: not a time")
    return read
