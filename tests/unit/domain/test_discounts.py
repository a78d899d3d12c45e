"""Discounts on a menu."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.catalogue import PricedProduct
from shared.domain.discounts import (
    NO_SALE,
    Discount,
    DiscountKind,
    Sale,
    is_running,
    sale_of,
    window,
)

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


ITEM = PricedProduct("2001", "Flower", "Eighths", "Sample Brand", 3955, None, NOW, None)
TWENTY = Discount("d1", DiscountKind.PERCENT, Decimal(20), product_ids=frozenset({"2001"}))


@pytest.mark.parametrize(
    ("kind", "value", "price", "badge"),
    [
        (DiscountKind.PERCENT, "20", 3164, "20% OFF"),
        (DiscountKind.PERCENT, "1", 3915, "1% OFF"),
        (DiscountKind.PERCENT, "30.00", 2769, "30% OFF"),
        (DiscountKind.PERCENT, "12.50", 3461, "12.5% OFF"),
        (DiscountKind.PERCENT, "1E+1", 3560, "10% OFF"),
        (DiscountKind.PERCENT, "100", 0, "100% OFF"),
        (DiscountKind.PERCENT, "250", 0, "250% OFF"),
        (DiscountKind.AMOUNT, "500", 3455, "$5 OFF"),
        (DiscountKind.AMOUNT, "550", 3405, "$5.50 OFF"),
        (DiscountKind.AMOUNT, "9900", 0, "$99 OFF"),
        (DiscountKind.FIXED_PRICE, "2500", 2500, "SALE"),
    ],
)
def test_each_kind_of_discount_has_its_price_and_badge(
    kind: DiscountKind, value: str, price: int, badge: str
) -> None:
    # Given
    discount = replace(TWENTY, kind=kind, value=Decimal(value))
    # When
    sale = sale_of(ITEM, [discount], NOW)
    # Then
    assert sale == Sale(True, price, badge, "d1", None)


def test_bogo_has_a_badge_and_no_sale_price() -> None:
    # Given
    ends = NOW + timedelta(hours=1)
    bogo = replace(TWENTY, kind=DiscountKind.BOGO, min_quantity=Decimal(2), ends_at=ends)
    # When / Then
    assert sale_of(ITEM, [bogo], NOW) == Sale(True, None, "BOGO", "d1", ends)


def test_the_badge_of_the_pos_goes_before_our_own() -> None:
    # Given / When
    sale = sale_of(ITEM, [replace(TWENTY, badge_text="Summer deal")], NOW)
    # Then
    assert sale.sale_badge_text == "Summer deal"


@pytest.mark.parametrize(
    "discount",
    [
        replace(TWENTY, active=False),
        replace(TWENTY, product_ids=frozenset({"9"})),
        replace(TWENTY, product_ids=frozenset()),
        replace(TWENTY, min_quantity=Decimal("1.5")),
        replace(TWENTY, min_quantity=Decimal(2)),
        replace(TWENTY, min_total_cents=1),
        replace(TWENTY, customer_types=frozenset({"medical"})),
        replace(TWENTY, kind=DiscountKind.FIXED_PRICE, value=Decimal(5000)),
        replace(TWENTY, kind=DiscountKind.FIXED_PRICE, value=Decimal(3955)),
        replace(TWENTY, value=Decimal("0.01")),
        replace(TWENTY, kind=DiscountKind.FIXED_PRICE, value=Decimal(0)),
        replace(TWENTY, kind=DiscountKind.FIXED_PRICE, value=Decimal(-500)),
        replace(TWENTY, value=Decimal(-20)),
        replace(TWENTY, starts_at=NOW + timedelta(seconds=1)),
        replace(TWENTY, ends_at=NOW),
    ],
)
def test_a_discount_that_is_not_the_price_of_one_unit_now_shows_nothing(discount: Discount) -> None:
    # Given / When / Then
    assert sale_of(ITEM, [discount], NOW) == NO_SALE


@pytest.mark.parametrize(
    "discount",
    [
        replace(TWENTY, min_quantity=Decimal(1)),
        replace(TWENTY, min_total_cents=0),
        replace(TWENTY, min_total_cents=-1),
        replace(TWENTY, customer_types=frozenset({"medical", "adult_use"})),
        replace(TWENTY, starts_at=NOW),
        replace(TWENTY, ends_at=NOW + timedelta(seconds=1)),
    ],
)
def test_a_discount_that_is_just_the_price_of_one_unit_now_shows(discount: Discount) -> None:
    # Given / When / Then
    assert sale_of(ITEM, [discount], NOW).sale_price_cents == 3164


def test_a_discount_that_is_told_twice_breaks_no_menu() -> None:
    # Given / When / Then
    assert sale_of(ITEM, [TWENTY, replace(TWENTY, value=Decimal(30))], NOW).discount_id == "d1"


def test_a_product_without_a_price_is_never_on_sale() -> None:
    # Given / When / Then
    assert sale_of(replace(ITEM, price_cents=None), [TWENTY], NOW) == NO_SALE


@pytest.mark.parametrize(
    ("paths", "matches"),
    [
        ({"Category > Flower"}, True),
        ({"flower"}, True),
        ({"Flower > Eighths"}, True),
        ({"Flower > Ounces"}, False),
        ({"Vapes"}, False),
        ({"Vapes", "Flower"}, True),
    ],
)
def test_a_category_is_named_by_its_path(paths: set[str], matches: bool) -> None:
    # Given
    discount = replace(TWENTY, product_ids=frozenset(), categories=frozenset(paths))
    # When / Then
    assert sale_of(ITEM, [discount], NOW).is_on_sale is matches


def test_a_discount_on_a_subcategory_does_not_concern_a_product_without_one() -> None:
    # Given
    discount = replace(TWENTY, product_ids=frozenset(), categories=frozenset({"Flower > Eighths"}))
    # When / Then
    assert sale_of(replace(ITEM, subcategory=None), [discount], NOW) == NO_SALE


@pytest.mark.parametrize(
    ("brand", "named", "matches"),
    [
        ("Sample Brand", " SAMPLE brand ", True),
        (" sample brand", "Sample Brand", True),
        ("Sample Brand", "Sample", False),
        (None, "", False),
        ("", "", False),
    ],
)
def test_a_brand_is_named_whatever_its_case_and_blanks_and_no_brand_is_none(
    brand: str | None, named: str, matches: bool
) -> None:
    # Given
    discount = replace(TWENTY, product_ids=frozenset(), brands=frozenset({named}))
    # When / Then
    assert sale_of(replace(ITEM, brand=brand), [discount], NOW).is_on_sale is matches


PRODUCT = replace(TWENTY, id="p", value=Decimal(10))
CATEGORY = replace(
    TWENTY, id="c", value=Decimal(30), product_ids=frozenset(), categories=frozenset({"Flower"})
)
BRAND = replace(
    TWENTY, id="b", value=Decimal(50), product_ids=frozenset(), brands=frozenset({"sample brand"})
)


@pytest.mark.parametrize(
    ("discounts", "winner"),
    [
        ([PRODUCT, CATEGORY, BRAND], "p"),
        ([replace(CATEGORY, priority=9), replace(BRAND, priority=99), PRODUCT], "p"),
        ([CATEGORY, replace(BRAND, priority=99)], "c"),
        ([BRAND], "b"),
        ([replace(PRODUCT, id="1"), replace(PRODUCT, id="2", priority=5)], "2"),
        ([replace(PRODUCT, id="10"), replace(PRODUCT, id="9")], "9"),
        ([replace(PRODUCT, active=False), CATEGORY], "c"),
    ],
)
def test_product_goes_before_category_before_brand_then_priority_then_id(
    discounts: list[Discount], winner: str
) -> None:
    # Given / When / Then
    assert sale_of(ITEM, discounts, NOW).discount_id == winner
    assert sale_of(ITEM, reversed(discounts), NOW).discount_id == winner


def running(start: date | None, end: date | None, at: str) -> bool:
    """Whether a New York discount runs at a UTC time written HH:MM or with its date."""
    starts_at, ends_at = window(start, end, NEW_YORK)
    discount = replace(TWENTY, starts_at=starts_at, ends_at=ends_at)
    return is_running(discount, datetime.fromisoformat(at).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-07-04 01:59:59", False),
        ("2026-07-04 02:00:00", True),
        ("2026-07-04 04:00:00", True),
        ("2026-07-04 05:59:59", True),
        ("2026-07-04 06:00:00", False),
    ],
)
def test_a_discount_across_midnight_in_new_york_follows_the_local_clock(
    at: str, expected: bool
) -> None:
    # Given: 22:00 on 3 July to 02:00 on 4 July, local time, four hours behind UTC
    start = datetime.fromisoformat("2026-07-03 22:00")
    end = datetime.fromisoformat("2026-07-04 02:00")
    # When / Then
    assert running(start, end, at) is expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-01-10 04:59:59", False),
        ("2026-01-10 05:00:00", True),
        ("2026-01-11 04:59:59", True),
        ("2026-01-11 05:00:00", False),
    ],
)
def test_a_discount_of_one_day_lasts_that_whole_day_at_the_location(
    at: str, expected: bool
) -> None:
    # Given / When / Then: five hours behind UTC
    assert running(date(2026, 1, 10), date(2026, 1, 10), at) is expected


@pytest.mark.parametrize(
    ("day", "begins", "ends", "hours"),
    [
        (date(2026, 3, 8), "2026-03-08 05:00", "2026-03-09 04:00", 23),
        (date(2026, 11, 1), "2026-11-01 04:00", "2026-11-02 05:00", 25),
    ],
)
def test_the_day_of_a_clock_change_has_23_or_25_hours(
    day: date, begins: str, ends: str, hours: int
) -> None:
    # When
    starts_at, ends_at = window(day, day, NEW_YORK)
    # Then
    assert starts_at == datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert ends_at == datetime.fromisoformat(ends).replace(tzinfo=UTC)
    assert ends_at - starts_at == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-03-08 01:30", "2026-03-08 06:30"),
        ("2026-03-08 02:30", "2026-03-08 07:30"),
        ("2026-03-08 03:30", "2026-03-08 07:30"),
        ("2026-11-01 01:30", "2026-11-01 05:30"),
        ("2026-11-01 02:30", "2026-11-01 07:30"),
        ("2026-11-01 01:30-05:00", "2026-11-01 06:30"),
    ],
)
def test_a_time_at_a_clock_change_has_one_meaning(local: str, utc: str) -> None:
    # Given
    moment = datetime.fromisoformat(local)
    # When
    starts_at, ends_at = window(moment, moment, NEW_YORK)
    # Then: discounts that follow one another neither overlap nor leave a gap
    assert starts_at == ends_at == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "placeholder",
    [
        None,
        date.min,
        date.max,
        datetime.fromisoformat("9999-12-31T23:59:59"),
        datetime.fromisoformat("0001-01-01T00:00:00Z"),
    ],
)
def test_a_placeholder_date_is_no_limit(placeholder: date | None) -> None:
    # When / Then
    assert window(placeholder, placeholder, NEW_YORK) == (None, None)


@pytest.mark.parametrize(
    ("year", "limits"), [(1899, False), (1900, True), (8999, True), (9000, False)]
)
def test_a_year_is_a_limit_from_1900_until_before_9000(year: int, limits: bool) -> None:
    # Given
    day = date(year, 12, 31)
    # When
    starts_at, ends_at = window(day, day, NEW_YORK)
    # Then
    assert (starts_at is not None, ends_at is not None) == (limits, limits)


def test_the_window_is_told_in_utc() -> None:
    # Given / When
    starts_at, ends_at = window(date(2026, 1, 10), date(2026, 1, 10), NEW_YORK)
    # Then
    assert starts_at is not None
    assert ends_at is not None
    assert starts_at.tzinfo is ends_at.tzinfo is UTC


discounts = st.builds(
    Discount,
    id=st.sampled_from(["1", "2", "10", "x"]),
    kind=st.sampled_from(DiscountKind),
    value=st.decimals(Decimal(-1000), Decimal(100_000), places=2),
    active=st.booleans(),
    starts_at=st.sampled_from([None, NOW, NOW + timedelta(1)]),
    ends_at=st.sampled_from([None, NOW, NOW + timedelta(1)]),
    product_ids=st.sampled_from([frozenset(), frozenset({"2001"})]),
    categories=st.sampled_from([frozenset(), frozenset({"Flower"})]),
    brands=st.sampled_from([frozenset(), frozenset({"Sample Brand"})]),
    priority=st.integers(-2, 2),
)


@given(st.lists(discounts, max_size=6), st.integers(1, 10_000_000), st.randoms())
def test_a_sale_price_lies_between_0_and_the_price_in_whatever_order_discounts_come(
    found: list[Discount], price: int, random: Random
) -> None:
    # Given
    unique = list({discount.id: discount for discount in found}.values())
    item = replace(ITEM, price_cents=price)
    shuffled = list(unique)
    random.shuffle(shuffled)
    # When
    sale = sale_of(item, unique, NOW)
    # Then
    assert sale_of(item, shuffled, NOW) == sale
    assert sale.sale_price_cents is None or 0 <= sale.sale_price_cents <= price
    assert sale.is_on_sale == (sale.discount_id is not None) == (sale.sale_badge_text is not None)
