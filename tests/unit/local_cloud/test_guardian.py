"""What the guardian leaves alone."""

import json
import os
from pathlib import Path

from deploy.local import guardian


def test_the_stack_file_of_a_dead_owner_is_removed(tmp_path: Path) -> None:
    # Given
    file = tmp_path / "stack.json"
    file.write_text(json.dumps({"pid": 17}))
    # When
    guardian.forget(file, 17)
    # Then
    assert not file.exists()


def test_the_stack_file_of_another_stack_stays(tmp_path: Path) -> None:
    # Given
    file = tmp_path / "stack.json"
    file.write_text(json.dumps({"pid": 18}))
    # When
    guardian.forget(file, 17)
    guardian.forget(tmp_path / "none.json", 17)
    # Then
    assert file.exists()


def test_processes_without_the_marker_are_not_touched() -> None:
    assert os.getpid() not in {each.pid for each in guardian.marked("no such marker")}
    assert list(guardian.marked("no such marker")) == []
