"""A product, twice: ``products/{id}`` keeps it for good, the public menu only while it is sold.

The public menu as recommendations look at it.

``publicViews/products/items`` as everybody may see it: an allow-list, each field of its type.

Cost, batches and whatever else may stand on a product never leave through here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shared.domain.catalogue import Product
from shared.domain.money import to_cents, to_dollars
from shared.domain.public_menu import MenuProduct
from shared.domain.recommendations import RecommendationIndex
from shared.store import paths
from shared.store.database import Database, Document, Put, Remove, Write
from shared.store.discounts import SALE_FIELDS

OWNED = (
    "id",
    "externalId",
    "name",
    "brand",
    "category",
    "subcategory",
    "price",
    "priceSource",
    "cost",
    "batchCost",
    "thcPercent",
    "cbdPercent",
    "strainType",
    "strainInferred",
    "available",
    "quantity",
    "stock",
    "source",
    "orgId",
    "updatedAt",
)
MERCHANT_FIELDS = ("imageUrl", "imageSource", "sortOrder", "isFeatured")
"""Fields a merchant sets by hand. A product takes them along when it goes and comes back."""


def fields_of(product: Product, org_id: str, source: str) -> dict[str, Any]:
    """The POS-owned fields as stored, without the moment of writing. Money in dollars."""
    fields: dict[str, Any] = {
        "id": product.id,
        "externalId": product.external_id,
        "name": product.name,
        "category": product.category,
        "price": to_dollars(product.price_cents or 0),
        "available": product.available,
        "quantity": _number(product.quantity),
        "stock": {
            stock.location_id: {
                "available": stock.available,
                "quantity": _number(stock.quantity),
                "price": to_dollars(stock.price_cents or 0),
            }
            for stock in product.stock
        },
        "source": source,
        "orgId": org_id,
    }
    optional = {
        "brand": product.brand,
        "subcategory": product.subcategory,
        "priceSource": product.price_source and product.price_source.value,
        "cost": _dollars(product.cost_cents),
        "batchCost": _dollars(product.batch_cost_cents),
        "thcPercent": _percent(product.thc_percent),
        "cbdPercent": _percent(product.cbd_percent),
        "strainType": product.strain_type and product.strain_type.value,
        "strainInferred": product.strain_inferred or None,
    }
    return fields | {name: value for name, value in optional.items() if value is not None}


def put(
    org_id: str,
    fields: dict[str, Any],
    *,
    now: datetime,
    merchant: dict[str, Any],
    sale: dict[str, Any],
) -> list[Write]:
    """The writes for a product with its sale fields; ``merchant`` are merchant fields it brings
    back to the menu."""
    whole = fields | sale | {"updatedAt": now}
    owned = OWNED + SALE_FIELDS
    product_id = fields["id"]
    return [
        Put(f"{paths.products(org_id)}/{product_id}", whole, owned=(*owned, "removedFromPosAt")),
        Put(
            f"{paths.menu_items(org_id)}/{product_id}",
            whole | merchant,
            owned=owned + tuple(merchant),
        ),
    ]


def remove(org_id: str, product_id: str, *, now: datetime, merchant: dict[str, Any]) -> list[Write]:
    """The writes that take a product off the menu and keep it with its last values, on sale no
    more."""
    tombstone = {
        "available": False,
        "isOnSale": False,
        "removedFromPosAt": now,
        "updatedAt": now,
    } | merchant
    owned = tuple({**tombstone, **dict.fromkeys(SALE_FIELDS)})
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
    found = database.get_all([f"{collection}/{product_id}" for product_id in ids], MERCHANT_FIELDS)
    return {d.id: dict(d.fields) for d in found.values() if d.exists}


def _dollars(cents: int | None) -> float | None:
    return None if cents is None else to_dollars(cents)


def _percent(share: Decimal | None) -> float | None:
    return None if share is None else float(share)


def _number(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == int(quantity) else float(quantity)


RECOMMENDATION_FIELDS = ("name", "category", "price", "imageUrl")


@dataclass(frozen=True, slots=True)
class RecommendableProduct:
    """A product that can be bought."""

    id: str
    category: str
    price_cents: int | None
    available: bool = True


def recommendable_menu(database: Database, org_id: str) -> RecommendationIndex:
    """What can be bought now."""
    return RecommendationIndex(_available(database, org_id))


def purchasable_items(
    database: Database, org_id: str, ids: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    """Name, category, price and picture of those of the products that can be bought now, by id."""
    where = {f"{paths.menu_items(org_id)}/{product_id}": product_id for product_id in ids}
    found = database.get_all(list(where), [*RECOMMENDATION_FIELDS, "available"])
    return {
        where[path]: {name: document.fields.get(name) for name in RECOMMENDATION_FIELDS}
        for path, document in found.items()
        if document.fields.get("available")
    }


def _available(database: Database, org_id: str) -> Iterator[RecommendableProduct]:
    found = database.query(
        paths.menu_items(org_id), ("available", "==", True), select=["category", "price"]
    )
    for product in found:
        price = product.fields.get("price")
        yield RecommendableProduct(
            id=product.id,
            category=str(product.fields.get("category") or ""),
            # A product without a price is stored with 0.
            price_cents=to_cents(price) if price else None,
        )


_NUMBER = (int, float)
PUBLIC_FIELDS: Mapping[str, tuple[type, ...]] = {
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
PUBLIC_DEFAULTS = {"isFeatured": False, "isOnSale": False, "available": False}


def public_menu(database: Database, org_id: str) -> list[MenuProduct]:
    """The org's menu in its order. What is no whole product is passed over."""
    found = database.query(paths.menu_items(org_id), select=list(PUBLIC_FIELDS))
    shown = (_shown(document) for document in found)
    return sorted((each for each in shown if each), key=lambda product: product.place)


def _shown(document: Document) -> MenuProduct | None:
    fields = {
        name: document.fields[name]
        for name, types in PUBLIC_FIELDS.items()
        if isinstance(document.fields.get(name), types)
        and (bool in types or not isinstance(document.fields[name], bool))
    }
    if not {"id", "name", "category"} <= fields.keys():
        return None
    if not fields.get("price"):
        fields.pop("price", None)  # a product without a price is stored with 0
    ends_at = fields.get("saleEndsAt")
    view: dict[str, Any] = PUBLIC_DEFAULTS | fields
    if ends_at is not None:
        view["saleEndsAt"] = ends_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return MenuProduct(
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
