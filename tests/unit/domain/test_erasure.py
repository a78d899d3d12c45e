"""Who was erased is known by salted hashes only; and what of a person stands in a text goes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.customers import Customer
from shared.domain.erasure import (
    ERASED,
    HASH_BYTES,
    ErasedPeople,
    PersonalData,
    data_of_contact,
    hash_of,
    names_of,
)
from shared.domain.orders import Order
from tests.sample_orders import sample_order

SALT, OTHER_SALT = b"s" * 32, b"t" * 32
EMAIL, PHONE = "zephyrine.q@example.com", "(518) 555-0147"
PERSON = PersonalData(frozenset({"100777"}), names=names_of("Zephyrine", "Quixwood")).plus(
    data_of_contact([EMAIL], [PHONE], ["user-7"])
)
PEOPLE = ErasedPeople(SALT).adding(PERSON)


def test_what_is_kept_of_an_erased_person_is_hashes_under_the_orgs_own_salt() -> None:
    kept = b"".join(PEOPLE.hashes)
    assert len(kept) == HASH_BYTES * len(PEOPLE.hashes) == HASH_BYTES * 4
    for told in (EMAIL, "5185550147", "100777", "Quixwood"):
        assert told.encode() not in kept
    assert PEOPLE.hashes.isdisjoint(ErasedPeople(OTHER_SALT).adding(PERSON).hashes)
    assert hash_of(SALT, "id", "5") != hash_of(SALT, "email", "5")
    assert not ErasedPeople(OTHER_SALT, PEOPLE.hashes).has_email(EMAIL)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "100777"},
        {"email": "ZEPHYRINE.Q@example.com "},
        {"phone": "+1 518.555.0147"},
        {"phone": "5185550147"},
    ],
)
def test_an_erased_person_is_known_again_by_whatever_names_them(fields: dict[str, str]) -> None:
    assert PEOPLE.is_of(customer(**fields))


def test_nobody_else_is_taken_for_them() -> None:
    assert not PEOPLE.is_of(customer(email="ada@example.com", phone="(518) 555-0148"))
    assert not PEOPLE.is_of(customer(first_name="Zephyrine", last_name="Quixwood"))


def customer(**changes: Any) -> Customer:
    fields: dict[str, Any] = {
        "id": "5",
        "email": "",
        "first_name": "",
        "last_name": "",
        "phone": None,
        "date_of_birth": None,
        "user_id": None,
        "loyalty_points": 0,
        "created_at": None,
        "source": "alleaves",
    }
    return Customer(**{**fields, **changes})


def test_an_order_of_theirs_is_an_anonymous_sale() -> None:
    theirs = bought(pos_customer_id="100777", email=EMAIL, customer_name="Zephyrine Quixwood")
    found = PEOPLE.anonymous(theirs)
    assert (found.pos_customer_id, found.email, found.customer_name) == (ERASED, None, "")
    assert (found.total_cents, found.created_at) == (theirs.total_cents, theirs.created_at)


def test_somebody_elses_order_loses_what_names_them_and_stays_that_ones() -> None:
    found = PEOPLE.anonymous(bought(pos_customer_id="6", email=EMAIL, phone="(212) 555-0100"))
    assert (found.pos_customer_id, found.email, found.phone) == ("6", None, "(212) 555-0100")
    others = bought(pos_customer_id="6", email="ada@example.com")
    assert PEOPLE.anonymous(others) is others


def bought(**fields: Any) -> Order:
    return sample_order(datetime(2026, 3, 18, tzinfo=UTC), **fields)


@pytest.mark.parametrize(
    "text",
    [
        f"customer 100777 <{EMAIL.upper()}>",
        "called 518-555-0147 twice",
        "Quixwood, Zephyrine came",
        '{"customerIds":["100777"],"note":"zephyrine  quixwood"}',
        "tenants/org_a/customers/100777",
        "user-7 signed in",
    ],
)
def test_a_text_loses_the_person_and_keeps_the_rest(text: str) -> None:
    found = PERSON.redacted(text)
    assert found != text
    for told in (EMAIL, "555-0147", "quixwood", "100777", "user-7"):
        assert told not in str(found).casefold()


def test_a_number_that_only_reads_like_theirs_stays() -> None:
    assert PERSON.redacted("order 1007770 of 100777 pieces") == "order 1007770 of 100777 pieces"
    assert PERSON.redacted({"total": 100777}) == {"total": 100777}
