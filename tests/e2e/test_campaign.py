"""The fault campaign in its short form; the long one is ``make campaign SEEDS=1-200``."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.campaign import services
from tests.campaign.run import Outcome, run_seed

SEEDS = (4, 12, 22, 29, 50)
"""Quick ones, with two orgs, orgs at Alleaves, at X-Series and at both, a lying POS, both styles of
Alleaves, dead letters, and all that is hostile among them."""
AT_ONCE = 2

Outcomes = dict[int, Future[Outcome]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """Every seed's, as it comes to be known: they run at the same time."""
    logs = tmp_path_factory.mktemp("campaign")
    with services.running(logs) as running, ThreadPoolExecutor(AT_ONCE) as pool:
        yield {seed: pool.submit(run_seed, seed, running, logs) for seed in SEEDS}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_goes_wrong_the_stored_data_comes_right(outcomes: Outcomes, seed: int) -> None:
    outcome = outcomes[seed].result()
    # The problems first: of a long message reports show the beginning.
    assert not outcome.problems, "\n".join([outcome.line, *outcome.problems, *outcome.trail])
