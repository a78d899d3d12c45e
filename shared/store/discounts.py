"""``tenants/{orgId}/discounts/{id}``, and the sale fields that discounts set on products."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from shared.domain.discounts import Discount, DiscountKind, Sale
from shared.domain.money import dollars_or_none, to_cents, to_dollars
from shared.domain.providers import known_provider
from shared.store import paths
from shared.store.database import Database, Fields, Put, Remove, Write
from shared.store.documents import FLAG, MOMENT, NUMBER, TEXT, Field, Schema, copied, to_float

DISCOUNT = Schema[Discount](
    *copied("id", "name", "startsAt", "endsAt", "priority", "badgeText"),
    Field("type", lambda d: d.kind.value),
    Field("value", lambda d: _stored_value(d)),
    Field("productIds", lambda d: sorted(d.product_ids)),
    Field("categories", lambda d: sorted(d.categories)),
    Field("brands", lambda d: sorted(d.brands)),
    Field("minQuantity", lambda d: to_float(d.min_quantity)),
    Field("minTotal", lambda d: dollars_or_none(d.min_total_cents)),
    Field("customerTypes", lambda d: sorted(d.customer_types)),
    given=("orgId", "source"),
    stamps=("updatedAt",),
)
"""``value`` is percent, or dollars."""

SALE = Schema[Sale](
    *copied("isOnSale", public=FLAG),
    Field("salePrice", lambda s: dollars_or_none(s.sale_price_cents), NUMBER),
    *copied("saleBadgeText", "discountId", public=TEXT),
    *copied("saleEndsAt", public=MOMENT),
)
"""Fields of a product that belong to the discounts. Money in dollars."""

_NO_MONEY = (DiscountKind.PERCENT, DiscountKind.BOGO)


def fields_of(discount: Discount, org_id: str, source: str) -> dict[str, Any]:
    """A discount as stored, without the moment of writing."""
    return DISCOUNT.fields(discount, orgId=org_id, source=source)


def put(org_id: str, fields: Fields, *, now: datetime) -> Put:
    """The write for a discount."""
    return DISCOUNT.put(f"{paths.discounts(org_id)}/{fields['id']}", {**fields, "updatedAt": now})


def put_sale(org_id: str, product_id: str, fields: Fields, *, now: datetime) -> list[Write]:
    """The writes that set a product's sale fields, on the product and on the menu."""
    whole = {**fields, "updatedAt": now}
    return [
        Put(f"{collection}/{product_id}", whole, owned=(*SALE.owned, "updatedAt"))
        for collection in (paths.products(org_id), paths.menu_items(org_id))
    ]


def remove(org_id: str, discount_id: str) -> Remove:
    """The write that removes a discount that is over."""
    return Remove(f"{paths.discounts(org_id)}/{discount_id}")


def read_all(database: Database, org_id: str, provider: str) -> list[Discount]:
    """The discounts as last listed by a provider; documents of another form are skipped."""
    documents = database.query(paths.discounts(org_id))
    own = (d.fields for d in documents if known_provider(d.fields.get("source")) == provider)
    return [discount for discount in map(_discount, own) if discount]


def _stored_value(discount: Discount) -> float:
    value = discount.value
    return float(value) if discount.kind in _NO_MONEY else to_dollars(int(value))


def _discount(fields: Fields) -> Discount | None:
    if fields.get("type") not in list(DiscountKind) or not {"id", "value"} <= fields.keys():
        return None
    kind, value = DiscountKind(fields["type"]), fields["value"]
    min_quantity, min_total = fields.get("minQuantity"), fields.get("minTotal")
    return Discount(
        id=fields["id"],
        kind=kind,
        value=Decimal(str(value)) if kind in _NO_MONEY else Decimal(to_cents(value)),
        name=fields.get("name", ""),
        starts_at=fields.get("startsAt"),
        ends_at=fields.get("endsAt"),
        product_ids=frozenset(fields.get("productIds", ())),
        categories=frozenset(fields.get("categories", ())),
        brands=frozenset(fields.get("brands", ())),
        priority=fields.get("priority", 0),
        badge_text=fields.get("badgeText"),
        min_quantity=None if min_quantity is None else Decimal(str(min_quantity)),
        min_total_cents=None if min_total is None else to_cents(min_total),
        customer_types=frozenset(fields.get("customerTypes", ())),
    )
