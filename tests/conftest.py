"""What holds for all tests: unit tests have no sockets, and each kind of test has its marker."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings
from pytest_socket import disable_socket, enable_socket

TESTS = Path(__file__).parent

# Two cores shared with emulators: how long one example takes says nothing. What decides whether a
# change lands tries the same cases each time; `make fuzz` looks for new ones.
settings.register_profile(
    "shared machine", deadline=None, derandomize="FUZZ_CASES" not in os.environ
)
settings.load_profile("shared machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        kind = _kind(item)
        if kind in ("emulator", "e2e"):
            item.add_marker(kind)


@pytest.fixture(autouse=True)
def _no_sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    if _kind(request.node) != "unit":
        yield
        return
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


@pytest.fixture(autouse=True)
def _logs_put_back() -> Iterator[None]:
    """A function that a test starts sets up logs, to an output that ends with the test."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
def report_figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Reports a figure: in the report of the tests, and on the terminal with ``-s``."""

    def say(text: str) -> None:
        record_property("figure", text)
        sys.stdout.write(f"\n{text}\n")

    return say


def _kind(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]
