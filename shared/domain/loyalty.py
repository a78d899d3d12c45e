"""Loyalty points from orders, the tier they give, and their comparison with the provider's figure.

The ledger takes orders by time, then id. After each one the balance is the points of everything
spent so far, rounded half up and never below 0; the order's entry is what the balance moved by. So
the entries sum exactly to ``pointsFromOrders``, the last balance. An order that turns up late
changes its neighbours' entries by a point at most, unless the balance was at its floor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from shared.domain.money import round_half_up
from shared.domain.spending import OrderFact, counts
from shared.errors import ConfigurationInvalid


@dataclass(frozen=True, slots=True)
class Tier:
    """A level of the org's programme, reached at ``threshold`` points."""

    id: str
    name: str
    threshold: int
    color: str


DEFAULT_TIERS = (
    Tier("bronze", "Bronze", 0, "#CD7F32"),
    Tier("silver", "Silver", 500, "#C0C0C0"),
    Tier("gold", "Gold", 1000, "#FFD700"),
)


@dataclass(frozen=True, slots=True)
class LoyaltyRules:
    """An org's programme. ``discrepancy_threshold`` is a share of the provider's figure. Raises
    ConfigurationInvalid for a negative or infinite number."""

    points_per_dollar: Decimal = Decimal(1)
    equity_multiplier: Decimal = Decimal("1.2")
    tiers: tuple[Tier, ...] = DEFAULT_TIERS
    discrepancy_threshold: Decimal = Decimal("0.10")

    def __post_init__(self) -> None:
        for number in (self.points_per_dollar, self.equity_multiplier, self.discrepancy_threshold):
            if not number.is_finite() or number < 0:
                raise ConfigurationInvalid("loyaltySettings need finite numbers from 0 up")


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What one order gave (or took, where below 0), and the balance after it. ``id`` is the
    order's document id: the same order is the same entry, however often it is calculated."""

    id: str
    at: datetime
    total_cents: int
    points: int
    balance: int


class ProviderStatus(StrEnum):
    """What the loyalty provider knows of a customer, and if nothing is known, why."""

    FOUND = "found"
    NO_CONTACT = "no_contact"
    HIDDEN = "hidden"
    UNAVAILABLE = "unavailable"
    NOT_CONFIGURED = "not_configured"
    NOT_ASKED = "not_asked"
    """The rate limit left no call so far: their turn comes in a later run."""


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """The provider's answer about one customer. Only FOUND carries ``points``."""

    status: ProviderStatus
    points: int | None = None
    user_id: str | None = None


class TierSource(StrEnum):
    """Whose points the tier comes from."""

    CALCULATED = "calculated"
    PROVIDER = "alpine_iq"
    """As stored, whichever the provider is."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The loyalty fields of a customer. ``points`` are the provider's where it has a figure,
    ``discrepancy`` is the difference of the two. A customer is ``reconciled``, or
    ``needs_review``, or, where the provider has no figure, neither."""

    points: int
    points_from_orders: int
    points_from_provider: int | None
    tier: Tier | None
    tier_source: TierSource
    reconciled: bool
    needs_review: bool
    discrepancy: int
    provider_status: ProviderStatus
    provider_user_id: str | None


def points_from_orders(spent_cents: int, rules: LoyaltyRules, *, social_equity: bool) -> int:
    """Points for counted spending (refunds taken off), half up to whole points, never below 0."""
    multiplier = rules.equity_multiplier if social_equity else Decimal(1)
    return round_half_up(max(0, spent_cents) * rules.points_per_dollar * multiplier / 100)


def ledger_of(
    orders: Mapping[str, OrderFact], rules: LoyaltyRules, *, social_equity: bool
) -> tuple[LedgerEntry, ...]:
    """One entry for each order that counts as spending, oldest first. ``orders`` are all of a
    customer's, by document id."""
    counted = sorted(
        (order.created_at, order_id, order.total_cents)
        for order_id, order in orders.items()
        if counts(order.status, order.type)
    )
    entries: list[LedgerEntry] = []
    spent = balance = 0
    for at, order_id, total_cents in counted:
        spent += total_cents
        before = balance
        balance = points_from_orders(spent, rules, social_equity=social_equity)
        entries.append(LedgerEntry(order_id, at, total_cents, balance - before, balance))
    return tuple(entries)


def tier_of(points: int, tiers: tuple[Tier, ...]) -> Tier | None:
    """The highest tier reached, in whatever order they are listed; None below all of them."""
    reached = [tier for tier in tiers if tier.threshold <= points]
    return max(reached, key=lambda tier: (tier.threshold, tier.id), default=None)


def reconcile(
    points_from_orders: int, answer: ProviderAnswer, rules: LoyaltyRules
) -> Reconciliation:
    """Compare the calculated figure with the provider's, which stands where there is one.

    They need a review where they differ by more than the threshold of the provider's figure. Of 0
    every share is 0: there any difference does.
    """
    theirs = answer.points if answer.status is ProviderStatus.FOUND else None
    points = points_from_orders if theirs is None else theirs
    discrepancy = abs(points_from_orders - points)
    needs_review = discrepancy > abs(points) * rules.discrepancy_threshold
    return Reconciliation(
        points=points,
        points_from_orders=points_from_orders,
        points_from_provider=theirs,
        tier=tier_of(points, rules.tiers),
        tier_source=TierSource.CALCULATED if theirs is None else TierSource.PROVIDER,
        reconciled=theirs is not None and not needs_review,
        needs_review=needs_review,
        discrepancy=discrepancy,
        provider_status=answer.status,
        provider_user_id=answer.user_id,
    )
