"""An org with a location at Alleaves and one at Lightspeed, on Firestore itself."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.spec import OrgSpec
from shared.bus.messages import PosSync
from shared.errors import ProviderUnreachable
from shared.pos.config import Location
from shared.pos.port import PosClient
from shared.services.sync.commands import SyncOrg
from shared.services.sync.dispatch import SyncDispatcher
from shared.store import paths
from tests.emulator.environment import PRODUCTS_ONLY, Environment, PosConnector, SyncRunner
from tests.fake_pos import FakePos
from tests.fakes import OffsetClock, RecordingPublisher
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"
UUID = "06f2a5e1-0000-11ea-b5f4-{:012d}"
SHOP = {
    "orgId": ORG,
    "name": "Harbor Annex",
    "timezone": "America/New_York",
    "posConfig": {
        "provider": "lightspeed",
        "status": "active",
        "domainPrefix": "harbor",
        "token": "invented",
        "locationId": UUID.format(1000),
    },
}


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    return (PRODUCTS_ONLY,)


@pytest.fixture
def lightspeed(clock: OffsetClock) -> FakePos:
    """The account at Lightspeed: three customers who have bought."""
    pos = FakePos("lightspeed", UUID.format(1000))
    for number in range(1, 4):
        at = clock.now() - timedelta(days=number)
        pos.sell(number, UUID.format(number), UUID.format(100 + number), at)
    return pos


class BothConnector(PosConnector):
    """Opens the accounts of both providers."""

    def __init__(self, lightspeed: FakePos) -> None:
        super().__init__()
        self._lightspeed = lightspeed

    def open(self, location: Location) -> PosClient:
        if location.pos_config.provider == "lightspeed":
            return self._lightspeed
        return super().open(location)


@pytest.fixture
def sync(environment: Environment, client: Client, lightspeed: FakePos) -> SyncRunner:
    """The org as it is with both locations."""
    client.document("locations/harbor-annex").set(SHOP)
    return replace(environment.sync, connector=BothConnector(lightspeed))


def of_lightspeed(ids: set[str]) -> set[str]:
    prefix = UUID.partition("-")[0]
    return {each for each in ids if each.removeprefix("lightspeed_").startswith(prefix)}


def down(call: str) -> None:
    raise ProviderUnreachable("the POS at harbor does not answer")


def test_both_are_stored_apart_and_an_unchanged_org_writes_no_record(
    store: StoredDocuments, pos: SimulatedPos, lightspeed: FakePos, sync: SyncRunner
) -> None:
    # When an org of both is synced
    run = sync.run(ORG)

    # Then it has what both have
    stored = store.records(ORG)
    customers = {str(each["id_customer"]) for each in pos.data(ORG)["customers"]}
    assert run["state"] == "succeeded"
    assert set(stored["customers"]) == customers | lightspeed.customer_ids
    assert of_lightspeed(set(stored["orders"])) == lightspeed.order_ids
    assert of_lightspeed(set(stored["products"])) == lightspeed.product_ids
    status = store.status(ORG)
    assert status["customersCount"] == len(stored["customers"])
    counts = {each["provider"]: each["customersCount"] for each in status["providers"]}
    assert counts == {"alleaves": len(customers), "lightspeed": 3}

    # When it is synced again
    before = store.everything(ORG)
    run = sync.run(ORG)

    # Then no record is written, each manifest stands as it was
    after = store.everything(ORG)
    written = {path for path in after if after[path] != before.get(path)}
    assert {path.removeprefix(f"tenants/{ORG}/") for path in written} == {
        "integrations/pos",
        f"sync_runs/{run['runId']}",
        "sync_state/lease",
        "sync_state/progress",
        "sync_state/progress_lightspeed",
    }


def test_either_provider_may_be_down(
    store: StoredDocuments,
    pos: SimulatedPos,
    clock: OffsetClock,
    lightspeed: FakePos,
    sync: SyncRunner,
) -> None:
    # Given Lightspeed down
    lightspeed.fail = down
    sync.run(ORG)
    assert not of_lightspeed(set(store.records(ORG)["customers"]))
    assert store.status(ORG)["customersCount"] == 4
    assert store.status(ORG)["lastError"].startswith("Lightspeed: The POS at harbor")

    # When it is Alleaves instead
    lightspeed.fail = lambda call: None
    pos.fault("server_error")
    clock.later += timedelta(minutes=30)
    run = sync.run(ORG)

    # Then Lightspeed is whole, Alleaves' records are untouched, and the status says which
    stored = store.records(ORG)
    assert run["state"] == "partial"
    assert {error["provider"] for error in run["errors"]} == {"alleaves"}
    assert len(stored["customers"]) == 7
    assert of_lightspeed(set(stored["orders"])) == lightspeed.order_ids
    assert store.status(ORG)["lastError"].startswith("Alleaves: ")
    states = {each["provider"]: each["status"] for each in store.status(ORG)["providers"]}
    assert states == {"alleaves": "error", "lightspeed": "active"}


def test_a_worker_killed_in_the_second_providers_session_leaves_nothing_wrong(
    client: Client,
    store: StoredDocuments,
    clock: OffsetClock,
    lightspeed: FakePos,
    sync: SyncRunner,
) -> None:
    # Given an order that changed, and a worker that died when it had stored it, and no more
    order = replace(lightspeed.any_order(), external_id="new", created_at=clock.now())
    lightspeed.add_order(order)
    sync.run(ORG)
    clock.later += timedelta(minutes=30)
    lightspeed.add_order(replace(order, total_cents=77_700))
    command = SyncOrg(ORG, "doomed", "cron")
    sync.die_before_writing(paths.progress(ORG, "lightspeed"), command)
    assert store.document(f"tenants/{ORG}/orders/lightspeed_new")["total"] == 777
    assert store.document(paths.lease(ORG))["unsettled"]

    # When the POS takes the change back, and a run for records of Alleaves has the org first
    lightspeed.add_order(order)
    client.document(paths.lease(ORG)).update({"runId": None})
    messages = RecordingPublisher()
    dispatch = SyncDispatcher(
        sync.service(), sync.targeted(messages), sync.dry_run(), sync.sales.service
    )
    customer_id = min(set(store.records(ORG)["customers"]) - lightspeed.customer_ids)
    dispatch(
        PosSync(
            org_id=ORG,
            run_id="webhook-1",
            trigger="webhook",
            customer_ids=(customer_id,),
            provider="alleaves",
        )
    )
    assert not store.document(paths.lease(ORG)).get("unsettled")
    run = sync.run(ORG)

    # Then the order is as the POS has it
    assert run["state"] == "succeeded"
    assert store.document(f"tenants/{ORG}/orders/lightspeed_new")["total"] == 10


def test_a_continuation_goes_on_where_the_run_stopped(
    store: StoredDocuments, lightspeed: FakePos, sync: SyncRunner
) -> None:
    # When every invocation has time for next to nothing
    run = sync.run(ORG, seconds=0)

    # Then all is stored in the end, each provider's part counted once
    assert run["state"] == "succeeded"
    assert run["invocations"] >= 2
    assert run["streams"]["customers"]["fetched"] == 7
    assert of_lightspeed(set(store.records(ORG)["orders"])) == lightspeed.order_ids
    assert store.status(ORG)["customersCount"] == 7
