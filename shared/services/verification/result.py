"""What a verification has found: the differences, the counts, and the report that people read."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from pydantic import Field

from shared.models import FrozenCamelModel

Progress = Callable[[str, int, int | None], None]
"""Told what is being read, how much of it is, and of how much, where that is known."""

PERSONAL = frozenset(
    {"email", "firstName", "lastName", "phone", "dateOfBirth", "customer", "name", "userId"}
)
"""Fields whose values are not kept with a stored result."""
LONGEST = 300
KEPT = 200
"""Differences that a stored result has."""


def quiet(what: str, done: int, of: int | None) -> None:
    """Nobody is told."""


class Difference(FrozenCamelModel):
    """One document that is not as the POS has it. ``stored`` and ``expected`` have the fields that
    differ; all of one side are absent where there is no such document. ``awaits_sync``: the
    document is as the last sync left it, and the POS has changed since: the next one that lists
    the record writes it."""

    kind: str
    path: str
    stored: dict[str, Any] = Field(default_factory=dict)
    expected: dict[str, Any] = Field(default_factory=dict)
    awaits_sync: bool = Field(default=False, exclude_if=lambda waits: not waits)
    provider: str | None = Field(default=None, exclude_if=lambda provider: provider is None)
    """Whose record it is; None for what follows from those of all."""
    customer_id: str | None = Field(default=None, exclude_if=lambda customer_id: not customer_id)
    """Whose figures, where it is about figures."""

    @property
    def id(self) -> str:
        """Id of the document."""
        return self.path.rpartition("/")[2]

    def without_people(self) -> "Difference":
        """The difference without what is personal: only which fields differ."""

        def public(fields: dict[str, Any]) -> dict[str, Any]:
            return {n: "…" if n in PERSONAL else _short(v) for n, v in fields.items()}

        shown = {"stored": public(self.stored), "expected": public(self.expected)}
        collection, _, key = self.path.rpartition("/")
        path = f"{collection}/…" if "@" in key else self.path
        return self.model_copy(update={**shown, "path": path})


class Share(FrozenCamelModel):
    """So many, and how much of all that is in percent."""

    count: int
    percent: float


class TopSpender(FrozenCamelModel):
    """The customer who has spent most. The name is not kept with a stored result."""

    customer_id: str
    total_spent: float
    name: str | None = Field(default=None, exclude_if=lambda name: name is None)


class Compared(FrozenCamelModel):
    """How many records of a kind the POS has, and how many are stored of those that it should.
    ``others`` are documents that another program wrote; ``in_quarantine`` the POS's records that
    could not be used."""

    at_pos: int = 0
    stored: int = 0
    others: int = 0
    in_quarantine: int = 0
    changed_meanwhile: int = 0


class CustomerReport(Compared):
    """``average_spent`` is over the customers with orders that count, in dollars. ``kept`` are
    those whom the POS has deleted and who stay stored, as the org wants: beside ``stored``."""

    kept: int = 0
    with_orders: Share = Share(count=0, percent=0)
    average_spent: float = 0
    top_spender: TopSpender | None = None
    segments: dict[str, Share] = Field(default_factory=dict)

    def without_name(self) -> "CustomerReport":
        """The report without the name of the top spender."""
        top = self.top_spender and self.top_spender.model_copy(update={"name": None})
        return self.model_copy(update={"top_spender": top})


class OrderReport(Compared):
    """``total`` are all orders that should be stored, the web shop's and other programs' included.
    ``revenue`` is what the orders that count come to, refunds taken off, in dollars;
    ``average_order`` that by the number of those that are no refunds. ``skipped`` match no
    customer."""

    total: int = 0
    revenue: float = 0
    average_order: float = 0
    skipped: int = 0
    imported: int = 0
    superseded: int = 0
    statuses: dict[str, Share] = Field(default_factory=dict)


class ProductReport(Compared):
    """``on_menu`` are the public menu's, ``priced`` those of the POS's that have a price."""

    on_menu: int = 0
    on_sale: int = 0
    priced: Share = Share(count=0, percent=0)


class LoyaltyReport(FrozenCamelModel):
    """How many customers' points were counted once more, and of how many they differ."""

    sampled: int = 0
    differing: int = 0


class CacheReport(FrozenCamelModel):
    """How long the menu took to read, in milliseconds, and how long once more from the cache."""

    first_ms: float
    second_ms: float
    faster: bool


class RepairReport(FrozenCamelModel):
    """What a repair did: ``asked`` is how many differences it was for, ``held`` how many documents
    wait for a person, as too many would be removed; ``problems`` say what could not be done."""

    run_id: str
    asked: int
    held: int = 0
    problems: tuple[str, ...] = ()


class Verification(FrozenCamelModel):
    """What a verification of an org has found. ``differences`` were looked at twice; of ``more``
    there was no time for that. ``others`` are the paths of documents that other programs wrote,
    the first of them. ``sample``: how many records of each kind were compared, None for all."""

    org_id: str
    verified_at: datetime
    seconds: float
    providers: tuple[str, ...]
    not_verified: dict[str, str] = Field(default_factory=dict, exclude_if=lambda why: not why)
    """The providers that could not be read, and why."""
    sample: int | None = None
    differences: tuple[Difference, ...] = ()
    more: int = 0
    customers: CustomerReport = CustomerReport()
    orders: OrderReport = OrderReport()
    products: ProductReport = ProductReport()
    discounts: Compared = Compared()
    loyalty: LoyaltyReport = LoyaltyReport()
    others: tuple[str, ...] = ()
    cache: CacheReport | None = None
    repair: RepairReport | None = Field(default=None, exclude_if=lambda report: report is None)
    """Of the repair before this verification."""

    @property
    def ok(self) -> bool:
        """Whether Firestore equals the POS."""
        return not (self.differences or self.more or self.not_verified)

    @property
    def not_awaiting(self) -> tuple[Difference, ...]:
        """The differences that no sync by itself makes good."""
        return tuple(each for each in self.differences if not each.awaits_sync)

    def document(self) -> dict[str, Any]:
        """The result as JSON."""
        return {"ok": self.ok, **self.model_dump(mode="json", by_alias=True)}


def _short(value: Any) -> Any:
    """A value with parts as text of at most LONGEST characters."""
    if not isinstance(value, list | dict):
        return value
    return json.dumps(value, default=str, ensure_ascii=False)[:LONGEST]


def share(count: int, of: int) -> Share:
    """The share of ``count`` in all."""
    return Share(count=count, percent=round(100 * count / of, 1) if of else 0)


def shares(values: Iterable[str]) -> dict[str, Share]:
    """How often each value occurs, the most frequent first."""
    found: dict[str, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    total = sum(found.values())
    ranked = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    return {value: share(count, total) for value, count in ranked}
