"""Reading the web shop's order export: every order once, every row that cannot be used named."""

import io
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.ecom import EcomOrder
from shared.domain.orders import Channel, OrderStatus, OrderType
from shared.pos.lightspeed.ecom_export import (
    BadRow,
    ExportContext,
    ExportUnreadable,
    read_export,
)
from tests.ecom_export import (
    HEADER,
    ZONE,
    ExportedLine,
    ExportedOrder,
    export,
    export_of_rows,
    rows,
)

FIRST = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
ADA = ExportedOrder(
    7,
    phone="(518) 555-0123",
    tax=80,
    sale_id="0b4c1d1e-0000-4000-8000-000000000007",
    lines=(ExportedLine(), ExportedLine('Gummies; 10 pc\n"sour"', 2, 12_50)),
)


def read(text: str | Callable[[], Iterator[str]]) -> tuple[list[EcomOrder], list[BadRow]]:
    lines = text if callable(text) else lambda: io.StringIO(text, newline="")
    found = list(read_export(ExportContext(lines, ZONE, "main", NOW)))
    orders = [each for each in found if isinstance(each, EcomOrder)]
    return orders, [each for each in found if isinstance(each, BadRow)]


def test_the_header_of_the_generator_is_that_of_the_export() -> None:
    assert len(HEADER) == len(set(HEADER)) == 109


def test_an_order_has_its_amount_once_and_all_of_its_lines() -> None:
    (found,), bad = read(export([ADA]))
    order = found.order
    assert bad == []
    assert (order.id, order.ecom_number, found.sale_id) == ("ecom_7", "7", ADA.sale_id)
    assert (order.total_cents, order.subtotal_cents, order.tax_cents) == (35_80, 35_00, 80)
    assert order.created_at == datetime(2026, 1, 5, 20, 7, tzinfo=UTC)
    assert (order.email, order.phone, order.customer_name) == (
        "ada@example.com",
        "(518) 555-0123",
        "Ada L",
    )
    assert (order.status, order.pos_status) == (OrderStatus.COMPLETED, "SHIPPED")
    assert (order.channel, order.type, order.location_id) == (
        Channel.ECOM,
        OrderType.PICKUP,
        "main",
    )
    assert [(i.name, i.quantity, i.price_cents) for i in order.items] == [
        ("Blue Dream 3.5g", Decimal(1), 10_00),
        ('Gummies; 10 pc\n"sour"', Decimal(2), 12_50),
    ]


@pytest.mark.parametrize(
    ("payment", "status"),
    [
        ("Paid", OrderStatus.COMPLETED),
        ("Awaiting Payment", OrderStatus.PENDING),
        ("Refunded", OrderStatus.CANCELLED),
        ("Canceled", OrderStatus.CANCELLED),
        ("Partially Refunded", OrderStatus.CANCELLED),
        ("Something New", OrderStatus.PENDING),
    ],
)
@pytest.mark.parametrize("with_codes", [True, False])
def test_what_counts_follows_from_the_payment(
    payment: str, status: OrderStatus, with_codes: bool
) -> None:
    header = [name for name in HEADER if with_codes or not name.endswith("_code")]
    (found,), _ = read(export([replace(ADA, payment=payment)], header))
    assert found.order.status is status


_texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20
).map(str.strip)
_lines = st.builds(
    ExportedLine,
    name=_texts,
    quantity=st.integers(1, 50),
    price=st.integers(-500_00, 500_00),
)
_orders = st.lists(
    st.builds(
        ExportedOrder,
        number=st.integers(0, 5_000),
        at=st.integers(0, 3_000_000).map(lambda minutes: FIRST + timedelta(minutes=minutes)),
        email=st.sampled_from(["ada@example.com", "Noor@Example.com", ""]),
        name=_texts,
        payment=st.sampled_from(["Paid", "Awaiting Payment", "Refunded", "Canceled"]),
        tax=st.integers(0, 90_00),
        lines=st.lists(_lines, min_size=1, max_size=4).map(tuple),
    ),
    max_size=8,
    unique_by=lambda order: order.number,
)


@given(_orders, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_what_was_exported_is_read_however_its_rows_and_columns_are_mixed(
    exported: list[ExportedOrder], random: Random
) -> None:
    # Given: columns in any order, rows in any order but for those of one order
    header = [*HEADER]
    random.shuffle(header)
    left = [rows(order) for order in exported]
    mixed = []
    while left := [each for each in left if each]:
        mixed.append(random.choice(left).pop(0))
    # When
    found, bad = read(export_of_rows(mixed, header))
    # Then
    assert bad == []
    by_number = {int(each.number): each.order for each in found}
    assert len(by_number) == len(found) == len(exported)
    for order in exported:
        read_back = by_number[order.number]
        assert read_back.total_cents == order.total
        late = order.at.astimezone(ZONE).fold  # the clocks are set back: the first time is taken
        assert read_back.created_at == order.at - timedelta(hours=late)
        assert [(i.name, i.quantity, i.price_cents) for i in read_back.items] == [
            (line.name, Decimal(line.quantity), line.price) for line in order.lines
        ]


@pytest.mark.parametrize(
    ("column", "text", "says"),
    [
        ("order_number", "", "order_number"),
        ("order_number", "-3", "order_number"),
        ("order_number", "1234567890123", "order_number"),
        ("order_number", "\u0667", "order_number"),
        ("order_total", "", "amount"),
        ("order_total", "NaN", "amount"),
        ("order_total", "1,234.00", "amount"),
        ("order_tax", "n/a", "amount"),
        ("price", "free", "price"),
        ("total", "", "price"),
        ("quantity", "two", "quantity"),
        ("timestamp", "2026-01-05 15:07", "timestamp"),
        ("timestamp", "Jan 5, 2026 15:07 PM", "timestamp"),
        ("timestamp", "Feb 30, 2026 03:07 PM", "timestamp"),
        ("timestamp", "Okt 5, 2025 03:07 PM", "timestamp"),
        ("timestamp", "Jan 5, 0000 03:07 PM", "timestamp"),
        ("timestamp", "Jan 5, 2027 03:07 PM", "future"),
        ("name", "Jos\udce9", "UTF-8"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_by_its_lines_and_left_out(
    column: str, text: str, says: str
) -> None:
    # Given: between two good orders one row of four lines, as its tax details have two
    wrong = {**rows(ExportedOrder(8))[0], column: text, "order_comments": "a\nb\nc"}
    good = [rows(ExportedOrder(number))[0] for number in (7, 9)]
    # When
    found, bad = read(export_of_rows([good[0], wrong, good[1]]))
    # Then
    assert [each.number for each in found] == ["7", "9"]
    (row,) = bad
    assert (row.first_line, row.last_line) == (4, 7)
    assert says in row.message
    assert text not in row.message or not text


def test_an_order_comes_without_a_line_that_cannot_be_read() -> None:
    first, second = rows(ADA)
    found, bad = read(export_of_rows([{**first, "price": "?"}, second]))
    assert [(len(each.order.items), each.order.total_cents) for each in found] == [(1, 35_80)]
    assert [row.first_line for row in bad] == [2]


def test_an_order_counts_as_its_first_row_says_where_its_rows_differ() -> None:
    first, second = rows(ADA)
    found, bad = read(export_of_rows([first, {**second, "order_total": "99.00"}]))
    assert [(len(each.order.items), each.order.total_cents) for each in found] == [(1, 35_80)]
    assert "differs" in bad[0].message


def test_rows_with_too_many_or_too_few_cells_are_left_out() -> None:
    lines = export([ExportedOrder(7), ExportedOrder(8)]).split("\r\n")
    short, long = lines[1].rpartition(";")[0], lines[2] + ";"
    found, bad = read("\r\n".join([lines[0], short, long, lines[1], ""]))
    assert [each.number for each in found] == ["7"]
    assert ["cells" in row.message for row in bad] == [True, True]


def test_a_quote_that_is_not_closed_costs_no_more_than_what_it_swallows() -> None:
    text = export(ExportedOrder(number) for number in range(2_000))
    lines = text.splitlines(keepends=True)
    lines[1] = '"' + lines[1]
    found, bad = read("".join(lines))
    assert bad
    assert len(found) > 1_000
    assert bad[0].first_line == 2


@pytest.mark.parametrize("text", ["", "\r\n", "a;b;c\r\n1;2;3\r\n", "order_number\r\n1\r\n"])
def test_a_file_without_the_columns_that_are_needed_is_refused_whole(text: str) -> None:
    with pytest.raises(ExportUnreadable):
        read(text)


def test_blank_lines_and_columns_of_the_store_are_passed_over() -> None:
    text = export([ADA], [*HEADER, "Gift message", "order_total"])
    (found,), bad = read(text.replace("\r\n7;", "\r\n\r\n7;", 1))
    assert (found.order.total_cents, bad) == (35_80, [])


def test_months_are_english() -> None:
    orders = [ExportedOrder(n, at=datetime(2025, n, 15, tzinfo=ZONE)) for n in range(1, 13)]
    found, bad = read(export(orders))
    assert bad == []
    assert [each.order.created_at.astimezone(ZONE).month for each in found] == [*range(1, 13)]


def test_a_time_that_occurs_twice_is_the_first_of_the_two() -> None:
    (found,), _ = read(export([replace(ADA, at=datetime(2025, 11, 2, 6, 30, tzinfo=UTC))]))
    assert found.order.created_at == datetime(2025, 11, 2, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize("email", ["", "noemail@shop.com", "x" * 300 + "@example.com"])
def test_an_address_that_is_none_is_not_kept(email: str) -> None:
    (found,), _ = read(export([replace(ADA, email=email)]))
    assert found.order.email is None


def test_memory_does_not_grow_with_the_file() -> None:
    def lines_of(orders: int) -> Callable[[], Iterator[str]]:
        header, *body = export([ADA]).splitlines(keepends=True)

        def lines() -> Iterator[str]:
            yield header
            for number in range(orders):
                text = "".join(body).replace("\r\n7;", f"\r\n{number};")
                yield from f"{number}{text[1:]}".splitlines(keepends=True)

        return lines

    def peak(orders: int) -> int:
        tracemalloc.start()
        try:
            context = ExportContext(lines_of(orders), ZONE, "main", NOW)
            assert sum(isinstance(each, EcomOrder) for each in read_export(context)) == orders
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # Then what grows is the ids that were seen, not what the rows hold
    file_size = sum(map(len, lines_of(4_000)()))
    assert peak(4_000) < peak(400) + file_size / 8
