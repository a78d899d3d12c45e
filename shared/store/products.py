"""A product, twice: ``products/{id}`` keeps it for good, the public menu only while it is sold.

The menu (``publicViews/products/items``) is read in two forms: as recommendations need it, and as
anyone may see it, where only the fields declared public here ever leave.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.domain.catalogue import LocationStock, Product, legible
from shared.domain.money import dollars_or_none, to_cents, to_dollars
from shared.domain.preferences import RecommendableProduct, RecommendationIndex
from shared.domain.public_menu import MenuProduct
from shared.store import paths
from shared.store.database import Database, Document, Fields, Put, Remove, Write
from shared.store.discounts import SALE
from shared.store.documents import FLAG, NUMBER, TEXT, Field, Schema, copied, to_float, to_number

PRODUCT = Schema[Product](
    *copied("id", "name", "brand", "category", "subcategory", public=TEXT),
    Field("externalId", lambda p: p.id),
    Field("price", lambda p: to_dollars(p.price_cents or 0), NUMBER),
    Field("priceSource", lambda p: p.price_source and p.price_source.value),
    Field("cost", lambda p: dollars_or_none(p.cost_cents)),
    Field("batchCost", lambda p: dollars_or_none(p.batch_cost_cents)),
    Field("thcPercent", lambda p: to_float(p.thc_percent), NUMBER),
    Field("cbdPercent", lambda p: to_float(p.cbd_percent), NUMBER),
    Field("strainType", lambda p: p.strain_type and p.strain_type.value, TEXT),
    Field("strainInferred", lambda p: p.strain_inferred or None, FLAG),
    Field("available", lambda p: p.available, FLAG),
    Field("quantity", lambda p: to_number(p.quantity), NUMBER),
    Field("stock", lambda p: {stock.location_id: _stock_fields(stock) for stock in p.stock}),
    given=("source", "provider", "orgId"),
    stamps=("updatedAt",),
)
"""Money in dollars."""

SOURCE = "pos"
"""Of every product that a sync writes, whichever POS it is from."""
_IMAGE = "posImage"
"""Goes with a product's fields, so that another picture is a change, and is not stored as such."""

MERCHANT = {"imageUrl": TEXT, "imageSource": TEXT, "sortOrder": NUMBER, "isFeatured": FLAG}
"""Fields a merchant sets by hand, all public. A product takes them along when it goes and comes
back. Where there is no ``imageUrl``, the POS's own picture is, with the provider in
``imageSource``."""

PUBLIC = {**PRODUCT.public, **MERCHANT, **SALE.public}
PUBLIC_DEFAULTS = {"isFeatured": False, "isOnSale": False, "available": False}
RECOMMENDATION_FIELDS = ("name", "category", "price", "imageUrl")

_OWNED = PRODUCT.owned + SALE.owned
WHOLE = (*_OWNED, *MERCHANT, "removedFromPosAt")
"""Everything that the product itself has of a product, for staff."""


def fields_of(product: Product, org_id: str, provider: str) -> dict[str, Any]:
    """The POS-owned fields as stored, without the moment of writing; and the POS's picture."""
    fields = PRODUCT.fields(product, source=SOURCE, provider=provider, orgId=org_id)
    return fields | ({_IMAGE: product.image_url} if product.image_url else {})


def put(
    org_id: str,
    fields: dict[str, Any],
    *,
    now: datetime,
    merchant: dict[str, Any],
    sale: dict[str, Any],
) -> list[Write]:
    """The writes for a product with its sale fields; ``merchant`` are merchant fields to write on
    the menu, None for one to be removed."""
    whole = {k: v for k, v in fields.items() if k != _IMAGE} | sale | {"updatedAt": now}
    product_id = fields["id"]
    kept = f"{paths.products(org_id)}/{product_id}"
    on_menu = f"{paths.menu_items(org_id)}/{product_id}"
    shown = {name: value for name, value in merchant.items() if value is not None}
    return [
        Put(kept, whole, owned=(*_OWNED, "removedFromPosAt")),
        Put(on_menu, whole | shown, owned=(*_OWNED, *merchant)),
    ]


def picture(fields: Fields, stored: Fields) -> dict[str, Any]:
    """The picture fields to write for a product's ``fields`` over the merchant fields that are
    ``stored``; None for one to be removed. A picture of the merchant's own stays."""
    image, shown = fields.get(_IMAGE), stored.get("imageUrl")
    if image == shown or (shown and stored.get("imageSource") != fields["provider"]):
        return {}
    return {"imageUrl": image, "imageSource": fields["provider"] if image else None}


def remove(org_id: str, product_id: str, *, now: datetime, merchant: dict[str, Any]) -> list[Write]:
    """The writes that take a product off the menu and keep it with its last values, on sale no
    more."""
    gone = {"available": False, "isOnSale": False, "removedFromPosAt": now, "updatedAt": now}
    tombstone = gone | merchant
    owned = tuple({**tombstone, **dict.fromkeys(SALE.owned)})
    return [
        Put(f"{paths.products(org_id)}/{product_id}", tombstone, owned=owned),
        Remove(f"{paths.menu_items(org_id)}/{product_id}"),
    ]


def read(
    database: Database, org_id: str, ids: Sequence[str], fields: Sequence[str]
) -> list[Document]:
    """These fields of the products that exist."""
    found = database.get_all([f"{paths.products(org_id)}/{each}" for each in ids], fields)
    return [document for document in found.values() if document.exists]


def merchant_fields(
    database: Database, collection: str, ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Merchant fields on the products of a collection that exist, by product id."""
    found = database.get_all([f"{collection}/{product_id}" for product_id in ids], list(MERCHANT))
    return {d.id: dict(d.fields) for d in found.values() if d.exists}


def recommendable_menu(database: Database, org_id: str) -> RecommendationIndex:
    """What can be bought now."""
    found = database.query(
        paths.menu_items(org_id), ("available", "==", True), select=["category", "price"]
    )
    return RecommendationIndex(
        RecommendableProduct(
            id=product.id,
            category=str(product.fields.get("category") or ""),
            # A product without a price is stored with 0.
            price_cents=to_cents(price) if (price := product.fields.get("price")) else None,
        )
        for product in found
    )


def purchasable_items(database: Database, org_id: str, ids: Sequence[str]) -> dict[str, Fields]:
    """Name, category, price and picture of those of the products that can be bought now, by id."""
    where = [f"{paths.menu_items(org_id)}/{product_id}" for product_id in ids]
    found = database.get_all(where, [*RECOMMENDATION_FIELDS, "available"])
    return {
        item.id: {name: item.fields.get(name) for name in RECOMMENDATION_FIELDS}
        for item in found.values()
        if item.fields.get("available")
    }


def public_menu(database: Database, org_id: str) -> list[MenuProduct]:
    """The org's menu in its order. A document without id, name or category is skipped."""
    found = database.query(paths.menu_items(org_id), select=list(PUBLIC))
    shown = (_shown(document) for document in found)
    return sorted((each for each in shown if each), key=lambda product: product.place)


def whole_menu(database: Database, org_id: str) -> list[Fields]:
    """The products on the menu, all of their fields, in no order."""
    found = database.query(paths.menu_items(org_id), select=WHOLE)
    return [_whole(item.fields, item.id) for item in found if "name" in item.fields]


def read_whole(database: Database, org_id: str, product_id: str) -> Fields | None:
    """One product as it is kept for good, with what a merchant has set on the menu; None where the
    org never had it."""
    kept = f"{paths.products(org_id)}/{product_id}"
    on_menu = f"{paths.menu_items(org_id)}/{product_id}"
    found = database.get_all([kept, on_menu], WHOLE)
    if not found[kept].exists:
        return None
    merchant = {name: found[on_menu].fields.get(name) for name in MERCHANT}
    shown = {name: value for name, value in merchant.items() if value is not None}
    return _whole({**found[kept].fields, **shown}, product_id)


def _whole(fields: Fields, product_id: str) -> Fields:
    inner = {name: value for name, value in fields.items() if name not in PUBLIC}
    return {**inner, **_typed(fields), "id": product_id}


def _stock_fields(stock: LocationStock) -> dict[str, Any]:
    return {
        "available": stock.available,
        "quantity": to_number(stock.quantity),
        "price": to_dollars(stock.price_cents or 0),
    }


def _typed(fields: Fields) -> dict[str, Any]:
    """The public fields that are of their types: merchants and other programs write some. A
    product without a price is stored with 0."""
    typed = {
        name: fields[name]
        for name, types in PUBLIC.items()
        if isinstance(fields.get(name), types)
        and (bool in types or not isinstance(fields[name], bool))
    }
    if not typed.get("price"):
        typed.pop("price", None)
    return typed


def _shown(document: Document) -> MenuProduct | None:
    fields = _typed(document.fields)
    if not {"id", "name", "category"} <= fields.keys() or not legible(fields["name"]):
        return None
    ends_at = fields.get("saleEndsAt")
    if ends_at is not None:
        fields["saleEndsAt"] = ends_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return MenuProduct(PUBLIC_DEFAULTS | fields, ends_at)
