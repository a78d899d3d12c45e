"""Webhooks of Lightspeed X-Series: form-encoded, the object as JSON text in ``payload``.

``sale.update`` comes when a sale is made and whenever it changes
(https://x-series-api.lightspeedhq.com/docs/webhooks).
"""

from urllib.parse import parse_qs

from pydantic_core import from_json

from shared.domain.ids import is_document_id
from shared.errors import RequestInvalid
from shared.pos.port import PosEvent

SALE = "sale.update"
FIELDS = 20


def read_sale(body: bytes) -> PosEvent:
    """The sale that a webhook names. Raises RequestInvalid where it names none."""
    try:
        form = parse_qs(body.decode(), strict_parsing=True, max_num_fields=FIELDS)
        sale = from_json(form["payload"][0])
    except (ValueError, KeyError):
        raise RequestInvalid("payload: no JSON object in a form") from None
    sale_id = sale.get("id") if isinstance(sale, dict) else None
    if not isinstance(sale_id, str) or not is_document_id(sale_id):
        raise RequestInvalid("payload.id: which sale is not said")
    return PosEvent(kind=SALE, order_ids=(sale_id,))
