"""Orders of Alleaves as domain records."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.domain.orders import Channel, Order, OrderItem, OrderStatus, OrderType
from shared.pos.alleaves.orders import to_order
from shared.pos.port import Rejected
from tests.unit.pos.alleaves.rows import order, rest_order, without

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)


def mapped(row: object) -> Order:
    record = to_order(row, ZONE, "1000", now=NOW)
    assert isinstance(record, Order)
    return record


def refused(row: object) -> Rejected:
    record = to_order(row, ZONE, "1000", now=NOW)
    assert isinstance(record, Rejected)
    return record


def test_an_order_in_the_search_spelling() -> None:
    assert mapped(order()) == Order(
        external_id="9001",
        source="alleaves",
        pos_customer_id="4711",
        user_id=None,
        email="ida.forge@example.com",
        customer_name="Ida Forge",
        phone="212 555 0149",
        location_id="1000",
        status=OrderStatus.COMPLETED,
        pos_status="completed",
        type=OrderType.PICKUP,
        channel=Channel.ECOM,
        items=(OrderItem("2001", "Sample Vape 1g", "Category > Vapes", Decimal(2), 2000),),
        total_cents=4520,
        subtotal_cents=4000,
        tax_cents=520,
        discount_cents=0,
        created_at=datetime(2026, 1, 15, 23, 30, tzinfo=UTC),
        updated_at=datetime(2026, 1, 15, 19, 0, tzinfo=UTC),
        version=datetime(2026, 1, 15, 19, 0, tzinfo=UTC),
    )


def test_the_other_spelling_gives_the_same_order() -> None:
    row = without(
        order(),
        "id_order",
        "id_customer",
        "name_first",
        "name_last",
        "date_created",
        "date_updated",
    )
    row |= {
        "id_transaction": 9001,
        "customer_id": "4711",
        "first_name": "Ida",
        "last_name": "Forge",
        "created_at": "2026-01-15T18:30:00.000",
        "updated_at": "2026-01-15T19:00:00Z",
        "items": [
            {
                "product_id": 2001,
                "name": "Sample Vape 1g",
                "qty": "2",
                "price": 20,
                "category": "Category > Vapes",
            }
        ],
    }

    assert mapped(row) == mapped(order())


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("pending", OrderStatus.PENDING),
        ("submitted", OrderStatus.SUBMITTED),
        ("confirmed", OrderStatus.CONFIRMED),
        ("preparing", OrderStatus.PREPARING),
        ("processing", OrderStatus.PREPARING),
        ("ready", OrderStatus.READY),
        ("completed", OrderStatus.COMPLETED),
        ("delivered", OrderStatus.COMPLETED),
        (" Delivered ", OrderStatus.COMPLETED),
        ("cancelled", OrderStatus.CANCELLED),
        ("canceled", OrderStatus.CANCELLED),
        ("voided", OrderStatus.CANCELLED),
        ("somewhere else", OrderStatus.PENDING),
    ],
)
def test_each_status_of_the_pos_is_one_of_ours(sent: str, status: OrderStatus) -> None:
    record = mapped(order(status=sent))

    assert record.status is status
    assert record.pos_status == sent.strip()


@pytest.mark.parametrize(
    ("kind", "complete", "status"),
    [
        ("retail", False, OrderStatus.COMPLETED),
        (None, None, OrderStatus.COMPLETED),
        ("pickup", True, OrderStatus.COMPLETED),
        ("delivery", "true", OrderStatus.COMPLETED),
        ("pickup", False, OrderStatus.PENDING),
        ("delivery", None, OrderStatus.PENDING),
    ],
)
@pytest.mark.parametrize("status_sent", [None, "", " "])
def test_an_order_without_a_status_is_over_in_the_store_or_when_complete(
    kind: str | None, complete: object, status: OrderStatus, status_sent: str | None
) -> None:
    record = mapped(order(status=status_sent, type=kind, complete=complete))

    assert record.status is status
    assert record.pos_status is None


@pytest.mark.parametrize(
    ("sent", "kind", "channel"),
    [
        ("retail", OrderType.IN_STORE, Channel.RETAIL),
        (None, OrderType.IN_STORE, Channel.RETAIL),
        ("Pickup", OrderType.PICKUP, Channel.ECOM),
        ("delivery", OrderType.DELIVERY, Channel.ECOM),
    ],
)
def test_the_type_says_the_channel(sent: str | None, kind: OrderType, channel: Channel) -> None:
    record = mapped(order(type=sent))

    assert (record.type, record.channel) == (kind, channel)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "refunded", "total": 45.2},
        {"status": "Returned", "total": -45.2},
        {"status": "refund", "total": "45.20"},
        {"status": "completed", "total": -45.2},
        {"status": "pending", "total": "-45.20"},
        {"status": None, "total": -45.2},
    ],
)
def test_a_refund_is_a_completed_order_with_a_negative_total(fields: dict[str, Any]) -> None:
    record = mapped(order(**fields))

    assert record.status is OrderStatus.COMPLETED
    assert record.total_cents == -4520
    assert (record.subtotal_cents, record.tax_cents) == (-4000, -520)


def test_a_cancelled_refund_stays_cancelled() -> None:
    record = mapped(order(status="voided", total=-45.2))

    assert record.status is OrderStatus.CANCELLED


def test_a_row_that_names_a_location_is_of_that_location() -> None:
    assert mapped(order(id_location=1001)).location_id == "1001"


def test_an_order_never_updated_was_updated_when_it_was_created() -> None:
    record = mapped(order(date_updated=None))

    assert record.updated_at == record.created_at


def test_an_order_of_nobody_says_so() -> None:
    record = mapped(order(id_customer=None, email="", name_first=None, name_last=None, phone=None))

    assert (record.pos_customer_id, record.email, record.phone) == (None, None, None)
    assert record.customer_name == ""


@pytest.mark.parametrize("total", [None, "", "free", float("nan"), [], True])
def test_an_order_without_a_readable_total_is_rejected(total: object) -> None:
    record = refused(order(total=total))

    assert (record.code, record.record_id) == ("bad_money", "alleaves_9001")


@pytest.mark.parametrize(
    ("ahead", "accepted"),
    [
        (timedelta(0), True),
        (timedelta(days=1), True),
        (timedelta(days=1, seconds=1), False),
        (timedelta(days=365 * 30), False),
    ],
)
def test_an_order_of_more_than_a_day_ahead_is_rejected(ahead: timedelta, accepted: bool) -> None:
    record = to_order(order(date_created=(NOW + ahead).isoformat()), ZONE, "1000", now=NOW)
    if accepted:
        assert isinstance(record, Order)
        assert record.created_at == NOW + ahead
    else:
        assert isinstance(record, Rejected)
        assert (record.code, record.record_id) == ("bad_time", "alleaves_9001")


@pytest.mark.parametrize("created", [None, "", "yesterday", 17])
def test_an_order_without_a_readable_time_is_rejected(created: object) -> None:
    record = refused(order(date_created=created))

    assert (record.code, record.record_id) == ("bad_time", "alleaves_9001")


def test_an_order_without_an_id_is_rejected() -> None:
    assert refused(order(id_order=None)).code == "missing_id"


def test_unreadable_figures_of_a_line_do_not_cost_the_order() -> None:
    line = {"item": "Sample", "quantity": "two", "price": "free", "category": None}

    record = mapped(order(items=[line]))

    assert record.items == (OrderItem(None, "Sample", None, Decimal(0), 0),)
    assert record.total_cents == 4520


@pytest.mark.parametrize("items", [None, "none", 7, ["odd", None], [{"item": "\ud800"}]])
def test_unreadable_lines_do_not_cost_the_order(items: object) -> None:
    assert mapped(order(items=items)).items == ()


def test_parts_of_the_amount_may_be_missing() -> None:
    record = mapped(order(subtotal=None, tax="n/a", discount=None))

    assert (record.subtotal_cents, record.tax_cents, record.discount_cents) == (None, None, None)


def test_an_order_in_the_documented_shape_of_the_rest_style() -> None:
    record = mapped(rest_order())

    assert (record.external_id, record.pos_customer_id) == ("9001", None)
    assert (record.email, record.user_id) == ("ida.forge@example.com", "u-17")
    assert (record.status, record.type) == (OrderStatus.COMPLETED, OrderType.IN_STORE)
    assert (record.location_id, record.total_cents) == ("1000", 4520)
    assert record.items == (OrderItem("2001", "Sample Vape 1g", None, Decimal(2), 2000),)


@pytest.mark.parametrize(
    ("customer", "says"),
    [
        ({"email": "A@example.com", "userId": 17}, (None, "a@example.com", "17", "")),
        ({"id_customer": 4711, "email": None}, ("4711", None, None, "")),
        ({"id": "4711", "user_id": "u", "name": "Ida Forge"}, ("4711", None, "u", "Ida Forge")),
        ({"first_name": "Ida", "last_name": "Forge"}, (None, None, None, "Ida Forge")),
        ({"userId": ["odd"], "email": {"odd": 1}}, (None, None, None, "")),
        ({}, (None, None, None, "")),
        ("Ida Forge", (None, None, None, "")),
        ([{"email": "a@example.com"}], (None, None, None, "")),
        (None, (None, None, None, "")),
    ],
)
def test_a_buyer_is_read_out_of_the_object_that_names_it(
    customer: object, says: tuple[str | None, ...]
) -> None:
    record = mapped(rest_order(customer=customer))

    buyer = (record.pos_customer_id, record.email, record.user_id, record.customer_name)
    assert buyer == says


def test_what_stands_beside_the_buyer_goes_first_unless_it_is_empty() -> None:
    nested = {"id_customer": 1, "email": "nested@example.com", "userId": "n", "phone": "1"}

    record = mapped(order(customer=nested, email="", phone=None, userId="own"))

    assert (record.pos_customer_id, record.email) == ("4711", "nested@example.com")
    assert (record.user_id, record.phone) == ("own", "1")


def test_the_id_of_a_buyer_is_never_that_of_the_order() -> None:
    row = without(rest_order(customer={"id": "77"}), "id_transaction") | {"id": "9001"}

    record = mapped(row)

    assert (record.external_id, record.pos_customer_id) == ("9001", "77")
