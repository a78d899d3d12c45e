"""Notifications: news that an org has asked to hear of, each told once. No incidents: nobody must
act, and nothing is resolved."""

from datetime import datetime, timedelta
from typing import Self

from shared.domain.incidents import Announcement
from shared.domain.orders import Channel, Order, OrderStatus

NEW_ECOM_ORDER = "new_ecom_order"
KINDS = (NEW_ECOM_ORDER,)
"""What an org may ask for."""

NEWS_FOR = timedelta(hours=24)
"""How long after its creation an order is news: a first sync of years tells of none."""
GIVEN_UP_AFTER = timedelta(hours=48)
"""How long after an order's creation an address that failed is tried again."""
KEPT = timedelta(days=90)


class Notification(Announcement):
    """One notification. Kept for longer than an order is news, so that none is told twice."""

    @classmethod
    def of(cls, key: str, org_id: str, title: str, body: str, now: datetime) -> Self:
        """One that nobody has been told yet."""
        return cls(key=key, org_id=org_id, title=title, body=body, expire_at=now + KEPT)


def is_news(order: Order, now: datetime) -> bool:
    """Whether an order that was not stored yet is a new eCom order: no return, not cancelled, and
    created within NEWS_FOR."""
    return (
        order.channel is Channel.ECOM
        and order.status is not OrderStatus.CANCELLED
        and order.total_cents >= 0
        and now - order.created_at <= NEWS_FOR
    )


def text_of(number: str, total: float, place: str) -> tuple[str, str]:
    """Title and body for a new eCom order; nothing of its customer. ``total`` in dollars."""
    where = f", {place}" if place else ""
    return f"New online order {number}", f"Order {number}: ${total:,.2f}{where}."
