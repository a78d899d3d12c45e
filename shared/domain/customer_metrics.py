"""Weekly metrics of a customer: what they have spent in all and of late, by channel, and since when
nothing.

They follow from the counted orders (``domain.spending``) and a moment. Days are whole days elapsed
in UTC until that moment, as in ``domain.segmentation``; an order after it counts as today's. What
is needed once time has passed is kept in a PurchaseHistory: without the orders themselves, it gives
the metrics of any later moment.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.orders import Channel
from shared.domain.segmentation import whole_days
from shared.domain.spending import OrderFact, Spending, spent_in

ROLLING = timedelta(days=90)
"""An order is of late until it is as old as this."""
VIP_CENTS = 1000_00
HIGH_VALUE_CENTS = 500_00
NOTHING = Spending()


class InactiveSegment(StrEnum):
    """Whole days since the last order, at least; none for who ordered later, or never."""

    NONE = "none"
    DAYS_30 = "30"
    DAYS_60 = "60"
    DAYS_90 = "90"


class SpendTier(StrEnum):
    """What was spent of late; seed for less by somebody with an order of any age."""

    EVERGREEN = "Evergreen"
    BLOOM = "Bloom"
    SPROUT = "Sprout"
    SEED = "Seed"
    NONE = "none"


TIERS = (
    (1500_00, SpendTier.EVERGREEN),
    (750_00, SpendTier.BLOOM),
    (250_00, SpendTier.SPROUT),
)
"""Least cents of each tier, the highest first."""
INACTIVE_FROM = (
    (90, InactiveSegment.DAYS_90),
    (60, InactiveSegment.DAYS_60),
    (30, InactiveSegment.DAYS_30),
)


@dataclass(frozen=True, slots=True)
class Taken:
    """Money taken by one order; negative: given back, which is no order."""

    at: datetime
    cents: int


@dataclass(frozen=True, slots=True)
class PurchaseHistory:
    """The counted orders of a customer as far as metrics need them: sums by channel, and each of
    those of late (``recent``, the oldest first), all of them as of the moment it was made for."""

    ecom: Spending = NOTHING
    retail: Spending = NOTHING
    recent: tuple[Taken, ...] = ()

    def aged(self, as_of: datetime) -> "PurchaseHistory":
        """The same at a later moment."""
        if not self.recent or _is_recent(self.recent[0].at, as_of):
            return self
        return replace(self, recent=tuple(t for t in self.recent if _is_recent(t.at, as_of)))


@dataclass(frozen=True, slots=True)
class CustomerMetrics:
    """The metrics of a customer at a moment. ``lifetime``: of both channels together."""

    lifetime: Spending
    ecom: Spending
    retail: Spending
    rolling_cents: int
    rolling_orders: int
    days_since_last: int | None
    is_vip: bool
    is_high_value: bool
    inactive: InactiveSegment
    tier: SpendTier


class GatheredHistory:
    """A customer's history as their orders are read, each once, in any order."""

    __slots__ = ("_as_of", "_ecom", "_recent", "_retail")

    def __init__(self, as_of: datetime) -> None:
        self._as_of = as_of
        self._ecom, self._retail = NOTHING, NOTHING
        self._recent: list[Taken] = []

    def add(self, order: OrderFact) -> None:
        """Take in one stored order. One that does not count changes nothing."""
        spent = spent_in(order)
        if spent == NOTHING:
            return
        if order.channel == Channel.ECOM:
            self._ecom += spent
        else:
            self._retail += spent
        if _is_recent(order.created_at, self._as_of):
            self._recent.append(Taken(order.created_at, spent.total_cents))

    @property
    def history(self) -> PurchaseHistory:
        """The history of the orders so far."""
        recent = sorted(self._recent, key=lambda taken: (taken.at, taken.cents))
        return PurchaseHistory(self._ecom, self._retail, tuple(recent))


def metrics_of(history: PurchaseHistory, as_of: datetime) -> CustomerMetrics:
    """The metrics at a moment not before the one that the history was made for."""
    lifetime = history.ecom + history.retail
    recent = history.aged(as_of).recent
    rolling_cents = sum(taken.cents for taken in recent)
    last = lifetime.last_order_at
    days = None if last is None else whole_days(last, as_of)
    return CustomerMetrics(
        lifetime=lifetime,
        ecom=history.ecom,
        retail=history.retail,
        rolling_cents=rolling_cents,
        rolling_orders=sum(taken.cents >= 0 for taken in recent),
        days_since_last=days,
        is_vip=lifetime.total_cents >= VIP_CENTS,
        is_high_value=lifetime.total_cents >= HIGH_VALUE_CENTS,
        inactive=_inactive(days),
        tier=_tier(rolling_cents, lifetime.order_count),
    )


def _is_recent(at: datetime, as_of: datetime) -> bool:
    return as_of - at < ROLLING


def _inactive(days: int | None) -> InactiveSegment:
    if days is None:
        return InactiveSegment.NONE
    return next((each for least, each in INACTIVE_FROM if days >= least), InactiveSegment.NONE)


def _tier(rolling_cents: int, orders: int) -> SpendTier:
    lowest = SpendTier.SEED if orders else SpendTier.NONE
    return next((tier for least, tier in TIERS if rolling_cents >= least), lowest)
