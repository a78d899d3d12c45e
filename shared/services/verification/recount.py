"""What customers have spent and which segment that makes them, counted once more from orders.

It shares nothing with ``domain.spending`` and ``domain.segmentation``: what it finds is held
against what these have stored, so their mistakes must not be its own. The rules, restated from
docs/contract.md: completed and ready orders count, sales in a shop without a status too; a refund
lowers the total, is no order and moves no date.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CENT = Decimal("0.01")
_DAY = 86_400 * 1_000_000
AGED_WITHIN = timedelta(hours=30)
"""How long a segment may be that of a day ago: they are aged once a day, spread over an hour."""


class Money(NamedTuple):
    """What one order adds: ``cents`` below 0 for a refund, ``at`` microseconds since 1970."""

    cents: int
    at: int
    status: str | None
    in_shop: bool = False

    @property
    def counts(self) -> bool:
        if not self.status:
            return self.in_shop
        return self.status in ("completed", "ready")


class Figures(NamedTuple):
    """What a customer has spent: cents, orders, cents per order, first and last order."""

    cents: int = 0
    orders: int = 0
    average: int = 0
    first: int | None = None
    last: int | None = None


NOTHING = Figures()


def count(orders: Iterable[Money]) -> Figures:
    """The figures over the given orders, each given once."""
    total, bought, first, last = Decimal(0), 0, None, None
    for order in orders:
        if not order.counts:
            continue
        total += Decimal(order.cents) / 100
        if order.cents < 0:
            continue
        bought += 1
        first = order.at if first is None else min(first, order.at)
        last = order.at if last is None else max(last, order.at)
    average = (total / bought).quantize(_CENT, ROUND_HALF_UP) if bought else Decimal(0)
    return Figures(int(total * 100), bought, int(average * 100), first, last)


def together(figures: Iterable[Figures]) -> Figures:
    """The figures of several customers who share an e-mail."""
    given = list(figures)
    total = Decimal(sum(each.cents for each in given)) / 100
    bought = sum(each.orders for each in given)
    average = (total / bought).quantize(_CENT, ROUND_HALF_UP) if bought else Decimal(0)
    return Figures(
        int(total * 100),
        bought,
        int(average * 100),
        min((each.first for each in given if each.first is not None), default=None),
        max((each.last for each in given if each.last is not None), default=None),
    )


def segments(figures: Figures, now: datetime) -> tuple[str, ...]:
    """The segment at ``now``, and the one before it if it has changed lately."""
    return tuple(
        dict.fromkeys(_segment(figures, since_epoch(at)) for at in (now, now - AGED_WITHIN))
    )


def _segment(figures: Figures, now: int) -> str:
    days = None if figures.last is None else max(0, (now - figures.last) // _DAY)
    if figures.cents >= 100_000 and figures.orders >= 10:
        return "vip"
    if days is not None and figures.orders >= 5 and days < 60:
        return "loyal"
    if days is not None and days > 90:
        return "churned"
    if days is not None and days > 45:
        return "at_risk"
    return "returning" if figures.orders >= 2 else "new"


def cents_of(dollars: object) -> int | None:
    """Cents of a stored amount; None for what is none."""
    if isinstance(dollars, bool) or not isinstance(dollars, int | float | str):
        return None
    try:
        return int((Decimal(str(dollars)) * 100).quantize(Decimal(1), ROUND_HALF_UP))
    except InvalidOperation:
        return None


def since_epoch(moment: datetime) -> int:
    """Microseconds since 1970 of an aware moment."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def microseconds(moment: object) -> int | None:
    """Microseconds since 1970 of a stored value; None for what is no moment."""
    return since_epoch(moment) if isinstance(moment, datetime) else None


def moment(at: int | None) -> datetime | None:
    """The opposite of ``microseconds``."""
    return None if at is None else _EPOCH + timedelta(microseconds=at)


def dollars(cents: int) -> float:
    """Cents as they are stored."""
    return float(Decimal(cents) / 100)
