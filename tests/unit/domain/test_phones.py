"""One form for all the ways in which people write a telephone number."""

import pytest

from shared.domain.customers import normal_phone


@pytest.mark.parametrize(
    "text",
    ["+15185550123", "518-555-0123", "(518) 555 0123", "1 518 555 0123", " 518.555.0123 "],
)
def test_the_spellings_of_a_number_have_one_form(text: str) -> None:
    assert normal_phone(text) == "+15185550123"


def test_a_number_of_another_country_keeps_its_code() -> None:
    assert normal_phone("+44 20 7946 0018") == "+442079460018"


@pytest.mark.parametrize("text", [None, "", "none", "555-0123", "0000000000", "123"])
def test_what_is_no_valid_number_is_none(text: str | None) -> None:
    assert normal_phone(text) is None
