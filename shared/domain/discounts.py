"""Which discount a menu shows on a product, and what the product then costs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from shared.domain.catalogue import PricedProduct, Product, clean_category
from shared.domain.ids import natural_key
from shared.domain.money import round_half_up

Discountable = Product | PricedProduct


class DiscountKind(StrEnum):
    """What a discount does to the price of one unit."""

    PERCENT = "percent"
    AMOUNT = "amount"
    FIXED_PRICE = "fixed_price"
    BOGO = "bogo"


@dataclass(frozen=True, slots=True)
class Discount:
    """A discount of the POS.

    ``value`` is percent for PERCENT, cents for AMOUNT and FIXED_PRICE, and means nothing for BOGO.
    It runs from ``starts_at`` until just before ``ends_at`` (aware UTC; None: no such limit). It
    concerns the products that ``product_ids``, ``categories`` (POS paths) or ``brands`` name; one
    that names nothing is given at the till. So is one that asks for several units
    (``min_quantity``) or a minimum basket (``min_total_cents``), or that leaves adult-use
    customers out of ``customer_types``: none of these is the price of one unit on a menu.
    """

    id: str
    kind: DiscountKind
    value: Decimal
    name: str = ""
    active: bool = True
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    product_ids: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    priority: int = 0
    badge_text: str | None = None
    min_quantity: Decimal | None = None
    min_total_cents: int | None = None
    customer_types: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Sale:
    """The sale fields of a product. BOGO has a badge and no sale price."""

    is_on_sale: bool
    sale_price_cents: int | None = None
    sale_badge_text: str | None = None
    discount_id: str | None = None
    sale_ends_at: datetime | None = None


NO_SALE = Sale(is_on_sale=False)


def window(
    start: date | None, end: date | None, zone: ZoneInfo
) -> tuple[datetime | None, datetime | None]:
    """``starts_at`` and ``ends_at`` of a discount, aware UTC, the end excluded.

    An end given as a day is the last day of the discount. Days and times without a zone are the
    location's; where clocks are set back, the first of two equal times. A year before 1900 or from
    9000 on is some system's way to say "none".
    """
    return _instant(start, zone), _instant(end, zone, day_over=True)


def sale_of(product: Discountable, discounts: Iterable[Discount], now: datetime) -> Sale:
    """What the menu shows at ``now`` (aware).

    A discount that names the product goes before one that names its category, and that before one
    that names its brand; then the higher priority, then the lower id. Only the first counts: where
    it does not lower the price, nothing is shown.
    """
    if product.price_cents is None:
        return NO_SALE
    candidates = [
        ((precedence, -discount.priority, natural_key(discount.id)), discount)
        for discount in discounts
        if is_running(discount, now)
        and _is_for_one_unit(discount)
        and (precedence := _precedence(discount, product)) is not None
    ]
    if not candidates:
        return NO_SALE
    _, leading = min(candidates, key=lambda candidate: candidate[0])
    price = _sale_price(leading, product.price_cents)
    if price is None and leading.kind is not DiscountKind.BOGO:
        return NO_SALE
    return Sale(
        is_on_sale=True,
        sale_price_cents=price,
        sale_badge_text=leading.badge_text or _badge(leading),
        discount_id=leading.id,
        sale_ends_at=leading.ends_at,
    )


def is_running(discount: Discount, now: datetime) -> bool:
    """Whether a discount is switched on and ``now`` lies in its window."""
    begun = discount.starts_at is None or discount.starts_at <= now
    return begun and not is_over(discount, now)


def is_over(discount: Discount, now: datetime) -> bool:
    """Whether a discount can lower no price any more: switched off, or past its end."""
    return not discount.active or (discount.ends_at is not None and discount.ends_at <= now)


def next_change(discounts: Iterable[Discount], now: datetime) -> datetime | None:
    """When, after ``now``, the first of the discounts begins or ends by itself."""
    moments = (m for d in discounts if d.active for m in (d.starts_at, d.ends_at) if m)
    return min((moment for moment in moments if moment > now), default=None)


def _instant(moment: date | None, zone: ZoneInfo, *, day_over: bool = False) -> datetime | None:
    if moment is None or not 1900 <= moment.year < 9000:
        return None
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment + timedelta(days=int(day_over)), time.min)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _is_for_one_unit(discount: Discount) -> bool:
    if discount.customer_types and "adult_use" not in discount.customer_types:
        return False
    if discount.kind is DiscountKind.BOGO:
        return True
    return (discount.min_quantity or 0) <= 1 and (discount.min_total_cents or 0) <= 0


def _precedence(discount: Discount, product: Discountable) -> int | None:
    if product.id in discount.product_ids:
        return 0
    if any(_in_category(product, clean_category(path)) for path in discount.categories):
        return 1
    if product.brand and _same(product.brand) in map(_same, discount.brands):
        return 2
    return None


def _in_category(product: Discountable, named: tuple[str, str | None]) -> bool:
    category, subcategory = named
    if _same(category) != _same(product.category):
        return False
    return subcategory is None or _same(subcategory) == _same(product.subcategory or "")


def _same(text: str) -> str:
    return text.strip().casefold()


def _sale_price(discount: Discount, price_cents: int) -> int | None:
    """The lowered price; None where the discount does not lower it or has no value."""
    if discount.kind is DiscountKind.BOGO or discount.value <= 0:
        return None
    price = Decimal(price_cents)
    lowered = {
        DiscountKind.PERCENT: price * (100 - discount.value) / 100,
        DiscountKind.AMOUNT: price - discount.value,
        DiscountKind.FIXED_PRICE: discount.value,
    }[discount.kind]
    cents = max(0, round_half_up(lowered))
    return cents if cents < price_cents else None


def _badge(discount: Discount) -> str:
    if discount.kind is DiscountKind.PERCENT:
        return f"{discount.value.normalize():f}% OFF"
    if discount.kind is DiscountKind.AMOUNT:
        cents = int(discount.value)
        return f"${cents // 100} OFF" if cents % 100 == 0 else f"${cents / 100:.2f} OFF"
    return "BOGO" if discount.kind is DiscountKind.BOGO else "SALE"
