"""An instance of the function that operators ask."""

import pytest

from shared.store.database import Database
from tests.emulator.operations.client import OperationsClient
from tests.fakes import OffsetClock


@pytest.fixture
def operations(database: Database, clock: OffsetClock) -> OperationsClient:
    return OperationsClient(database, clock)
