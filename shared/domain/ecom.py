"""eCom orders that were imported from an export of the web shop, and which of them count.

An imported order counts until the point of sale has the sale that it became; then it is superseded
by that sale for good, though the sale be voided or removed later: from then on the point of sale
knows what became of the money.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.customers import identifies, phone_number
from shared.domain.order_matching import SkipReason
from shared.domain.orders import Order

SOURCE = "ecom"
"""The source of imported orders."""
LONGEST_NUMBER = 12
"""Digits of an eCom order number."""
AGES = (timedelta(days=7), timedelta(days=30), timedelta(days=90))
"""Up to which age waiting orders are counted together."""
_NUMBER = re.compile(rf"[0-9]{{1,{LONGEST_NUMBER}}}")


class EcomState(StrEnum):
    """What became of an imported order: it matches no customer, so it counts for nobody; it counts
    for its customer while it waits for its sale; it is superseded by its sale."""

    UNMATCHED = "unmatched"
    WAITING = "waiting"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class EcomOrder:
    """An order of the web shop. ``sale_id`` is the point of sale's own id of its sale, where the
    web shop names it; ``line`` the line of the export on which the order begins."""

    order: Order
    sale_id: str | None = None
    line: int = 0

    @property
    def number(self) -> str:
        """The number that the web shop gave it."""
        return self.order.external_id


def is_number(text: str) -> bool:
    """Whether it is an eCom order number: digits, LONGEST_NUMBER at most."""
    return bool(_NUMBER.fullmatch(text))


def match_keys(email: str | None, phone: str | None) -> list[str]:
    """By what an order is matched to a customer, the stronger first: its e-mail, its telephone
    number in E.164. Without what identifies nobody."""
    number = phone_number(phone)
    found = [str(email)] if identifies(email) else []
    return [*found, number.e164] if number and number.assigned else found


def why_unmatched(email: str | None, keys: list[str]) -> SkipReason:
    """Why an order with these keys matches no customer."""
    if identifies(email):
        return SkipReason.UNKNOWN_EMAIL
    return SkipReason.UNKNOWN_PHONE if keys else SkipReason.NO_BUYER


def age_of(created_at: datetime, now: datetime) -> str:
    """The range of ages, in days, in which an order's lies: ``0-7``, ``8-30``, ``31-90`` or
    ``over 90``."""
    first = 0
    for limit in AGES:
        if now - created_at <= limit:
            return f"{first}-{limit.days}"
        first = limit.days + 1
    return f"over {AGES[-1].days}"


def gaps(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The ranges, both ends included, of the numbers missing between the first and the last of
    these, which are given in order."""
    before: int | None = None
    for number in numbers:
        if before is not None and number > before + 1:
            yield before + 1, number - 1
        before = number
