"""Matching orders to customers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from shared.domain.ids import natural_key
from shared.domain.order_matching import match_orders
from shared.domain.orders import Channel, Order, OrderStatus, OrderType

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PLACEHOLDER_EMAIL = "no-email@alleaves.local"


@dataclass
class Known:
    """A directory of invented customers."""

    ids: set[str] = field(default_factory=set)
    emails: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)

    def has(self, customer_id: str) -> bool:
        return customer_id in self.ids

    def by_email(self, emails: Iterable[str]) -> Mapping[str, str]:
        return {email: self.emails[email] for email in emails if email in self.emails}

    def by_user_id(self, user_ids: Iterable[str]) -> Mapping[str, str]:
        return {user: self.users[user] for user in user_ids if user in self.users}


def order(
    customer_id: str | None = None, email: str | None = None, user_id: str | None = None
) -> Order:
    return Order(
        external_id="1",
        source="alleaves",
        pos_customer_id=customer_id,
        user_id=user_id,
        email=email,
        customer_name="Robin Example",
        phone=None,
        location_id="1000",
        status=OrderStatus.COMPLETED,
        pos_status="completed",
        type=OrderType.IN_STORE,
        channel=Channel.RETAIL,
        items=(),
        total_cents=100,
        subtotal_cents=None,
        tax_cents=None,
        discount_cents=None,
        created_at=NOW,
        updated_at=NOW,
    )


DIRECTORY = Known(
    ids={"7"},
    emails={"robin@example.com": "8", PLACEHOLDER_EMAIL: "666"},
    users={"web-9": "9"},
)


@pytest.mark.parametrize(
    ("given", "owner"),
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
def test_an_order_belongs_to(given: Order, owner: str | None) -> None:
    assert match_orders([given], DIRECTORY).get("1") == owner


def test_numeric_ids_sort_by_their_numbers_and_before_the_others() -> None:
    assert sorted(["b", "10", "9", "a", "007", "7"], key=natural_key) == [
        "007",
        "7",
        "9",
        "10",
        "a",
        "b",
    ]
