"""One small cloud for all tests here, and a collector of each test's own reports."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from deploy.manifest import Manifest
from tests.emulator.local_cloud.collector import Collector, collecting

HERE = Path(__file__).parent
EVENT_FUNCTIONS = ("on_message", "on_change", "on_dead_letter")


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="package")
def stack(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"COLLECTOR": collector.url}
    with Stack(
        Manifest.read(HERE / "functions.yaml"),
        sources=HERE / "functions",
        simulator=False,
        extra_env=dict.fromkeys(EVENT_FUNCTIONS, environment),
        logs=tmp_path_factory.mktemp("stack-logs"),
    ) as stack:
        yield stack


@pytest.fixture
def token() -> str:
    """Marks what the test causes."""
    return secrets.token_hex(8)
