"""Whatever is sent to a function that serves HTTP, it answers as it describes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.doors.conftest import Doors
from tests.e2e.doors.fuzzing import OTHERS, SECONDS, fuzz


@pytest.mark.usefixtures("lightspeed_location")
@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("function", OTHERS)
def test_whatever_is_sent_the_answer_is_as_described(
    doors: Doors, report_figure: Callable[[str], None], tmp_path: Path, function: str
) -> None:
    fuzz(doors, report_figure, tmp_path, function)
