"""The contract's spending and segment rules, written anew: nothing of the product is used."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

Record = dict[str, Any]
PLACEHOLDER = "no-email@alleaves.local"


def instant(text: str, zone: str) -> datetime:
    """A POS time as an aware one; without a zone it is the shop's."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def buyer_of(order: Record, customers: list[Record]) -> tuple[int | None, str]:
    """The customer's id (None: no customer matches) and by what it was found."""
    if order["id_customer"] in {c["id_customer"] for c in customers}:
        return order["id_customer"], "id"
    email = (order["email"] or "").lower()
    if email and email != PLACEHOLDER:
        held = [c["id_customer"] for c in customers if (c["email"] or "").lower() == email]
        return (held[0], "email") if held else (None, "stranger")
    user_id = order.get("user_id")
    held = [c["id_customer"] for c in customers if user_id and c.get("user_id") == user_id]
    return (held[0], "user_id") if held else (None, "nobody")


def counts(order: Record) -> bool:
    """Whether an order is spending."""
    status = order.get("status")
    return order["type"] == "retail" if status is None else status in COUNTED


COUNTED = ("completed", "ready", "delivered")


def segment(spent: Decimal, count: int, days: int | None) -> str:
    """Issue 2, item 6."""
    if days is None:
        return "new"
    for name, holds in (
        ("vip", spent >= 1000 and count >= 10),
        ("loyal", count >= 5 and days < 60),
        ("churned", days > 90),
        ("at_risk", days > 45),
        ("returning", count >= 2),
    ):
        if holds:
            return name
    return "new"


def segments(data: dict[str, list[Record]], zone: str, now: datetime) -> dict[int, str]:
    """Every customer's segment."""
    listed = {c["id_customer"] for c in data["customers"]}
    spent: dict[int, Decimal] = defaultdict(Decimal)
    count: Counter[int] = Counter()
    last: dict[int, datetime] = {}
    for order in data["orders"]:
        buyer = order["id_customer"]
        if buyer not in listed:
            buyer, _ = buyer_of(order, data["customers"])
        if buyer is None or not counts(order):
            continue
        total = Decimal(str(order["total"]))
        spent[buyer] += total
        if total >= 0:
            count[buyer] += 1
            created = instant(order["date_created"], zone)
            last[buyer] = max(created, last.get(buyer, created))
    return {
        customer: segment(
            spent[customer],
            count[customer],
            (now - last[customer]).days if customer in last else None,
        )
        for customer in listed
    }
