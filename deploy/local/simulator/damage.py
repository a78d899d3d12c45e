"""Records as a failing POS sends them."""

from typing import Any

from deploy.local.simulator.table import encode

_OWN_IDS = ("id_order", "id_item", "id_product", "id_customer")
_NUMBERS = (
    *("loyalty_points", "total", "on_hand", "available", "price_retail_adult_use"),
    *("total_price", "total_price_incl", "inventory_level", "price_including_tax"),
)


def damaged(record: dict[str, Any], damage: str) -> bytes:
    """The record's JSON text, damaged: its own id missing, text where numbers stand, null for
    every date, or no object at all."""
    match damage:
        case "missing_id":
            record.pop(_own_id(record), None)
        case "text_for_number":
            record.update({key: "not a number" for key in _NUMBERS if key in record})
        case "null_dates":
            record.update({key: None for key in record if "date" in key or key == "created_at"})
        case _:
            return encode(f"a line of text where record {record.get(_own_id(record))} belongs")
    return encode(record)


def _own_id(record: dict[str, Any]) -> str:
    return next((key for key in _OWN_IDS if key in record), "id")
