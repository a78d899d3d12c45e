"""What a function loads before it can answer."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
LOADED = "import sys, shared.bootstrap.dashboard; print('google.cloud.pubsub_v1' in sys.modules)"


def test_a_function_that_only_reads_does_not_load_pubsub() -> None:
    found = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert found.stdout.strip() == "False"
