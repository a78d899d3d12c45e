"""What loyalty remembers of each customer between runs, packed (store/packed.py)."""

from collections.abc import Iterator

from shared.domain.loyalty import AlpineAnswer, AlpineStatus
from shared.domain.loyalty_work import Entry, Review, Work
from shared.store import packed
from shared.store.database import Database, Put
from shared.store.packed import Facts

NAME = "loyalty"
SHARD_BYTES = 40_000
"""Small: each batch of a run rewrites the shard that it concerns, about 700 customers'."""

_STATUSES = tuple(AlpineStatus)


class LoyaltyState:
    """Every customer's entry, whole in memory. Not safe for threads."""

    def __init__(self, entries: packed.PackedMap) -> None:
        self._entries = entries

    def __len__(self) -> int:
        return sum(1 for _ in self._entries.items())

    def ids(self) -> list[str]:
        """All customers' ids."""
        return [customer_id for customer_id, _ in self._entries.items()]

    def has(self, customer_id: str) -> bool:
        """Whether a run has met the customer."""
        return self._entries.get(customer_id) is not None

    def get(self, customer_id: str) -> Entry:
        """The customer's entry; an empty one for somebody new."""
        facts = self._entries.get(customer_id)
        return Entry() if facts is None else _entry(facts)

    def items(self) -> Iterator[tuple[str, Entry]]:
        """All customers' ids and entries."""
        return ((customer_id, _entry(facts)) for customer_id, facts in self._entries.items())

    def put(self, customer_id: str, entry: Entry) -> None:
        self._entries.put(customer_id, _facts(entry))

    def remove(self, customer_id: str) -> None:
        self._entries.remove(customer_id)

    def shard(self, customer_id: str) -> int:
        """Customers of one shard are written together."""
        return self._entries.shard(customer_id)

    def take_writes(self) -> list[Put]:
        """The writes that keep what has changed."""
        return self._entries.take_writes()


def load(database: Database, org_id: str) -> LoyaltyState:
    """The org's state; an empty one before its first run."""
    return LoyaltyState(packed.load(database, org_id, NAME, SHARD_BYTES))


def entry_of(database: Database, org_id: str, customer_id: str) -> Entry:
    """One customer's entry, without the rest of the state; an empty one for somebody new."""
    facts = packed.facts_of(database, org_id, NAME, customer_id)
    return Entry() if facts is None else _entry(facts)


def _facts(entry: Entry) -> Facts:
    # The order is that of what is stored: append, never rearrange.
    return [
        int(entry.work),
        entry.looked_up,
        _STATUSES.index(entry.answer.status),
        entry.answer.points,
        entry.answer.user_id,
        entry.spent_cents,
        entry.orders,
        entry.equity,
        entry.ledger,
        int(entry.review),
    ]


def _entry(facts: Facts) -> Entry:
    work, looked_up, status, points, user_id, spent_cents, orders, equity, ledger, review = facts
    return Entry(
        work=Work(work),
        looked_up=looked_up,
        answer=AlpineAnswer(_STATUSES[status], points, user_id),
        spent_cents=spent_cents,
        orders=orders,
        equity=equity,
        ledger=ledger,
        review=Review(review),
    )
