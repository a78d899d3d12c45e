"""Real mailboxes on this machine."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from google.cloud.firestore import Client

from deploy.local.clients import firestore_client
from tests.emulator.alerts.mailbox import Mailbox, mailbox


@pytest.fixture
def client(firestore_host: str, project: str) -> Iterator[Client]:
    """The test's own project at the Firestore emulator."""
    with closing(firestore_client(firestore_host, project)) as found:
        yield found


@pytest.fixture
def operator() -> Iterator[Mailbox]:
    """Where the operator's alerts arrive."""
    with mailbox("operator-token") as box:
        yield box


@pytest.fixture
def merchant() -> Iterator[Mailbox]:
    """Where the org's alerts arrive."""
    with mailbox("merchant-token") as box:
        yield box
