"""Whatever is sent to the function that takes longest to try, it answers as it describes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.doors.conftest import Doors
from tests.e2e.doors.fuzzing import LONGEST, SECONDS, fuzz


@pytest.mark.usefixtures("lightspeed_location")
@pytest.mark.timeout(SECONDS + 60)
def test_whatever_is_sent_to_the_longest_the_answer_is_as_described(
    doors: Doors, report_figure: Callable[[str], None], tmp_path: Path
) -> None:
    fuzz(doors, report_figure, tmp_path, LONGEST)
