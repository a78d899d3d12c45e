"""``tenants/{orgId}/discounts/{id}``, and the sale fields that discounts set on products."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from shared.domain.discounts import Discount, DiscountKind, Sale
from shared.domain.money import to_cents, to_dollars
from shared.store import paths
from shared.store.database import Database, Put, Remove, Write

OWNED = (
    "id",
    "name",
    "type",
    "value",
    "startsAt",
    "endsAt",
    "productIds",
    "categories",
    "brands",
    "priority",
    "badgeText",
    "minQuantity",
    "minTotal",
    "customerTypes",
    "orgId",
    "source",
    "updatedAt",
)
SALE_FIELDS = ("isOnSale", "salePrice", "saleBadgeText", "discountId", "saleEndsAt")
"""Fields of a product that belong to the discounts."""

_PLAIN = (DiscountKind.PERCENT, DiscountKind.BOGO)


def fields_of(discount: Discount, org_id: str, source: str) -> dict[str, Any]:
    """A discount as stored, without the moment of writing. ``value`` is percent, or dollars."""
    value = discount.value
    fields: dict[str, Any] = {
        "id": discount.id,
        "name": discount.name,
        "type": discount.kind.value,
        "value": float(value) if discount.kind in _PLAIN else to_dollars(int(value)),
        "productIds": sorted(discount.product_ids),
        "categories": sorted(discount.categories),
        "brands": sorted(discount.brands),
        "priority": discount.priority,
        "customerTypes": sorted(discount.customer_types),
        "orgId": org_id,
        "source": source,
    }
    optional = {
        "startsAt": discount.starts_at,
        "endsAt": discount.ends_at,
        "badgeText": discount.badge_text,
        "minQuantity": None if discount.min_quantity is None else float(discount.min_quantity),
        "minTotal": None
        if discount.min_total_cents is None
        else to_dollars(discount.min_total_cents),
    }
    return fields | {name: value for name, value in optional.items() if value is not None}


def put(org_id: str, fields: Mapping[str, Any], *, now: datetime) -> Put:
    """The write for a discount."""
    path = f"{paths.discounts(org_id)}/{fields['id']}"
    return Put(path, {**fields, "updatedAt": now}, owned=OWNED)


def remove(org_id: str, discount_id: str) -> Remove:
    """The write that takes out a discount that is over."""
    return Remove(f"{paths.discounts(org_id)}/{discount_id}")


def read_all(database: Database, org_id: str) -> list[Discount]:
    """The discounts as last listed by the POS; documents of another form are passed over."""
    found = (_discount(each.fields) for each in database.query(paths.discounts(org_id)))
    return [discount for discount in found if discount]


def sale_fields(sale: Sale) -> dict[str, Any]:
    """The sale fields of a product. Money in dollars."""
    price = sale.sale_price_cents
    fields: dict[str, Any] = {
        "isOnSale": sale.is_on_sale,
        "salePrice": None if price is None else to_dollars(price),
        "saleBadgeText": sale.sale_badge_text,
        "discountId": sale.discount_id,
        "saleEndsAt": sale.sale_ends_at,
    }
    return {name: value for name, value in fields.items() if value is not None}


def put_sale(
    org_id: str, product_id: str, fields: Mapping[str, Any], *, now: datetime
) -> list[Write]:
    """The writes that set a product's sale fields, in both places where it stands."""
    whole = {**fields, "updatedAt": now}
    return [
        Put(f"{collection}/{product_id}", whole, owned=(*SALE_FIELDS, "updatedAt"))
        for collection in (paths.products(org_id), paths.menu_items(org_id))
    ]


def _discount(fields: Mapping[str, Any]) -> Discount | None:
    if fields.get("type") not in list(DiscountKind) or not {"id", "value"} <= fields.keys():
        return None
    kind, value = DiscountKind(fields["type"]), fields["value"]
    return Discount(
        id=fields["id"],
        kind=kind,
        value=Decimal(str(value)) if kind in _PLAIN else Decimal(to_cents(value)),
        name=fields.get("name", ""),
        starts_at=fields.get("startsAt"),
        ends_at=fields.get("endsAt"),
        product_ids=frozenset(fields.get("productIds", ())),
        categories=frozenset(fields.get("categories", ())),
        brands=frozenset(fields.get("brands", ())),
        priority=fields.get("priority", 0),
        badge_text=fields.get("badgeText"),
        min_quantity=_number(fields.get("minQuantity")),
        min_total_cents=None if fields.get("minTotal") is None else to_cents(fields["minTotal"]),
        customer_types=frozenset(fields.get("customerTypes", ())),
    )


def _number(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))
