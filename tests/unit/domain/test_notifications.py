"""Which orders an org is told of, and in what words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.notifications import KEPT, NEWS_FOR, Notification, is_news, text_of
from shared.domain.orders import Channel, Order, OrderStatus, OrderType

NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
ORDER = Order(
    external_id="4711",
    source="lightspeed",
    pos_customer_id="7",
    user_id=None,
    email="ines@example.com",
    customer_name="Ines Example",
    phone="555",
    location_id="main",
    status=OrderStatus.READY,
    pos_status="AWAITING_PICKUP",
    type=OrderType.PICKUP,
    channel=Channel.ECOM,
    items=(),
    total_cents=5200,
    subtotal_cents=None,
    tax_cents=None,
    discount_cents=None,
    created_at=NOW - timedelta(minutes=3),
    updated_at=NOW,
)


def test_an_ecom_order_of_today_is_news() -> None:
    assert is_news(ORDER, NOW)
    assert is_news(replace(ORDER, created_at=NOW - NEWS_FOR), NOW)


@pytest.mark.parametrize(
    "other",
    [
        replace(ORDER, channel=Channel.RETAIL),
        replace(ORDER, status=OrderStatus.CANCELLED),
        replace(ORDER, total_cents=-5200),
        replace(ORDER, created_at=NOW - NEWS_FOR - timedelta(seconds=1)),
    ],
)
def test_nothing_else_is_news(other: Order) -> None:
    assert not is_news(other, NOW)


def test_the_text_has_number_amount_and_place_and_nothing_of_the_customer() -> None:
    assert text_of("4711", 1052.5, "Main Street") == (
        "New online order 4711",
        "Order 4711: $1,052.50, Main Street.",
    )
    assert text_of("4711", 7, "")[1] == "Order 4711: $7.00."


def test_that_an_order_was_told_is_remembered_for_longer_than_it_is_news() -> None:
    told = Notification.of("key", "org_a", "A", "B", NOW)

    assert told.due(NOW)
    assert told.expire_at is not None
    assert told.expire_at - NOW == KEPT > 2 * NEWS_FOR
