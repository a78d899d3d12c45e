"""``python -m tests.campaign --seeds 1-200``: a line per seed, all of a seed that fails."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from deploy.local.paths import ROOT
from shared import log
from tests.campaign import services
from tests.campaign.plan import DRAWS
from tests.campaign.run import Outcome, run_seed

LOGS = ROOT / ".local" / "campaign"


def main() -> int:
    """Run the seeds; 1 where one of them failed."""
    options = _options()
    log.configure("ERROR")
    failed: list[int] = []
    seconds = 0.0
    with (
        tempfile.TemporaryDirectory() as logs,
        services.running(Path(logs)) as running,
        ThreadPoolExecutor(options.jobs) as pool,
    ):
        run = partial(run_seed, services=running, logs=LOGS, without=options.without)
        for outcome in pool.map(run, options.seeds):
            _print(*_lines(outcome, trail=options.trail))
            seconds += outcome.seconds
            if outcome.problems:
                failed.append(outcome.seed)
    count = len(options.seeds)
    _print(f"{count} seeds, {len(failed)} failed, {seconds / count:.1f} s per seed")
    if failed:
        _print(f"replay: python -m tests.campaign --seeds {','.join(map(str, failed))}")
    return 1 if failed else 0


def _lines(outcome: Outcome, *, trail: bool) -> Iterator[str]:
    yield outcome.line
    if outcome.problems or trail:
        yield from outcome.trail
        yield from (f"  ! {problem}" for problem in outcome.problems)
        yield f"  logs: {LOGS}/seed-{outcome.seed}.log"


def _print(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=range(1, 21), help="17, 1-200 or 3,5,8-9")
    parser.add_argument("--jobs", type=int, default=2, help="seeds at once")
    parser.add_argument("--trail", action="store_true", help="print what happened in any case")
    parser.add_argument(
        "--without", nargs="+", choices=DRAWS, default=(), help="leave out what these draw"
    )
    return parser.parse_args()


def _seeds(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


if __name__ == "__main__":
    sys.exit(main())
