"""What a function does when it may not start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FRAMEWORK = Path(sys.executable).with_name("functions-framework")
SECONDS = 60


@pytest.mark.parametrize("function", ["manual_sync", "webhooks", "org_sync"])
def test_a_deployed_function_with_an_emulator_set_does_not_start(function: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": ".",
        "GOOGLE_CLOUD_PROJECT": "p",
        "POS_SYNC_TOPIC": "projects/p/topics/pos-sync",
        "CRON_SECRET": "x" * 32,
        "K_SERVICE": function.replace("_", "-"),
        "FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099",
    }
    source = f"functions/{function}/main.py"

    ended = subprocess.run(
        [FRAMEWORK, "--source", source, "--target", function, "--port", "0"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert ended.returncode != 0
    assert "EmulatorInProduction" in ended.stderr
    assert "FIREBASE_AUTH_EMULATOR_HOST" in ended.stderr
