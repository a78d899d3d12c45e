"""schemathesis against the description that an HTTP function serves of itself.

A short form; FUZZ_CASES=2000 (``make fuzz``) is the long one.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from math import ceil
from pathlib import Path

from deploy.manifest import Manifest
from tests.e2e.doors.conftest import ORG, Doors

LONG = "FUZZ_CASES" in os.environ
CASES = int(os.environ.get("FUZZ_CASES", "60"))
"""At least so many per function."""
PHASES = "coverage,fuzzing" if LONG else "fuzzing"
"""The edges of every parameter, one after another, take minutes: only the long form tries them."""
PAGES = "^$" if LONG else "^/(orgs|dead-letters)"
"""Pages take the parameters of the JSON routes that they read: only the long form tries both."""
SECONDS = 240 + CASES
CONFIG = Path(__file__).with_name("schemathesis.toml")
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
LONGEST = "manual_sync"
"""The function that takes about as long as all others, in a file of its own: files are tried side
by side."""
OTHERS = [
    each.name
    for each in Manifest.read().functions.values()
    if each.trigger == "http" and each.name != LONGEST
]


def fuzz(
    doors: Doors, report_figure: Callable[[str], None], working_directory: Path, function: str
) -> None:
    """Fails where an answer of the function is not as it describes."""
    url = doors.stack.functions[function] + "/openapi.json"
    described = doors.call(function, "GET", "/openapi.json").json()
    tried = {path: found for path, found in described["paths"].items() if not re.match(PAGES, path)}
    operations = sum(map(len, tried.values()))
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.e2e.doors.fuzz_hooks",
        "PYTHONPATH": str(Path.cwd()),
        "FUZZ_ID_TOKEN": doors.authority.id_token("sue", role="super_user", orgId=ORG),
        "FUZZ_CRON_SECRET": doors.cron_secret,
    }

    ended = subprocess.run(
        [
            *(
                SCHEMATHESIS,
                "--config-file",
                str(CONFIG),
                "run",
                url,
                "--no-color",
                "--phases",
                PHASES,
            ),
            *("--exclude-path-regex", PAGES),
            *("--max-examples", str(ceil(3 * CASES / operations))),
            *("--suppress-health-check", "all", "--request-timeout", "20"),
        ],
        env=environment,
        cwd=working_directory,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    generated = int(re.search(r"(\d+) generated", ended.stdout).group(1))  # type: ignore[union-attr]
    report_figure(
        f"{function}: {operations} operations, {generated} cases, every answer as described"
    )
    assert generated >= CASES
