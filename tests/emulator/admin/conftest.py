"""The ``admin_api`` function beside an org at a simulated POS."""

from collections.abc import Iterator

import pytest

from shared.bootstrap import admin_api, org_sync
from tests.emulator.admin.client import AdminClient
from tests.emulator.environment import Environment
from tests.emulator.functions import InProcess


@pytest.fixture
def functions(environment: Environment) -> Iterator[InProcess]:
    with pytest.MonkeyPatch.context() as patch:
        yield InProcess(environment.client.project, environment.database, patch)


@pytest.fixture
def admin(functions: InProcess) -> AdminClient:
    return AdminClient(functions, functions.app(admin_api), functions.consumer(org_sync))
