"""A shop for each test."""

from collections.abc import Iterator

import pytest
from google.cloud.firestore import Client

from deploy.local.clients import firestore_client
from tests.emulator.customers.shop import Shop


@pytest.fixture
def client(firestore_host: str, project: str) -> Iterator[Client]:
    found = firestore_client(firestore_host, project)
    yield found
    found.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def shop(client: Client) -> Shop:
    return Shop(client)
