"""Discounts of Alleaves as domain records.

No recorded account had any: the shape is that of the one public integration that names it, read
tolerantly. Where a part cannot be read the whole discount is rejected, so that a menu never shows
a price that the till does not give.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from shared.domain.discounts import Discount, DiscountKind, window
from shared.domain.money import to_cents
from shared.pos.alleaves.mapping import read_row, rejected
from shared.pos.alleaves.reading import number
from shared.pos.alleaves.wire_catalogue import Conditions, DiscountRow
from shared.pos.base import Rejected

_KINDS = {
    "percent": DiscountKind.PERCENT,
    "percentage": DiscountKind.PERCENT,
    "amount": DiscountKind.AMOUNT,
    "dollar": DiscountKind.AMOUNT,
    "fixed_amount": DiscountKind.AMOUNT,
    "fixed_price": DiscountKind.FIXED_PRICE,
    "price": DiscountKind.FIXED_PRICE,
    "bogo": DiscountKind.BOGO,
}


_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def to_discount(row: object, zone: ZoneInfo) -> Discount | Rejected:
    """The discount of a row; days and times without a zone are those of ``zone``.

    Codes beside those of ``read_row``: ``unknown_discount_type``, ``bad_value``, ``bad_date``,
    ``bad_condition`` (a minimum that cannot be read).
    """
    wire = read_row(DiscountRow, row)
    if isinstance(wire, Rejected):
        return wire
    kind = _KINDS.get((wire.kind or "").casefold().replace(" ", "_"))
    if kind is None:
        return rejected(row, wire.id, "unknown_discount_type", "The type of discount is unknown.")
    value = Decimal(0) if kind is DiscountKind.BOGO else _value(wire.value, kind)
    if value is None:
        return rejected(row, wire.id, "bad_value", "The discount has no readable value.")
    try:
        starts_at, ends_at = window(_moment(wire.starts), _moment(wire.ends), zone)
    except (ValueError, OverflowError):
        return rejected(row, wire.id, "bad_date", "The discount has an unreadable date.")
    conditions = Conditions.model_validate(wire.conditions)
    min_quantity = number(conditions.min_quantity)
    if conditions.min_quantity is not None and min_quantity is None:
        return rejected(row, wire.id, "bad_condition", "The minimum quantity is unreadable.")
    try:
        min_total = None if conditions.min_total is None else to_cents(conditions.min_total)
    except ValueError:
        return rejected(row, wire.id, "bad_condition", "The minimum total is unreadable.")
    return Discount(
        id=wire.id,
        kind=kind,
        value=value,
        name=wire.name or "",
        active=wire.active,
        starts_at=starts_at,
        ends_at=ends_at,
        product_ids=_texts(conditions.products),
        categories=_texts(conditions.categories),
        brands=_texts(conditions.brands),
        priority=int(number(wire.priority) or 0),
        badge_text=wire.badge_text,
        min_quantity=min_quantity,
        min_total_cents=min_total,
        customer_types=_texts(conditions.customer_types),
    )


def _value(value: object, kind: DiscountKind) -> Decimal | None:
    """Percent, or cents."""
    if kind is DiscountKind.PERCENT:
        return number(value)
    try:
        return Decimal(to_cents(value))
    except ValueError:
        return None


def _moment(value: object) -> date | None:
    """A day, or a moment where a time is given; None for nothing. Raises ValueError."""
    if value is None:
        return None
    text = str(value).strip()
    if not text:
        return None
    if not _DAY.match(text):
        raise ValueError("not a date")
    return date.fromisoformat(text) if _DAY.fullmatch(text) else datetime.fromisoformat(text)


def _texts(values: Iterable[object]) -> frozenset[str]:
    return frozenset(
        str(value).strip()
        for value in values
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip()
    )
