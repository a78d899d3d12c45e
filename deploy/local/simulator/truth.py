"""What a POS's own data says should be stored: the contract's rules, written anew.

Nothing of the product is used here, so that the product can be held against it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

Record = dict[str, Any]

PLACEHOLDER = "no-email@alleaves.local"
COUNTED = ("completed", "ready", "delivered")


@dataclass
class Figures:
    """One customer's spending in dollars, and the moments of its counted orders."""

    spent: Decimal = Decimal(0)
    moments: list[datetime] = field(default_factory=list)

    def segment(self, now: datetime) -> str:
        """The rule segment at ``now``."""
        if not self.moments:
            return "new"
        count, days = len(self.moments), (now - max(self.moments)).days
        rules = (
            ("vip", self.spent >= 1000 and count >= 10),
            ("loyal", count >= 5 and days < 60),
            ("churned", days > 90),
            ("at_risk", days > 45),
            ("returning", count >= 2),
        )
        return next((name for name, holds in rules if holds), "new")


class Truth:
    """An org's figures by its POS's data; ``zone`` is that of times without one."""

    def __init__(self, data: Mapping[str, Sequence[Record]], zone: str) -> None:
        self._by_email: dict[str, int] = {}
        self._by_user: dict[str, int] = {}
        self.figures = {customer["id_customer"]: Figures() for customer in data["customers"]}
        for customer in sorted(data["customers"], key=lambda c: c["id_customer"]):
            self._by_email.setdefault((customer["email"] or "").lower(), customer["id_customer"])
            if customer.get("user_id"):
                self._by_user.setdefault(customer["user_id"], customer["id_customer"])
        self.buyers = {order["id_order"]: self.buyer_of(order)[0] for order in data["orders"]}
        self.skip_reasons = {
            order["id_order"]: skip_reason(order)
            for order in data["orders"]
            if self.buyers[order["id_order"]] is None
        }
        for order in data["orders"]:
            self._add(order, zone)

    @property
    def skipped(self) -> int:
        """How many orders are nobody's."""
        return len(self.skip_reasons)

    def segments(self, now: datetime) -> dict[int, str]:
        """Every customer's segment."""
        return {customer: figures.segment(now) for customer, figures in self.figures.items()}

    def segment_counts(self, now: datetime) -> dict[str, int]:
        """How many customers each segment has."""
        return dict(Counter(self.segments(now).values()))

    def buyer_of(self, order: Record) -> tuple[int | None, str]:
        """The customer's id (None: no customer matches) and by what it was found."""
        if order["id_customer"] in self.figures:
            return order["id_customer"], "id"
        email = (order["email"] or "").lower()
        if email and email != PLACEHOLDER:
            found = self._by_email.get(email)
            return found, "stranger" if found is None else "email"
        found = self._by_user.get(order.get("user_id") or "")
        return found, "nobody" if found is None else "user_id"

    def _add(self, order: Record, zone: str) -> None:
        buyer = self.buyers[order["id_order"]]
        if buyer is None or not counts(order):
            return
        total = Decimal(str(order["total"]))
        self.figures[buyer].spent += total
        if total >= 0:
            self.figures[buyer].moments.append(instant(order["date_created"], zone))


def skip_reason(order: Record) -> str:
    """Why an order that is nobody's is skipped: by the strongest thing it says of its buyer."""
    if order["id_customer"]:
        return "unknown_customer_id"
    if (order["email"] or "").lower() not in ("", PLACEHOLDER):
        return "unknown_email"
    return "unknown_user_id" if order.get("user_id") else "no_buyer"


def counts(order: Record) -> bool:
    """Whether an order is spending."""
    status = order.get("status")
    return order["type"] == "retail" if status is None else status in COUNTED


def instant(text: str, zone: str) -> datetime:
    """A POS time as an aware one; without a zone it is the shop's."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
