"""Real mailboxes on this machine."""

from collections.abc import Iterator

import pytest

from tests.emulator.alerts.mailbox import Mailbox, mailbox


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
