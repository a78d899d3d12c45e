"""Google's emulators, started once for all tests of this folder."""

import secrets
from collections.abc import Iterator

import pytest

from deploy.local import emulators


@pytest.fixture(scope="session")
def _emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulators.Emulators]:
    with emulators.running(tmp_path_factory.mktemp("emulator-logs")) as running:
        yield running


@pytest.fixture(scope="session")
def firestore_host(_emulators: emulators.Emulators) -> str:
    """``127.0.0.1:PORT`` of the Firestore emulator."""
    return _emulators.firestore


@pytest.fixture(scope="session")
def pubsub_host(_emulators: emulators.Emulators) -> str:
    """``127.0.0.1:PORT`` of the Pub/Sub emulator."""
    return _emulators.pubsub


@pytest.fixture
def project() -> str:
    """A project of the test's own: the emulators keep projects apart."""
    return f"demo-{secrets.token_hex(6)}"
