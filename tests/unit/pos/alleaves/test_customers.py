"""Customers of Alleaves as domain records."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.domain.customers import Customer, identifies
from shared.domain.preferences import Preferences, PreferenceSource, PriceBand
from shared.pos.alleaves.orders import to_customer
from shared.pos.port import Rejected
from tests.unit.pos.alleaves.rows import customer, without

ZONE = ZoneInfo("America/New_York")


def mapped(row: object) -> Customer:
    record = to_customer(row, ZONE)
    assert isinstance(record, Customer)
    return record


def test_a_customer_in_the_search_spelling() -> None:
    assert mapped(customer()) == Customer(
        id="4711",
        email="ida.forge@example.com",
        first_name="Ida",
        last_name="Forge",
        phone="212 555 0149",
        date_of_birth="1994-06-06",
        user_id=None,
        loyalty_points=0,
        created_at=datetime(2024, 6, 6, 10, 0, tzinfo=UTC),
        source="alleaves",
    )


def test_the_other_spelling_gives_the_same_customer() -> None:
    row = without(customer(), "id_customer", "name_first", "name_last", "date_created")
    row |= {
        "id": "4711",
        "first_name": "Ida",
        "last_name": "Forge",
        "created_at": "2024-06-06T10:00:00.000Z",
        "customer_since": None,
    }

    assert mapped(row) == mapped(customer())


@pytest.mark.parametrize("email", [None, "", "   ", ["odd"]])
def test_a_customer_without_an_email_has_the_placeholder(email: object) -> None:
    placeholder = mapped(customer(email=email)).email
    assert placeholder == "no-email@alleaves.local"
    assert not identifies(placeholder)


def test_names_are_stripped_and_taken_from_the_full_name_where_there_are_no_others() -> None:
    stripped = mapped(customer(name_first=" Ida ", name_last=None))
    whole = mapped(customer(name_first=None, name_last="", full_name="Ida van der Forge"))

    assert (stripped.first_name, stripped.last_name) == ("Ida", "")
    assert (whole.first_name, whole.last_name) == ("Ida", "van der Forge")


@pytest.mark.parametrize(
    ("sent", "points"),
    [(None, 0), (120, 120), ("120", 120), (12.5, 13), ("lots", 0), (-4, -4)],
)
def test_points_are_whole_and_0_where_there_are_none(sent: object, points: int) -> None:
    assert mapped(customer(loyalty_points=sent)).loyalty_points == points


@pytest.mark.parametrize("key", ["user_id", "userId"])
def test_a_user_id_is_there_only_where_it_is_sent(key: str) -> None:
    assert mapped(customer(**{key: "u-17"})).user_id == "u-17"


def test_a_second_phone_number_stands_in_for_a_missing_first() -> None:
    assert mapped(customer(phone=None, phone2=2125550150)).phone == "2125550150"


@pytest.mark.parametrize(
    "fields",
    [
        {"date_of_birth": "unknown"},
        {"date_created": "unknown", "customer_since": None},
        {"phone": ["odd"]},
        {"loyalty_points": {}},
    ],
)
def test_an_unreadable_detail_does_not_cost_the_customer(fields: dict[str, Any]) -> None:
    assert mapped(customer(**fields)).id == "4711"


@pytest.mark.parametrize("key", [4711, "4711", " 4711 ", 4711.0])
def test_an_id_is_the_same_text_however_it_is_sent(key: object) -> None:
    assert mapped(customer(id_customer=key)).id == "4711"


@pytest.mark.parametrize("key", [None, "", "  ", True, [], {}, "a/b", "..", "9" * 300])
def test_a_customer_without_a_usable_id_is_rejected(key: object) -> None:
    record = to_customer(customer(id_customer=key), ZONE)

    assert isinstance(record, Rejected)
    assert record.code == "missing_id"
    assert record.record_id is None
    assert '"name_first":"Ida"' in record.raw


@pytest.mark.parametrize("row", [None, 7, "text", []])
def test_a_row_that_is_no_object_is_rejected(row: object) -> None:
    record = to_customer(row, ZONE)

    assert isinstance(record, Rejected)
    assert record.code == "not_an_object"


def test_text_that_cannot_be_stored_is_rejected_and_its_raw_form_can_be() -> None:
    record = to_customer(customer(name_first="Ida \ud800"), ZONE)

    assert isinstance(record, Rejected)
    assert record.code == "bad_text"
    assert record.raw.encode()


SUMMARY = {"total_spent": "250.00", "total_orders": 2, "favorite_category": "Category > Vapes"}


@pytest.mark.parametrize(
    ("fields", "categories", "band"),
    [
        (SUMMARY, ("Vapes",), PriceBand.PREMIUM),
        (SUMMARY | {"total_orders": None, "order_count": "10"}, ("Vapes",), PriceBand.BUDGET),
        (SUMMARY | {"total_spent": "much"}, ("Vapes",), PriceBand.MID),
        (SUMMARY | {"favorite_category": None}, (), PriceBand.PREMIUM),
        # A category that cannot be stored is not given: the customer is read all the same.
        (SUMMARY | {"favorite_category": "x" * 3_000}, (), PriceBand.PREMIUM),
        (SUMMARY | {"favorite_category": "\ud800"}, (), PriceBand.PREMIUM),
        (SUMMARY | {"favorite_category": ["Vapes"]}, (), PriceBand.PREMIUM),
    ],
)
def test_the_pos_s_own_summary_says_what_a_customer_likes(
    fields: dict[str, Any], categories: tuple[str, ...], band: PriceBand
) -> None:
    said = Preferences(categories, (), band, PreferenceSource.POS)
    assert mapped(customer(**fields)).preferences == said


@pytest.mark.parametrize(
    "fields", [{}, {"total_spent": 0, "total_orders": 0, "favorite_category": ""}]
)
def test_an_empty_summary_says_nothing(fields: dict[str, Any]) -> None:
    assert mapped(customer(**fields)).preferences is None
