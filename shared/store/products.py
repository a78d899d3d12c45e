"""A product, twice: ``products/{id}`` keeps it for good, the public menu only while it is sold."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from shared.domain.catalogue import Product
from shared.domain.money import to_dollars
from shared.store import paths
from shared.store.database import Database, Document, Put, Remove, Write
from shared.store.discounts import SALE

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
MERCHANT = ("imageUrl", "imageSource", "sortOrder", "isFeatured")
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
    owned = OWNED + SALE
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
    owned = tuple({**tombstone, **dict.fromkeys(SALE)})
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
    found = database.get_all([f"{collection}/{product_id}" for product_id in ids], MERCHANT)
    return {d.id: dict(d.fields) for d in found.values() if d.exists}


def _dollars(cents: int | None) -> float | None:
    return None if cents is None else to_dollars(cents)


def _percent(share: Decimal | None) -> float | None:
    return None if share is None else float(share)


def _number(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == int(quantity) else float(quantity)
