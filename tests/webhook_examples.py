"""Webhooks as each POS sends them, and what they name. ``docs/http.md`` shows the same ones, and
``tests/unit/pos/test_documented_webhooks.py`` holds it to them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WebhookExample:
    """A body; the kind and ids of the records that it names, and the POS's ids of locations."""

    body: str
    kind: str
    ids: tuple[str, ...]
    locations: tuple[str, ...] = ()


ALLEAVES = (
    WebhookExample(
        '{"event": "customer.created", "data": {"id_customer": 4711}, "locationId": "1000"}',
        "customer",
        ("4711",),
        ("1000",),
    ),
    WebhookExample(
        '{"event": "customer.updated", "data": {"customer_id": "4711"}, "timestamp": 1795262400}',
        "customer",
        ("4711",),
    ),
    WebhookExample(
        '{"event": "order.created", "data": {"id_order": 8155, "id_location": 1000}}',
        "order",
        ("8155",),
        ("1000",),
    ),
    WebhookExample(
        '{"event": "order.updated", "event_id": "e-17", "data": {"id_transaction": 8155}}',
        "order",
        ("8155",),
    ),
    WebhookExample(
        '{"event": "inventory.updated", "data": [{"id_item": 2001}, {"id_item": 2002}]}',
        "product",
        ("2001", "2002"),
    ),
    WebhookExample(
        '{"event": "inventory.low_stock", "data": {"item_id": 2001, "location_id": 1000}}',
        "product",
        ("2001",),
        ("1000",),
    ),
    WebhookExample(
        '{"event": "product.updated", "data": {"id_product": 2001}}', "product", ("2001",)
    ),
    WebhookExample(
        '{"event": "product.deleted", "data": {"product_id": "2001"}}', "product", ("2001",)
    ),
)
"""One of each kind that is understood."""

LIGHTSPEED = WebhookExample(
    "payload=%7B%22id%22%3A%22b8ca3a65%22%7D&type=sale.update", "order", ("b8ca3a65",)
)
