"""What a loyalty run has to do for each customer, and what is kept of them between runs.

A run first marks the work, then does it a batch at a time: one that is continued does what is left
and looks no customer up twice.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum

from shared.domain.loyalty import ProviderAnswer, ProviderStatus, Reconciliation

REFRESH_DAYS = 7
"""Every customer is looked up at least once in so many days."""

NEVER_ASKED = ProviderAnswer(ProviderStatus.NOT_CONFIGURED)
_ANSWERED = frozenset({ProviderStatus.FOUND, ProviderStatus.NO_CONTACT, ProviderStatus.HIDDEN})


class LoyaltyWork(IntEnum):
    """What is left to do, the greater the more."""

    NONE = 0
    CALCULATE = 1
    """The answer stands: calculate with it and write."""
    REFRESH = 2
    """Ask, since it is due. The known answer stands where there is no new one."""
    LOOK_UP = 3
    """Ask, since something changed. Without an answer the calculated figure stands."""


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

    def asked_for(self, work: LoyaltyWork) -> "LoyaltyEntry":
        """At least this is to be done."""
        return replace(self, work=max(self.work, work))

    def answered(self, answer: ProviderAnswer, today: date) -> "LoyaltyEntry":
        """There is an answer, or it is known that there will be none in this run."""
        if answer.status in _ANSWERED:
            known, day = answer, today.toordinal()
        elif self.work is LoyaltyWork.REFRESH and self.answer.status in _ANSWERED:
            known, day = self.answer, self.looked_up
        else:
            known, day = answer, 0
        return replace(self, work=LoyaltyWork.CALCULATE, answer=known, looked_up=day)

    def reported(self) -> "LoyaltyEntry":
        """A person has been notified of the difference."""
        return replace(self, review=Review.REPORTED)

    def calculated(
        self, result: Reconciliation, *, spent_cents: int, orders: int, equity: bool, ledger: bytes
    ) -> "LoyaltyEntry":
        """Everything is written. A difference that was notified is not notified again until the
        two figures have agreed once."""
        review = Review.NO
        if result.needs_review:
            review = max(self.review, Review.NEW)
        elif result.provider_status is ProviderStatus.UNAVAILABLE:
            review = self.review
        return replace(
            self,
            work=LoyaltyWork.NONE,
            spent_cents=spent_cents,
            orders=orders,
            equity=equity,
            ledger=ledger,
            review=review,
        )


def is_due(customer_id: str, entry: LoyaltyEntry, today: date) -> bool:
    """Whether it is time to look the customer up again; without an answer, at once.

    Each has a day of the week by a hash of the id: after a pass over all the look-ups
    spread evenly over the days that follow.
    """
    if not entry.looked_up:
        return True
    days = today.toordinal() - entry.looked_up
    digest = hashlib.blake2b(customer_id.encode(), digest_size=4).digest()
    own_day = (today.toordinal() - int.from_bytes(digest)) % REFRESH_DAYS == 0
    return days >= REFRESH_DAYS or (days > 0 and own_day)
