"""When two records of one id surely are of different people."""

import pytest

from shared.domain.customers import Customer, are_different_people


def customer(**fields: str | None) -> Customer:
    return Customer(
        id="1",
        email=fields.get("email") or "no-email@alleaves.local",
        first_name=fields.get("first") or "",
        last_name=fields.get("last") or "",
        phone=fields.get("phone"),
        date_of_birth=fields.get("born"),
        user_id=None,
        loyalty_points=0,
        created_at=None,
        source="alleaves",
    )


ROBIN = {
    "first": "Robin",
    "last": "Ash",
    "email": "robin@example.com",
    "phone": "518-555-0123",
    "born": "1990-01-02",
}
KIM = {
    "first": "Kim",
    "last": "Birch",
    "email": "kim@example.com",
    "phone": "518-555-0199",
    "born": "1985-03-04",
}


def test_two_people_have_nothing_in_common() -> None:
    assert are_different_people(customer(**ROBIN), customer(**KIM))


@pytest.mark.parametrize("fact", ["email", "phone", "born"])
def test_one_fact_in_common_may_be_one_person(fact: str) -> None:
    assert not are_different_people(customer(**ROBIN), customer(**KIM | {fact: ROBIN[fact]}))


@pytest.mark.parametrize(
    "spelled",
    [
        {"first": "robin", "last": " ASH"},
        {"phone": "+1 (518) 555 0123"},
    ],
)
def test_a_fact_is_the_same_however_it_is_spelled(spelled: dict[str, str]) -> None:
    assert not are_different_people(customer(**ROBIN), customer(**KIM | spelled))


@pytest.mark.parametrize("fact", ["email", "phone", "born"])
def test_one_fact_given_in_both_and_different_is_enough(fact: str) -> None:
    one, other = {fact: ROBIN[fact]}, {fact: KIM[fact]}
    assert are_different_people(customer(**one), customer(**other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {}),
        (ROBIN, {}),
        ({"first": "Guest"}, {"first": "Guest"}),
        ({"email": ROBIN["email"]}, {"phone": KIM["phone"]}),
        ({"phone": "000"}, {"phone": KIM["phone"]}),
        ({"phone": "000-000-0000"}, {"phone": KIM["phone"]}),
    ],
)
def test_where_no_fact_is_given_in_both_nothing_is_sure(
    one: dict[str, str], other: dict[str, str]
) -> None:
    assert not are_different_people(customer(**one), customer(**other))
