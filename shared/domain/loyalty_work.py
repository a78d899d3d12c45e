"""What a loyalty run has to do for each customer, and what is kept of them between runs.

A run first marks the work, then does it a batch at a time: one that is continued does what is left
and looks no customer up twice.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum, IntFlag

from shared.domain.loyalty import ProviderAnswer, ProviderStatus, Reconciliation

LEDGER_DAYS = 7
"""Every customer's ledger is compared with their orders at least once in so many days."""

NEVER_ASKED = ProviderAnswer(ProviderStatus.NOT_CONFIGURED)
NOT_ASKED = ProviderAnswer(ProviderStatus.NOT_ASKED)
_ANSWERED = frozenset({ProviderStatus.FOUND, ProviderStatus.NO_CONTACT, ProviderStatus.HIDDEN})
_UNDECIDED = frozenset({ProviderStatus.UNAVAILABLE, ProviderStatus.NOT_ASKED})


class LoyaltyWork(IntFlag):
    """What is left to do. Stored as its number."""

    NONE = 0
    CALCULATE = 1
    """What the points follow from may have changed: read the orders, calculate and write."""
    ASK = 2
    """Ask the provider, then calculate and write."""
    LOOK_UP = CALCULATE | ASK


class Review(IntEnum):
    """Whether a person must review the difference, and whether one has been notified."""

    NO = 0
    NEW = 1
    REPORTED = 2


@dataclass(frozen=True, slots=True)
class LoyaltyEntry:
    """What is kept of a customer. ``looked_up`` is the day (``date.toordinal``) of ``answer``, 0
    for never. ``spent_cents``, ``orders`` and ``equity`` are what the points were last calculated
    from, ``ledger`` a hash of the ledger as last written."""

    work: LoyaltyWork = LoyaltyWork.NONE
    looked_up: int = 0
    answer: ProviderAnswer = NEVER_ASKED
    spent_cents: int = 0
    orders: int = 0
    equity: bool = False
    ledger: bytes = b""
    review: Review = Review.NO

    @property
    def is_known(self) -> bool:
        """Whether the provider has ever answered."""
        return self.answer.status in _ANSWERED

    @property
    def turn(self) -> tuple[bool, int]:
        """Customers are looked up in this order: first those for whom something changed, then
        whoever was not asked about for longest."""
        return not self.work & LoyaltyWork.CALCULATE, self.looked_up

    def asked_for(self, work: LoyaltyWork) -> "LoyaltyEntry":
        """At least this is to be done."""
        return replace(self, work=self.work | work)

    def of_other_account(self) -> "LoyaltyEntry":
        """The answer was another account's."""
        return replace(self, looked_up=0, answer=NEVER_ASKED)

    def answered(self, answer: ProviderAnswer, today: date) -> "LoyaltyEntry":
        """There is an answer, or it is known that there will be none in this run. Where nothing
        else changed the known one then stands."""
        known, day = answer, 0
        if answer.status in _ANSWERED:
            day = today.toordinal()
        elif (
            self.work == LoyaltyWork.ASK
            and self.is_known
            and answer.status is ProviderStatus.UNAVAILABLE
        ):
            known, day = self.answer, self.looked_up
        return replace(self, work=LoyaltyWork.CALCULATE, answer=known, looked_up=day)

    def postponed(self) -> "LoyaltyEntry":
        """A later run asks. What is known stands meanwhile; who only was to be asked about is left
        as they are."""
        answer = self.answer if self.is_known else NOT_ASKED
        return replace(self, work=self.work & ~LoyaltyWork.ASK, answer=answer)

    def reported(self) -> "LoyaltyEntry":
        """A person has been notified of the difference."""
        return replace(self, review=Review.REPORTED)

    def made_from(
        self, *, spent_cents: int, orders: int, equity: bool, ledger: bytes
    ) -> "LoyaltyEntry":
        """What the points follow from, as the orders have it now."""
        return replace(self, spent_cents=spent_cents, orders=orders, equity=equity, ledger=ledger)

    def calculated(self, result: Reconciliation) -> "LoyaltyEntry":
        """Everything is written. A difference that was notified is not notified again until the
        two figures have agreed once."""
        review = Review.NO
        if result.needs_review:
            review = max(self.review, Review.NEW)
        elif result.provider_status in _UNDECIDED:
            review = self.review
        return replace(self, work=LoyaltyWork.NONE, review=review)


def is_ledger_day(customer_id: str, today: date) -> bool:
    """Whether it is the customer's day of the week, by a hash of the id: each day has about as
    many."""
    digest = hashlib.blake2b(customer_id.encode(), digest_size=4).digest()
    return (today.toordinal() - int.from_bytes(digest)) % LEDGER_DAYS == 0
