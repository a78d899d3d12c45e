"""How one org stands, while its sync works, fails, waits or rests."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.spec import OrgSpec
from shared.services.runs.failure import tell_unopened
from shared.services.sync.commands import SyncOrg
from shared.services.sync.org import new_run
from shared.store.database import Database
from tests.emulator.environment import OrgConfig, SyncRunner, hold_org
from tests.emulator.operations.client import OperationsClient
from tests.fakes import OffsetClock
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"
PATH = f"orgs/{ORG}/status"
STREAMS = ["customers", "orders", "products", "discounts", "metadata"]


@pytest.fixture
def specs() -> tuple[OrgSpec, ...]:
    return (OrgSpec(id=ORG, customers=30, orders=40, products=30, rows=30, seed=5),)


def freshness(found: Mapping[str, Any]) -> dict[str, str]:
    return {stream["stream"]: stream["freshness"] for stream in found["streams"]}


def look(operations: OperationsClient, clock: OffsetClock) -> dict[str, Any]:
    """What a person sees who comes back after a moment."""
    clock.later += timedelta(seconds=31)
    found: dict[str, Any] = operations.get(PATH, token=ORG)
    return found


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.usefixtures("pos")
def test_an_org_that_was_never_synced_has_its_locations_and_no_streams(
    operations: OperationsClient,
) -> None:
    found = operations.get(PATH, token=ORG)

    assert (found["orgId"], found["state"], found["streams"]) == (ORG, "never", [])
    assert [(each["provider"], each["status"]) for each in found["locations"]] == [
        ("alleaves", "active")
    ]
    assert "running" not in found
    assert "nextRunAt" not in found, "the schedule has never run"


def test_streams_grow_old_until_the_next_sync(
    operations: OperationsClient, sync: SyncRunner, clock: OffsetClock
) -> None:
    sync.run(ORG)

    found = operations.get(PATH, token=ORG)

    assert found["state"] == "active"
    assert [each["stream"] for each in found["streams"]] == STREAMS
    assert set(freshness(found).values()) == {"live"}
    counts = {each["stream"]: each.get("count") for each in found["streams"]}
    assert counts["customers"] == found["customersCount"] == 30
    assert counts["metadata"] is None
    clock.later += timedelta(minutes=40)
    aged = freshness(operations.get(PATH, token=ORG))
    assert (aged["orders"], aged["metadata"]) == ("recent", "live")
    clock.later += timedelta(minutes=100)
    assert freshness(operations.get(PATH, token=ORG))["orders"] == "stale"
    sync.run(ORG, streams=("products",))
    partly = freshness(look(operations, clock))
    assert (partly["orders"], partly["products"]) == ("stale", "live")


def test_a_stream_that_fails_is_told_apart_from_those_that_do_not(
    operations: OperationsClient, sync: SyncRunner, pos: SimulatedPos, clock: OffsetClock
) -> None:
    sync.run(ORG)
    pos.fault("truncated_json", endpoint="inventory")
    sync.run(ORG)

    found = look(operations, clock)

    assert found["state"] == "error"
    assert freshness(found)["products"] == "failed"
    assert freshness(found)["customers"] == "live"
    [products] = [each for each in found["streams"] if each["stream"] == "products"]
    assert "It is the POS provider's turn" in products["problem"]
    assert products["lastSuccessAt"] < found["lastSyncAt"]


def test_failing_since_is_the_first_failed_run_and_ends_with_a_success(
    operations: OperationsClient, sync: SyncRunner, org_config: OrgConfig, clock: OffsetClock
) -> None:
    password = org_config.location()["posConfig"]["password"]
    sync.run(ORG)
    assert "failingSince" not in operations.get(PATH, token=ORG)
    org_config.update_locations(password="wrong")
    clock.later += timedelta(minutes=30)
    began = clock.now()
    for _ in range(3):
        sync.run(ORG)
        clock.later += timedelta(minutes=30)

    found = look(operations, clock)

    assert (found["state"], found["owner"]) == ("paused", "org")
    assert set(freshness(found).values()) == {"paused"}
    assert began <= moment(found["failingSince"]) < began + timedelta(minutes=5)
    org_config.update_locations(password=password)
    sync.run(ORG, trigger="manual")
    over = look(operations, clock)
    assert over["state"] == "active"
    assert "failingSince" not in over


def test_a_run_that_could_not_even_begin_counts_as_the_first_failure(
    operations: OperationsClient,
    sync: SyncRunner,
    database: Database,
    store: StoredDocuments,
    clock: OffsetClock,
) -> None:
    began = clock.now()
    command = SyncOrg(ORG, "monday", trigger="cron")
    for _ in range(2):
        run = new_run(command, clock.now())
        tell_unopened(database, ORG, "monday", run, ZeroDivisionError(), clock.now())
        clock.later += timedelta(minutes=30)

    found = look(operations, clock)

    assert (found["state"], found["owner"]) == ("error", "us")
    assert began <= moment(found["failingSince"]) < began + timedelta(minutes=5)
    sync.run(ORG)
    assert "failingSince" not in store.status(ORG)


def test_a_held_removal_shows_on_its_stream(
    operations: OperationsClient, sync: SyncRunner, pos: SimulatedPos, clock: OffsetClock
) -> None:
    sync.run(ORG)
    pos.replace(ORG, "inventory", pos.data(ORG)["inventory"][20:])
    sync.run(ORG)

    found = look(operations, clock)

    assert (found["state"], found["deletionsHeld"]) == ("held", 20)
    assert freshness(found)["products"] == "held"
    [products] = [each for each in found["streams"] if each["stream"] == "products"]
    assert "20 of 30 records are missing" in products["problem"]
    assert "failingSince" not in found


def test_a_run_under_way_shows_how_far_it_is(
    operations: OperationsClient, sync: SyncRunner, database: Database, clock: OffsetClock
) -> None:
    sync.run(ORG)
    operations.get(PATH, token=ORG)
    clock.later += timedelta(seconds=2)
    with hold_org(database, ORG, "other") as run:
        run.run.tally("customers").fetched = 12
        run.checkpoint([])

        found = operations.get(PATH, token=ORG)

        assert found["running"]["runId"] == "other"
        assert found["running"]["progress"]["customers"]["fetched"] == 12
        run.end([])
    clock.later += timedelta(seconds=2)
    assert "running" not in operations.get(PATH, token=ORG)


def test_a_look_costs_one_read_while_nothing_changes(
    operations: OperationsClient, sync: SyncRunner, clock: OffsetClock
) -> None:
    sync.run(ORG)
    first = operations.reply(PATH, token=ORG)
    clock.later += timedelta(seconds=2)

    assert operations.cost_of(PATH, token=ORG) == 1
    again = operations.reply(PATH, token=ORG, etag=first.headers["ETag"])

    assert (again.status_code, again.text) == (304, "")


def test_the_last_verification_is_shown_beside_it(
    operations: OperationsClient, sync: SyncRunner, client: Client, clock: OffsetClock
) -> None:
    sync.run(ORG)
    assert "verification" not in operations.get(PATH, token=ORG)
    found = {"ok": False, "customers": 30, "orders": 40, "differences": 2}
    stored = {**found, "verifiedAt": clock.now()}
    client.document(f"tenants/{ORG}/integrations/pos").update({"verification": stored})

    shown = look(operations, clock)["verification"]

    assert {name: shown[name] for name in found} == found
    assert moment(shown["verifiedAt"]) == stored["verifiedAt"]


def test_an_unchanged_org_costs_no_more_than_before(sync: SyncRunner) -> None:
    sync.run(ORG)
    sync.run(ORG)

    unchanged = sync.run(ORG)

    assert unchanged["cost"]["reads"] <= 13
    assert unchanged["cost"]["writes"] <= 6


def test_the_name_of_the_org_comes_along_with_its_sync(
    operations: OperationsClient, sync: SyncRunner, client: Client, clock: OffsetClock
) -> None:
    client.document(f"tenants/{ORG}").set({"name": "Harbor & Daughters"}, merge=True)
    sync.run(ORG)

    assert look(operations, clock)["name"] == "Harbor & Daughters"
    assert operations.get("orgs", q="harbor & d")["orgs"][0]["orgId"] == ORG
