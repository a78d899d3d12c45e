"""Discounts of Alleaves as domain records."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.discounts import Discount, DiscountKind
from shared.pos.alleaves.catalogue import to_discount
from shared.pos.port import Rejected

NEW_YORK = ZoneInfo("America/New_York")


def row(**fields: Any) -> dict[str, Any]:
    return {
        "id_discount": 7,
        "name": "Vape week",
        "description": "A week of vapes",
        "discount_type": "percent",
        "discount_value": 20,
        "start_date": "2026-03-01",
        "end_date": "2026-03-07",
        "active": True,
        "conditions": {
            "categories": ["Vapes"],
            "brands": [],
            "products": [2001, "2002"],
            "min_qty": None,
            "min_total": None,
            "customer_types": [],
        },
        "badge_text": None,
        "priority": 3,
    } | fields


def mapped(**fields: Any) -> Discount:
    found = to_discount(row(**fields), NEW_YORK)
    assert isinstance(found, Discount), found
    return found


def code(**fields: Any) -> str:
    found = to_discount(row(**fields), NEW_YORK)
    assert isinstance(found, Rejected)
    return found.code


def test_a_discount_has_every_field() -> None:
    assert mapped() == Discount(
        id="7",
        kind=DiscountKind.PERCENT,
        value=Decimal(20),
        name="Vape week",
        active=True,
        starts_at=datetime(2026, 3, 1, 5, 0, tzinfo=UTC),
        ends_at=datetime(2026, 3, 8, 5, 0, tzinfo=UTC),
        product_ids=frozenset({"2001", "2002"}),
        categories=frozenset({"Vapes"}),
        priority=3,
    )


@pytest.mark.parametrize(
    ("fields", "kind", "value"),
    [
        ({"discount_type": "Percentage", "discount_value": "12.5"}, "percent", Decimal("12.5")),
        ({"discount_type": "amount", "discount_value": "5.00"}, "amount", Decimal(500)),
        ({"discount_type": "fixed price", "discount_value": 9.99}, "fixed_price", Decimal(999)),
        ({"discount_type": "BOGO", "discount_value": None}, "bogo", Decimal(0)),
    ],
)
def test_a_value_is_percent_or_cents(fields: dict[str, Any], kind: str, value: Decimal) -> None:
    found = mapped(**fields)
    assert (found.kind.value, found.value) == (kind, value)


@pytest.mark.parametrize(
    ("end", "utc"),
    [
        ("2026-07-04", "2026-07-05T04:00"),
        ("2026-07-04T16:20:00", "2026-07-04T20:20"),
        ("2026-07-04T16:20:00-07:00", "2026-07-04T23:20"),
        ("2026-07-04T16:20:00.000Z", "2026-07-04T16:20"),
        (None, None),
        ("", None),
    ],
)
def test_a_day_lasts_until_its_end_and_a_moment_is_one(end: str | None, utc: str | None) -> None:
    expected = datetime.fromisoformat(utc).replace(tzinfo=UTC) if utc else None
    assert mapped(end_date=end).ends_at == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"id_discount": None}, "missing_id"),
        ({"discount_type": "mystery"}, "unknown_discount_type"),
        ({"discount_type": None}, "unknown_discount_type"),
        ({"discount_value": "a fifth"}, "bad_value"),
        ({"discount_value": None}, "bad_value"),
        ({"end_date": "whenever"}, "bad_date"),
        ({"start_date": 20260301123}, "bad_date"),
        ({"conditions": {"min_qty": "two"}}, "bad_condition"),
        ({"conditions": {"min_total": "a lot"}}, "bad_condition"),
    ],
)
def test_what_cannot_be_read_rejects_the_discount(fields: dict[str, Any], expected: str) -> None:
    assert code(**fields) == expected


def test_conditions_are_read_whatever_their_spelling() -> None:
    found = mapped(
        conditions={
            "brands": {"0": "Lantern"},
            "products": [None, True, 5, " 6 "],
            "min_quantity": "2",
            "min_total": "50",
            "customer_types": ["medical"],
        }
    )
    assert found.brands == {"Lantern"}
    assert found.product_ids == {"5", "6"}
    assert (found.min_quantity, found.min_total_cents) == (Decimal(2), 5000)
    assert found.customer_types == {"medical"}


def test_a_discount_without_conditions_names_nothing() -> None:
    nothing: list[object] = [None, [], "all"]
    for conditions in nothing:
        found = mapped(conditions=conditions)
        assert found.product_ids | found.categories | found.brands == frozenset()


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())


@given(st.dictionaries(st.sampled_from([*row(), "is_active", "type", "value"]), anything))
def test_whatever_comes_is_mapped_or_rejected_with_a_code(fields: dict[str, Any]) -> None:
    found = to_discount(row(**fields), NEW_YORK)
    if isinstance(found, Rejected):
        assert found.code
    else:
        assert found.value.is_finite()
