"""Matching orders to customers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ids import LONGEST_NUMBER, natural_key
from shared.domain.order_matching import SkipReason, match_orders
from shared.domain.orders import Order
from tests.sample_orders import sample_order

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PLACEHOLDER_EMAIL = "no-email@alleaves.local"


@dataclass
class Known:
    """A directory of invented customers."""

    ids: set[str] = field(default_factory=set)
    emails: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)

    def has(self, customer_id: str) -> bool:
        return customer_id in self.ids

    def by_email(self, emails: Iterable[str]) -> Mapping[str, str]:
        emails = list(emails)
        self.asked.append(emails)
        return {email: self.emails[email] for email in emails if email in self.emails}

    def by_user_id(self, user_ids: Iterable[str]) -> Mapping[str, str]:
        user_ids = list(user_ids)
        self.asked.append(user_ids)
        return {user: self.users[user] for user in user_ids if user in self.users}


def order(
    customer_id: str | None = None,
    email: str | None = None,
    user_id: str | None = None,
    external_id: str = "1",
) -> Order:
    return sample_order(
        NOW, external_id=external_id, pos_customer_id=customer_id, user_id=user_id, email=email
    )


DIRECTORY = Known(
    ids={"7"},
    emails={"robin@example.com": "8", PLACEHOLDER_EMAIL: "666"},
    users={"web-9": "9"},
)


@pytest.mark.parametrize(
    ("found", "owner"),
    [
        (order(customer_id="7", email="robin@example.com", user_id="web-9"), "7"),
        (order(customer_id="404", email="robin@example.com"), "8"),
        (order(email="robin@example.com", user_id="web-9"), "8"),
        (order(user_id="web-9"), "9"),
        (order(email=PLACEHOLDER_EMAIL, user_id="web-9"), "9"),
        (order(email="customer_5@alleaves.local", user_id="web-9"), "9"),
        (order(email="nobody@example.com", user_id="web-9"), None),
        (order(email=PLACEHOLDER_EMAIL), None),
        (order(customer_id="404"), None),
        (order(), None),
    ],
    ids=[
        "its customer id comes first",
        "an unknown id falls back on the e-mail",
        "an e-mail outranks a user id",
        "a user id where there is no e-mail",
        "a placeholder is no e-mail",
        "nor is a placeholder of one customer's own",
        "an e-mail that nobody has is not given up for a user id",
        "the placeholder matches nobody, whoever has it stored",
        "an unknown id alone is nobody",
        "nothing is nobody",
    ],
)
def test_an_order_belongs_to(found: Order, owner: str | None) -> None:
    assert match_orders([found], DIRECTORY).customer_ids.get("1") == owner


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (order(customer_id="404"), SkipReason.UNKNOWN_CUSTOMER_ID),
        (
            order(customer_id="404", email="nobody@example.com", user_id="web-0"),
            SkipReason.UNKNOWN_CUSTOMER_ID,
        ),
        (order(email="nobody@example.com"), SkipReason.UNKNOWN_EMAIL),
        (order(email="nobody@example.com", user_id="web-9"), SkipReason.UNKNOWN_EMAIL),
        (order(user_id="web-0"), SkipReason.UNKNOWN_USER_ID),
        (order(email=PLACEHOLDER_EMAIL, user_id="web-0"), SkipReason.UNKNOWN_USER_ID),
        (order(), SkipReason.NO_BUYER),
        (order(email=PLACEHOLDER_EMAIL), SkipReason.NO_BUYER),
        (order(email="customer_5@alleaves.local"), SkipReason.NO_BUYER),
        (order(customer_id="", email="", user_id=""), SkipReason.NO_BUYER),
    ],
    ids=[
        "its customer id is not stored",
        "a customer id outranks all else that does not match either",
        "nobody has its e-mail",
        "an e-mail outranks a user id",
        "nobody has its user id",
        "a placeholder is no e-mail",
        "it says nothing",
        "the placeholder says nothing",
        "nor does a placeholder of one customer's own",
        "empty texts say nothing",
    ],
)
def test_an_order_that_matches_nobody_is_skipped_because(found: Order, reason: SkipReason) -> None:
    assert match_orders([found], DIRECTORY).skipped == {"1": reason}


@given(
    st.lists(
        st.builds(
            order,
            customer_id=st.sampled_from([None, "", "7", "404"]),
            email=st.sampled_from(
                [None, "", PLACEHOLDER_EMAIL, "robin@example.com", "x@y.example"]
            ),
            user_id=st.sampled_from([None, "", "web-9", "web-0"]),
            external_id=st.sampled_from("abcdefgh"),
        )
    )
)
def test_every_order_of_a_page_is_matched_or_has_exactly_one_reason(page: list[Order]) -> None:
    # When
    matches = match_orders(page, DIRECTORY)
    # Then
    assert matches.customer_ids.keys() | matches.skipped.keys() == {o.external_id for o in page}
    assert not matches.customer_ids.keys() & matches.skipped.keys()
    assert all(reason.message for reason in matches.skipped.values())


def test_the_codes_of_the_reasons_are_stable_for_they_are_stored() -> None:
    assert [reason.value for reason in SkipReason] == [
        "unknown_customer_id",
        "unknown_email",
        "unknown_phone",
        "unknown_user_id",
        "no_buyer",
    ]


def test_many_orders_of_one_buyer_ask_for_the_buyer_once() -> None:
    # Given three orders of two e-mails, and none that only a user id names
    directory = Known(emails={"robin@example.com": "8"})
    emails = {"1": "robin@example.com", "2": "kim@example.com", "3": "robin@example.com"}
    orders = [order(email=email, external_id=number) for number, email in emails.items()]

    found = match_orders(orders, directory)

    assert found.customer_ids == {"1": "8", "3": "8"}
    assert directory.asked == [["kim@example.com", "robin@example.com"]]


def test_orders_that_name_nobody_ask_for_nobody() -> None:
    # Given: no id, e-mail or user id that says anything
    directory = Known()
    orders = [order(), order(email=PLACEHOLDER_EMAIL), order(user_id="", email="")]

    assert match_orders(orders, directory).customer_ids == {}
    assert directory.asked == []


def test_an_id_of_more_digits_than_a_number_has_is_text() -> None:
    longest, too_long, endless = "9" * LONGEST_NUMBER, "1" * (LONGEST_NUMBER + 1), "1" * 5_000
    assert sorted([endless, too_long, "a", longest, "10"], key=natural_key) == [
        "10",
        longest,
        too_long,
        endless,
        "a",
    ]


def test_an_id_in_digits_of_another_script_is_text() -> None:
    arabic_three = "\N{ARABIC-INDIC DIGIT THREE}"
    assert sorted([arabic_three, "a", "10"], key=natural_key) == ["10", "a", arabic_three]


def test_numeric_ids_sort_by_their_numbers_and_before_the_others() -> None:
    assert sorted(["b", "10", "9", "a", "7", "007"], key=natural_key) == [
        "007",
        "7",
        "9",
        "10",
        "a",
        "b",
    ]
