"""A small org with a loyalty provider."""

from collections.abc import Sequence

import pytest

from deploy.local.simulator.spec import OrgSpec
from tests.emulator.environment import Environment
from tests.emulator.loyalty.api_client import LoyaltyApiClient
from tests.emulator.loyalty.runner import LoyaltyRunner

SMALL = OrgSpec(
    id="org_test",
    customers=120,
    orders=170,
    products=12,
    rows=14,
    seed=5,
    alpine_contacts=24,
    alpine_differing=3,
)


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    return (SMALL,)


@pytest.fixture
def loyalty(environment: Environment, specs: Sequence[OrgSpec]) -> LoyaltyRunner:
    """The orgs are synced, without points so far."""
    runner = LoyaltyRunner(environment)
    for spec in specs:
        runner.prepare(spec.id)
    return runner


@pytest.fixture
def api(environment: Environment, loyalty: LoyaltyRunner) -> LoyaltyApiClient:
    return LoyaltyApiClient(environment.database, loyalty)
