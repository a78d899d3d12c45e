"""Bodies of the rest style: the same records under the other spellings."""

import json
from typing import Any

from deploy.local.simulator.listing import Slice
from deploy.local.simulator.table import encode

_SPELLINGS = {
    "customers": {
        "name_first": "first_name",
        "name_last": "last_name",
        "date_created": "created_at",
        "date_updated": "updated_at",
    },
    "orders": {
        "id_order": "id_transaction",
        "name_first": "first_name",
        "name_last": "last_name",
        "date_created": "created_at",
        "date_updated": "updated_at",
    },
}


def respelled(kind: str, record: Any) -> Any:
    """One record under the rest spellings."""
    if not isinstance(record, dict):
        return record
    spelling = _SPELLINGS[kind]
    return {spelling.get(key, key): value for key, value in record.items()}


def wrapped(kind: str, part: Slice) -> bytes:
    """``{"customers": […], "total": n}``, likewise for orders."""
    records = [respelled(kind, json.loads(row)) for row in part.rows]
    return encode({kind: records, "total": part.total})
