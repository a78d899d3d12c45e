"""One form for all the ways in which people write a telephone number."""

import pytest

from shared.domain.customers import PhoneNumber, normal_phone, phone_number


@pytest.mark.parametrize(
    "text",
    ["+15185550123", "518-555-0123", "(518) 555 0123", "1 518 555 0123", " 518.555.0123 "],
)
def test_the_spellings_of_a_number_have_one_form(text: str) -> None:
    assert normal_phone(text) == "+15185550123"


def test_a_number_of_another_country_keeps_its_code() -> None:
    assert normal_phone("+44 20 7946 0018") == "+442079460018"


@pytest.mark.parametrize(
    "text", [None, "", "none", "123", "12345", "99999999999999999", "555-0123", 5185550123]
)
def test_what_can_be_no_number_or_lacks_its_area_code_is_none(text: object) -> None:
    assert normal_phone(text) is None


@pytest.mark.parametrize("text", ["+15551234567", "555 123 4567", "(555) 123-4567"])
def test_a_number_that_nobody_is_assigned_is_one_all_the_same(text: str) -> None:
    assert phone_number(text) == PhoneNumber("+15551234567", assigned=False)
    assert normal_phone(text) == "+15551234567"


def test_an_assigned_number_is_known_as_such() -> None:
    assert phone_number("518-555-0123") == PhoneNumber("+15185550123", assigned=True)
