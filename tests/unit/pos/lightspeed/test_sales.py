"""Sales of Lightspeed X-Series as orders, and its customers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from shared.domain.customers import Customer, identifies
from shared.domain.orders import Channel, Order, OrderItem, OrderStatus, OrderType
from shared.domain.spending import counts
from shared.pos.lightspeed.sales import ProductName, Sale, read_sale, to_customer, to_order
from shared.pos.port import Rejected
from tests.unit.pos.lightspeed.rows import customer, line, sale

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
ONLINE = "7e615700-0000-4000-8000-00000000000e"
PRODUCTS = {"b0d00000-0000-4000-8000-000000000001": ProductName("Sample Vape 1g", "Vapes")}

# Every documented status, its state and attributes, and what becomes of it.
STATES = [
    ("SAVED", "parked", [], OrderStatus.PENDING),
    ("OPEN", "pending", [], OrderStatus.PENDING),
    ("CLOSED", "closed", [], OrderStatus.COMPLETED),
    ("VOIDED", "voided", [], OrderStatus.CANCELLED),
    ("ONACCOUNT", "pending", ["onaccount"], OrderStatus.PENDING),
    ("ONACCOUNT_CLOSED", "closed", ["onaccount"], OrderStatus.COMPLETED),
    ("LAYBY", "pending", ["layby"], OrderStatus.PENDING),
    ("LAYBY_CLOSED", "closed", ["layby"], OrderStatus.COMPLETED),
    ("AWAITING_DISPATCH", "pending", ["delivery"], OrderStatus.READY),
    ("DISPATCHED_CLOSED", "closed", ["delivery"], OrderStatus.COMPLETED),
    ("AWAITING_PICKUP", "pending", ["pickup"], OrderStatus.READY),
    ("PICKED_UP_CLOSED", "closed", ["pickup"], OrderStatus.COMPLETED),
    ("SERVICE", "pending", ["service"], OrderStatus.PENDING),
    ("SERVICE_CLOSED", "closed", ["service"], OrderStatus.COMPLETED),
]
COUNTED = {"CLOSED", "ONACCOUNT_CLOSED", "LAYBY_CLOSED", "DISPATCHED_CLOSED", "PICKED_UP_CLOSED"}
COUNTED |= {"AWAITING_DISPATCH", "AWAITING_PICKUP", "SERVICE_CLOSED"}


def mapped(row: object) -> Order:
    sale = read_sale(row, ZONE, "fallback-outlet", now=NOW)
    assert isinstance(sale, Sale)
    return to_order(sale, {ONLINE}, PRODUCTS)


def refused(row: object) -> Rejected:
    record = read_sale(row, ZONE, "fallback-outlet", now=NOW)
    assert isinstance(record, Rejected)
    return record


def test_a_sale_over_the_counter() -> None:
    assert mapped(sale()) == Order(
        external_id="5a1e0000-0000-4000-8000-000000000001",
        source="lightspeed",
        pos_customer_id="c0570000-0000-4000-8000-000000000001",
        user_id=None,
        email=None,
        customer_name="",
        phone=None,
        location_id="0u71e700-0000-4000-8000-000000000001",
        status=OrderStatus.COMPLETED,
        pos_status="CLOSED",
        type=OrderType.IN_STORE,
        channel=Channel.RETAIL,
        items=(
            OrderItem(
                "b0d00000-0000-4000-8000-000000000001", "Sample Vape 1g", "Vapes", Decimal(2), 2260
            ),
        ),
        total_cents=4520,
        subtotal_cents=4000,
        tax_cents=520,
        discount_cents=150,
        created_at=datetime(2026, 1, 15, 23, 30, tzinfo=UTC),
        updated_at=datetime(2026, 1, 16, 0, 10, tzinfo=UTC),
        version=datetime(2026, 1, 16, 0, 10, tzinfo=UTC),
    )


@pytest.mark.parametrize(("status", "state", "attributes", "becomes"), STATES)
def test_every_state_has_its_order_status(
    status: str, state: str, attributes: list[str], becomes: OrderStatus
) -> None:
    by_status = mapped(sale(status=status, state=None, attributes=None))
    by_state = mapped(sale(status=None, state=state, attributes=attributes))

    assert by_status.status == by_state.status == becomes
    assert by_status.pos_status == by_state.pos_status == status
    assert counts(by_state.status, by_state.type) == (status in COUNTED)


@pytest.mark.parametrize(
    ("attributes", "becomes"),
    [
        (["pickup"], OrderType.PICKUP),
        (["delivery"], OrderType.DELIVERY),
        (["layby"], OrderType.IN_STORE),
        ([], OrderType.IN_STORE),
        ("pickup", OrderType.IN_STORE),
    ],
)
def test_the_attributes_say_how_the_goods_reach_the_customer(
    attributes: object, becomes: OrderType
) -> None:
    assert mapped(sale(attributes=attributes)).type == becomes


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"source": "ecw:0123456789abcdef", "source_id": "1207", "note": "Order ID:1207"}, "1207"),
        ({"source": "ecw:0123456789abcdef", "source_id": None, "note": "Order ID:88\nrear"}, "88"),
        ({"source": "ecw:0123456789abcdef", "source_id": "x", "note": None}, None),
        ({"source": "USER", "note": "paid in cash, order id: 31"}, "31"),
        ({"source": "USER", "register_id": ONLINE}, None),
    ],
)
def test_an_order_of_the_web_shop_is_known_by_its_source_its_note_or_its_register(
    changes: dict[str, object], number: str | None
) -> None:
    order = mapped(sale(**changes))

    assert order.channel is Channel.ECOM
    assert order.ecom_number == number


@pytest.mark.parametrize("note", ["", None, "reorder identity", "ring twice", 7])
def test_any_other_sale_is_of_the_shop(note: object) -> None:
    order = mapped(sale(note=note, source_id="17"))

    assert order.channel is Channel.RETAIL
    assert order.ecom_number is None


def test_a_return_is_negative_whatever_its_sign() -> None:
    for sign in (1, -1):
        order = mapped(
            sale(
                return_for="5a1e0000-0000-4000-8000-000000000009",
                total_price_incl=sign * 45.2,
                total_price=sign * 40,
                total_tax=sign * 5.2,
            )
        )

        assert (order.total_cents, order.subtotal_cents, order.tax_cents) == (-4520, -4000, -520)


def test_the_total_with_tax_is_made_where_the_row_lacks_it() -> None:
    assert mapped(sale(total_price_incl=None)).total_cents == 4520


def test_lines_that_were_taken_back_or_cannot_be_read_are_left_out() -> None:
    lines = [line(), line(status="VOIDED"), "nothing", line(product_id="unknown", quantity="x")]

    items = mapped(sale(line_items=lines)).items

    assert [(item.name, item.quantity) for item in items] == [
        ("Sample Vape 1g", Decimal(2)),
        ("", Decimal(0)),
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"total_price_incl": None, "total_price": "much"}, "bad_money"),
        ({"created_at": None, "sale_date": "soon"}, "bad_time"),
        ({"created_at": (NOW + timedelta(days=2)).isoformat()}, "bad_time"),
        ({"id": None}, "missing_id"),
        ({"id": "__x__"}, "missing_id"),
    ],
)
def test_a_sale_that_would_count_wrongly_is_rejected_without_its_notes(
    changes: dict[str, object], code: str
) -> None:
    rejected = refused(sale(note="12 Elm Street, rear door", **changes))

    assert rejected.code == code
    assert "Elm Street" not in rejected.raw
    assert "Ida Forge" not in rejected.raw


def test_a_customer() -> None:
    assert to_customer(customer(), ZONE) == Customer(
        id="c0570000-0000-4000-8000-000000000001",
        email="ida.forge@example.com",
        first_name="Ida",
        last_name="Forge",
        phone="518 555 0149",
        date_of_birth="1990-04-01",
        user_id=None,
        loyalty_points=13,
        created_at=datetime(2024, 5, 1, 12, tzinfo=UTC),
        source="lightspeed",
        version=datetime(2026, 1, 1, 12, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "email", [None, "", "NoEmail@shop.example", "no-email@x.example", "customer@shop.example"]
)
def test_an_address_that_fills_a_field_identifies_nobody(email: str | None) -> None:
    found = to_customer(customer(email=email), ZONE)

    assert isinstance(found, Customer)
    assert not identifies(found.email)


def test_a_customer_has_one_name_where_the_row_has_one() -> None:
    found = to_customer(customer(first_name=None, last_name=None, name="Ida van Forge"), ZONE)

    assert isinstance(found, Customer)
    assert (found.first_name, found.last_name) == ("Ida", "van Forge")
