"""Which e-mail says who somebody is."""

import pytest

from shared.domain.customers import identifies, normal_email


@pytest.mark.parametrize(
    ("email", "normal"),
    [
        (" Robin.Ash@Example.COM ", "robin.ash@example.com"),
        ("", ""),
        ("  ", ""),
        (None, ""),
        (5, ""),
    ],
)
def test_an_e_mail_is_lower_case_and_empty_where_there_is_none(email: object, normal: str) -> None:
    assert normal_email(email) == normal


@pytest.mark.parametrize(
    ("email", "says_who"),
    [
        ("robin.ash@example.com", True),
        ("robin.ash", False),
        ("", False),
        (None, False),
        ("no-email@alleaves.local", False),
        ("customer_5@alleaves.local", False),
        ("robin@alleaves.local.example.com", True),
        ("robin/ash@example.com", True),
        ("r" * 242 + "@example.com", True),
        ("r" * 243 + "@example.com", False),
        ("x" * 3000 + "@y.com", False),
        ("__a@b.c__", False),
        ("__a@b.c", True),
        ("\ud800@example.com", False),
    ],
)
def test_an_e_mail_identifies_somebody_unless_it_is_none_a_placeholder_or_no_key(
    email: str | None, says_who: bool
) -> None:
    assert identifies(email) is says_who
