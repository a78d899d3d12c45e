"""A strict Firestore of these tests' own, in their process: they have it refuse and fail."""

from collections.abc import Iterator

import pytest

from tests.strict_firestore.control import Control
from tests.strict_firestore.proxy import Proxy


@pytest.fixture(scope="session")
def strict_proxy(emulator_host: str) -> Iterator[Proxy]:
    with Proxy(emulator_host) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def firestore_host(strict_proxy: Proxy) -> str:
    """What these tests' clients speak to."""
    return strict_proxy.host


@pytest.fixture
def control(strict_proxy: Proxy) -> Iterator[Control]:
    with Control(strict_proxy.host) as control:
        yield control
        control.clear()


@pytest.fixture(autouse=True)
def _nothing_is_refused() -> None:
    """These tests are about refusals."""
