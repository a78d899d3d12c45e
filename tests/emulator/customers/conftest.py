"""A shop for each test."""

from collections.abc import Iterator

import pytest
from google.cloud.firestore import Client

from deploy.local.clients import firestore_client
from tests.emulator.customers.desk import Desk
from tests.emulator.customers.people import EVERYBODY, PEOPLE
from tests.emulator.customers.shop import ORG, Shop


@pytest.fixture
def client(firestore_host: str, project: str) -> Iterator[Client]:
    found = firestore_client(firestore_host, project)
    yield found
    found.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def shop(client: Client) -> Shop:
    return Shop(client)


@pytest.fixture
def full(shop: Shop) -> Shop:
    """Five customers with names, and twelve that are told apart by their figures alone."""
    for customer_id, (first, last, email, phone) in PEOPLE.items():
        fields = {"firstName": first, "lastName": last, "email": email, "phone": phone}
        shop.customer(customer_id, **fields)
    for number in map(int, EVERYBODY[len(PEOPLE) :]):
        shop.customer(str(number))
        for order in range(number % 4):
            shop.order(f"{number}-{order}", str(number), 50, days_ago=5 * (number - 98) + order)
    shop.order("a", "1", 100, ("10", "Flower", 1), days_ago=2)
    shop.order("b", "1", -20, days_ago=1)
    shop.order("c", "1", 30, days_ago=0, status="pending")
    shop.compute()
    return shop


@pytest.fixture
def desk(full: Shop) -> Desk:
    return Desk(full.database, ORG)
