"""``publicViews/products/items`` as everybody may see it: an allow-list, each field of its type.

Cost, batches and whatever else may stand on a product never leave through here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.domain.public_menu import Shown
from shared.store import paths
from shared.store.database import Database, Document

_NUMBER = (int, float)
PUBLIC: Mapping[str, tuple[type, ...]] = {
    "id": (str,),
    "name": (str,),
    "brand": (str,),
    "category": (str,),
    "subcategory": (str,),
    "price": _NUMBER,
    "thcPercent": _NUMBER,
    "cbdPercent": _NUMBER,
    "strainType": (str,),
    "strainInferred": (bool,),
    "imageUrl": (str,),
    "imageSource": (str,),
    "sortOrder": _NUMBER,
    "isFeatured": (bool,),
    "available": (bool,),
    "quantity": _NUMBER,
    "isOnSale": (bool,),
    "salePrice": _NUMBER,
    "saleBadgeText": (str,),
    "discountId": (str,),
    "saleEndsAt": (datetime,),
}
ALWAYS = {"isFeatured": False, "isOnSale": False, "available": False}


def read(database: Database, org_id: str) -> list[Shown]:
    """The org's menu in its order. What is no whole product is passed over."""
    found = database.query(paths.menu_items(org_id), select=list(PUBLIC))
    shown = (_shown(document) for document in found)
    return sorted((each for each in shown if each), key=lambda product: product.place)


def _shown(document: Document) -> Shown | None:
    fields = {
        name: document.fields[name]
        for name, types in PUBLIC.items()
        if isinstance(document.fields.get(name), types)
        and (bool in types or not isinstance(document.fields[name], bool))
    }
    if not {"id", "name", "category"} <= fields.keys():
        return None
    if not fields.get("price"):
        fields.pop("price", None)  # a product without a price is stored with 0
    ends_at = fields.get("saleEndsAt")
    view: dict[str, Any] = ALWAYS | fields
    if ends_at is not None:
        view["saleEndsAt"] = ends_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return Shown(
        id=view["id"],
        name=view["name"],
        category=view["category"],
        brand=view.get("brand"),
        sort_order=view.get("sortOrder"),
        featured=view["isFeatured"],
        available=view["available"],
        on_sale=view["isOnSale"],
        sale_ends_at=ends_at,
        view=view,
    )
