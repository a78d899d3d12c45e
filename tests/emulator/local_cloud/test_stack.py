"""A stack that cannot come up, or stay up, says why and leaves nothing behind."""

import time
from pathlib import Path

import psutil
import pytest

from deploy.local.processes import StartFailed
from deploy.local.stack import Stack
from deploy.manifest import Manifest

HERE = Path(__file__).parent
ONE_FUNCTION = ["on_request"]


def small(logs: Path, sources: Path = HERE / "functions") -> Stack:
    manifest = Manifest.read(HERE / "functions.yaml")
    return Stack(manifest, only=ONE_FUNCTION, sources=sources, simulator=False, logs=logs)


def test_a_function_that_cannot_be_loaded_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    # Given
    source = tmp_path / "functions" / "on_request" / "main.py"
    source.parent.mkdir(parents=True)
    source.write_text("import nothing_of_that_name\n")
    stack = small(tmp_path / "logs", tmp_path / "functions")
    # When
    with pytest.raises(StartFailed, match=r"on_request ended (.|\n)*nothing_of_that_name"), stack:
        pass
    # Then
    children = psutil.Process().children(recursive=True)
    assert not [each for each in children if str(tmp_path) in " ".join(each.cmdline())]


def test_an_emulator_that_ends_is_the_end_of_the_stack(tmp_path: Path) -> None:
    with small(tmp_path / "logs") as stack:
        # Given
        assert list(stack.functions) == ONE_FUNCTION
        assert stack.failure is None
        # When
        psutil.Process(stack.pids["pubsub"]).kill()
        # Then
        deadline = time.monotonic() + 10
        while stack.failure is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert stack.failure.startswith("pubsub ended with code -9")
        assert "pubsub" not in stack.pids


def test_a_function_can_be_started_anew_at_the_same_address(stack: Stack) -> None:
    # Given
    before = stack.pids["on_request"], stack.functions["on_request"]
    # When
    stack.restart("on_request")
    # Then
    after = stack.pids["on_request"], stack.functions["on_request"]
    assert before[0] != after[0]
    assert before[1] == after[1]
