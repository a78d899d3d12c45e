"""10,000 small orgs through one tick: the fleet that docs/capacity.md reckons with."""

from rich.console import Console

from tests.bench import many_orgs
from tests.bench.registry import Figures

TITLE = "10,000 small orgs through one tick; 240 ms per call to the POS"

ORGS, QUICK_ORGS = 10_000, 100


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench. It takes the better part of an hour."""
    return many_orgs.ticks(console, QUICK_ORGS if quick else ORGS)
