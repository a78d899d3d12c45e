"""Orgs of two locations, of the other API style and of two providers are verified."""

from collections.abc import Sequence

import pytest

from deploy.local.simulator.lightspeed.spec import RetailerSpec
from deploy.local.simulator.spec import OrgSpec, named_orgs
from tests.emulator.environment import Environment
from tests.emulator.verification.books import Books, counts, kinds
from tests.simulated_lightspeed import SMALL_RETAILER, SimulatedLightspeed

_, HARBOR, _, TWO_ROOMS, FERN = named_orgs(seed=3)
BOTH = SMALL_RETAILER.model_copy(update={"org": HARBOR.id, "id": "org_till", "sales": 60})


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    return (HARBOR, TWO_ROOMS, FERN)


@pytest.fixture
def retailers() -> Sequence[RetailerSpec]:
    return (BOTH,)


@pytest.mark.parametrize("org_id", [TWO_ROOMS.id, FERN.id])
def test_a_clean_org_of_another_kind_has_no_differences(
    environment: Environment, org_id: str
) -> None:
    books = Books(environment, org_id)
    books.sync()
    order = books.keys("orders", counts)[0]

    assert books.verify().differences == ()

    path = books.change("orders", order, total=1.5)
    assert set(kinds(books.verify())) == {path}
    books.repair(books.verify())
    assert books.verify().differences == ()


def test_an_org_of_two_providers_is_verified_at_both(
    environment: Environment, lightspeed: SimulatedLightspeed
) -> None:
    books = Books(environment, HARBOR.id)
    books.sync()

    found = books.verify()

    assert sorted(found.providers) == ["alleaves", "lightspeed"]
    assert found.differences == ()
    wrong = {
        books.change("orders", prefix_of(books, "alleaves"), total=1.5),
        books.change("orders", prefix_of(books, "lightspeed"), total=1.5),
    }
    assert set(kinds(books.verify())) == wrong
    books.repair(books.verify())
    assert books.verify().differences == ()


def test_a_provider_that_cannot_be_read_leaves_the_other_to_be_verified(
    environment: Environment, lightspeed: SimulatedLightspeed
) -> None:
    books = Books(environment, HARBOR.id)
    books.sync()
    wrong = books.change("orders", prefix_of(books, "alleaves"), total=1.5)
    lightspeed.fault("server_error")

    found = books.verify()

    assert (found.ok, found.providers) == (False, ("alleaves",))
    assert found.not_verified.keys() == {"lightspeed"}
    assert set(kinds(found)) == {wrong}


def prefix_of(books: Books, provider: str) -> str:
    """Id of the provider's first order that counts."""
    return next(key for key in books.keys("orders", counts) if key.startswith(provider))
