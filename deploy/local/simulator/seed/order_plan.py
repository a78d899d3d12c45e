"""Who orders when: enough of every kind of buyer that each segment occurs."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from deploy.local.simulator.seed.calendar import CLEAR_AGES, OLDEST_AGE

_UNMATCHED_PER_ORDER = 60 / 2689
_SMALLEST_PLAN_WITH_REGULARS = 30


class Buyer(StrEnum):
    """The habit a customer buys by; it leads to the segment of the same name, unless orders
    that do not count as spending are among theirs."""

    VIP = "vip"
    LOYAL = "loyal"
    CHURNED = "churned"
    AT_RISK = "at_risk"
    RETURNING = "returning"
    NEW = "new"


_FEWEST = {
    Buyer.VIP: 10,
    Buyer.LOYAL: 5,
    Buyer.CHURNED: 1,
    Buyer.AT_RISK: 1,
    Buyer.RETURNING: 2,
    Buyer.NEW: 1,
}
_MOST = {
    Buyer.VIP: 14,
    Buyer.LOYAL: 8,
    Buyer.CHURNED: 4,
    Buyer.AT_RISK: 4,
    Buyer.RETURNING: 4,
    Buyer.NEW: 1,
}
_LAST_ORDER_AGES = {
    Buyer.VIP: range(2, 41),
    Buyer.LOYAL: range(2, 43),
    Buyer.CHURNED: range(95, OLDEST_AGE + 1),
    Buyer.AT_RISK: (*range(50, 57), *range(64, 87)),
    Buyer.RETURNING: range(2, 43),
    Buyer.NEW: range(2, 43),
}


@dataclass(frozen=True, slots=True)
class Placement:
    """One order to come: whose (the customer's position, or nobody's) and how many days ago."""

    age_days: int
    customer: int | None
    buyer: Buyer | None


def plan_orders(customers: int, orders: int, rng: Random) -> list[Placement]:
    """Exactly ``orders`` placements, oldest first; a third of the customers never order."""
    buyers = rng.sample(range(customers), k=customers * 2 // 3)
    matched = orders - round(orders * _UNMATCHED_PER_ORDER) if buyers else 0
    habits = _habits(len(buyers), matched)
    placements = [Placement(rng.choice(CLEAR_AGES), None, None) for _ in range(orders - matched)]
    counts = _order_counts(habits, matched, rng)
    for customer, habit, count in zip(buyers, habits, counts, strict=False):
        placements.extend(Placement(age, customer, habit) for age in _ages(habit, count, rng))
    placements.sort(key=lambda placement: -placement.age_days)
    return placements


def _habits(buyers: int, orders: int) -> list[Buyer]:
    """A habit for each buyer, cut to what ``orders`` suffice for."""
    regulars = orders >= _SMALLEST_PLAN_WITH_REGULARS
    shares = [
        (Buyer.VIP, max(1, buyers // 140) if regulars else 0),
        (Buyer.LOYAL, max(1, buyers // 60) if regulars else 0),
        (Buyer.CHURNED, max(1, buyers // 4)),
        (Buyer.AT_RISK, max(1, buyers // 8)),
        (Buyer.RETURNING, max(1, buyers // 7)),
        (Buyer.NEW, buyers),
    ]
    habits = [habit for habit, share in shares for _ in range(share)][:buyers]
    needed = sum(_FEWEST[habit] for habit in habits)
    while needed > orders:
        needed -= _FEWEST[habits.pop()]
    return habits


def _order_counts(habits: list[Buyer], orders: int, rng: Random) -> list[int]:
    counts = [_FEWEST[habit] for habit in habits]
    room = [
        position
        for position, habit in enumerate(habits)
        for _ in range(_MOST[habit] - _FEWEST[habit])
    ]
    left = orders - sum(counts)
    for position in rng.sample(room, k=min(left, len(room))):
        counts[position] += 1
    left = orders - sum(counts)
    # More orders than these habits hold: everyone buys more, and most become regulars.
    each, over = divmod(left, len(habits)) if habits else (0, 0)
    return [count + each + (position < over) for position, count in enumerate(counts)]


def _ages(habit: Buyer, count: int, rng: Random) -> Iterator[int]:
    last = rng.choice(_LAST_ORDER_AGES[habit])
    yield last
    earlier = [age for age in CLEAR_AGES if age > last] or [last]
    for _ in range(count - 1):
        yield rng.choice(earlier)
