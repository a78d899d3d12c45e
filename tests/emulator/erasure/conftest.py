"""An org with an erasure, and a search of every document there is."""

import pytest

from tests.emulator.environment import Environment
from tests.emulator.erasure.erasing import Erasing


@pytest.fixture
def erasing(environment: Environment) -> Erasing:
    return Erasing(environment)
