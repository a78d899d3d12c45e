"""Webhooks of Lightspeed X-Series: a form with the record as JSON text in ``payload``, the kind of
event in ``type``, and the account in ``domain_prefix``
(https://x-series-api.lightspeedhq.com/docs/webhooks).

An account may have all its events sent to one address. ``sale.update`` comes when a sale is made
and whenever it changes. Payloads have the shape of the oldest API, in which an event without
``type`` is recognised by the fields that only such a record has.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import from_json

from shared.domain.ids import is_document_id
from shared.errors import RequestInvalid
from shared.pos.port import PosEvent

ADDRESS_PATH = "/api/webhooks/lightspeed/sale-created"
"""Where they are received; the org may follow, and a secret."""
SALE = "sale.update"
CUSTOMER = "customer.update"
PRODUCT = "product.update"
INVENTORY = "inventory.update"
KINDS = (SALE, CUSTOMER, PRODUCT, INVENTORY)
"""What is fetched: sales are orders, and stock is that of a product."""

MOST_FIELDS = 20
LONGEST_KIND = 100
_PREFIX = re.compile(r"[a-z0-9-]{1,63}")
_MARKS: Mapping[str, tuple[frozenset[str], ...]] = {
    SALE: (frozenset({"register_id"}), frozenset({"invoice_number"}), frozenset({"line_items"})),
    INVENTORY: (frozenset({"product_id", "outlet_id"}),),
    PRODUCT: (frozenset({"sku"}), frozenset({"handle"})),
    CUSTOMER: (frozenset({"customer_code"}),),
}
"""Fields by which each kind of record is told from the others; the first that fits holds."""


def read_event(body: bytes) -> PosEvent:
    """The event in a webhook's body. Without ``type``, and where the payload's fields say nothing,
    it is a sale, which the address is named after. Raises RequestInvalid where there is no payload,
    or it names no record."""
    form = _form(body)
    try:
        payload = from_json(form["payload"])
    except (ValueError, KeyError):
        raise RequestInvalid("payload: no JSON object in a form") from None
    if not isinstance(payload, dict):
        raise RequestInvalid("payload: no JSON object in a form")
    kind = form.get("type") or _kind_of(payload)
    if len(kind) > LONGEST_KIND:
        raise RequestInvalid("type: too long")
    if kind not in KINDS:
        return PosEvent(kind=kind)
    name = "product_id" if kind == INVENTORY else "id"
    record_id = payload.get(name)
    if not isinstance(record_id, str) or not is_document_id(record_id):
        raise RequestInvalid(f"payload.{name}: which record is not said")
    return PosEvent(
        kind=kind,
        id=_event_id(payload, record_id),
        customer_ids=(record_id,) if kind == CUSTOMER else (),
        order_ids=(record_id,) if kind == SALE else (),
        product_ids=(record_id,) if kind in (PRODUCT, INVENTORY) else (),
    )


def accounts_in(body: bytes) -> tuple[str, ...]:
    """The ``domain_prefix`` of the account that a webhook's body names; none where it names none.
    The body may be anybody's: this is to find out whose."""
    try:
        prefix = _form(body).get("domain_prefix", "").strip().lower()
    except RequestInvalid:
        return ()
    return (prefix,) if _PREFIX.fullmatch(prefix) else ()


def _form(body: bytes) -> dict[str, str]:
    """The fields of a form, the first of each name. Raises RequestInvalid."""
    try:
        fields = parse_qsl(body.decode(), max_num_fields=MOST_FIELDS)
    except ValueError:
        raise RequestInvalid("payload: no JSON object in a form") from None
    return dict(reversed(fields))


def _kind_of(payload: Mapping[str, Any]) -> str:
    fits = (kind for kind, marks in _MARKS.items() if any(each <= payload.keys() for each in marks))
    return next(fits, SALE)


def _event_id(payload: Mapping[str, Any], record_id: str) -> str | None:
    """Every change of a record gives it another version: a repeat of the event names the same one,
    in whatever spelling, and a later change never does."""
    version = payload.get("version")
    if type(version) is not int or not 0 <= version < 2**63:
        return None
    own_id = payload.get("id")
    named = own_id if isinstance(own_id, str) and is_document_id(own_id) else record_id
    return f"{named}/{version}"
