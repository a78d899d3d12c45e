"""A POS that fails: said in words, with whose turn it is, and nothing stored is lost."""

from collections.abc import Callable
from typing import Any

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.spec import OrgSpec
from shared.bus.messages import CronTick
from shared.errors import SecretsUnavailable
from shared.pos.config import Location
from shared.pos.port import PosClient
from shared.services.sync.commands import SyncOrg
from shared.store import paths, runs
from shared.store.database import Database
from tests.emulator.environment import (
    SMALL,
    Environment,
    OrgConfig,
    SpendingRunner,
    SyncRunner,
    hold_org,
)
from tests.fakes import RecordingNotifier
from tests.simulated_pos import SimulatedPos
from tests.stored import MENU, StoredDocuments

ORG = "org_test"


def wrong_password(environment: Environment) -> None:
    environment.org_config.update_locations(password="wrong")


def unreachable(environment: Environment) -> None:
    environment.org_config.update_locations(baseUrl="http://127.0.0.1:9/api")


def truncated(environment: Environment) -> None:
    environment.pos.fault("truncated_json")


def server_errors(environment: Environment) -> None:
    environment.pos.fault("server_error")


def rate_limited(environment: Environment) -> None:
    environment.pos.fault("rate_limited", retryAfter=3600)


def unknown_provider(environment: Environment) -> None:
    environment.org_config.update_locations(provider="abacus")


@pytest.mark.parametrize(
    ("fail", "owner", "says"),
    [
        (wrong_password, "org", "password"),
        (unreachable, "provider", "127.0.0.1"),
        (truncated, "provider", "cannot be read"),
        (server_errors, "provider", "500"),
        (rate_limited, "provider", "limits how often"),
        (unknown_provider, "org", "posConfig.provider"),
    ],
)
def test_a_failed_sync_says_what_happened_and_whose_turn_it_is(
    store: StoredDocuments,
    spending: SpendingRunner,
    sync: SyncRunner,
    environment: Environment,
    fail: Callable[[Environment], None],
    owner: str,
    says: str,
) -> None:
    # Given an org that has been synced
    sync.run(ORG)
    spending.compute_requested()
    before = store.records(ORG)

    # When its POS fails
    fail(environment)
    run = sync.run(ORG)

    # Then the run and the status say so, the figures stand, and nothing stored is lost
    status = store.status(ORG)
    assert run["state"] == "failed"
    assert (status["status"], status["lastErrorOwner"]) == ("error", owner)
    assert says in status["lastError"]
    assert "turn" in status["lastError"]
    assert status["customersCount"] == SMALL.customers
    assert store.records(ORG) == before
    assert store.document(f"tenants/{ORG}/sync_state/lease").get("runId") is None
    # and no secret is in anything that was written
    password = "wrong" if fail is wrong_password else "sim-"
    assert password not in str(run) + status["lastError"].replace("wrong password", "")


def test_the_next_sync_after_a_failure_is_an_ordinary_one(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    pos.fault("server_error")
    assert sync.run(ORG)["state"] == "failed"
    assert store.status(ORG).get("lastSuccessAt") is None

    pos.clear_faults()

    assert sync.run(ORG)["state"] == "succeeded"
    status = store.status(ORG)
    assert status["status"] == "active"
    assert "lastError" not in status


def test_malformed_records_are_put_in_quarantine_and_the_rest_is_stored(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given three damaged customers
    pos.fault("malformed", endpoint="customers", damage="missing_id", records=3)

    # When the org is synced, twice
    run = sync.run(ORG)
    again = sync.run(ORG)

    # Then they are in quarantine with what was sent, all others are stored
    assert run["state"] == "partial"
    assert run["streams"]["customers"]["created"] == SMALL.customers - 3
    kept = store.documents(f"tenants/{ORG}/quarantine")
    assert len(kept) == 3
    for record in kept.values():
        assert record["stream"] == "customers"
        assert record["errorCode"]
        assert "name_first" in record["raw"]
    status = store.status(ORG)
    assert status["status"] == "active"
    assert (status["quarantined"], status["lastErrorOwner"]) == (3, "provider")
    assert "3 customers could not be read" in status["lastError"]
    # and what is known to be damaged is not written again
    assert again["cost"]["writes"] <= 6


def test_a_record_leaves_quarantine_once_it_can_be_read(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    pos.fault("malformed", endpoint="customers", damage="text_for_number", records=2, count=1)
    first = sync.run(ORG)
    pos.clear_faults()
    second = sync.run(ORG)

    assert second["state"] == "succeeded"
    assert len(store.documents(f"tenants/{ORG}/customers")) == SMALL.customers
    assert store.documents(f"tenants/{ORG}/quarantine") == {} or first["state"] == "succeeded"


def test_a_listing_that_is_mostly_unreadable_is_not_stored(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    pos.fault("malformed", endpoint="customers", damage="missing_id", records=120)

    run = sync.run(ORG)

    assert run["state"] == "partial"
    assert run["error"]["code"] == "too_many_unreadable"
    assert "5%" in run["error"]["message"]
    assert store.documents(f"tenants/{ORG}/customers") == {}
    assert store.documents(f"tenants/{ORG}/orders") == {}, "orders wait for the customers"
    assert len(store.documents(f"tenants/{ORG}/{MENU}")) == 60, "products need no customers"


TWO_ORGS = [
    OrgSpec(id=name, customers=20, orders=20, products=5, rows=5) for name in ("org_a", "org_b")
]


@pytest.mark.parametrize("specs", [TWO_ORGS], ids=["two orgs"])
def test_the_other_orgs_are_synced(pos: SimulatedPos, sync: SyncRunner) -> None:
    pos.fault("server_error", org="org_a")

    assert sync.run("org_a")["state"] == "failed"
    assert sync.run("org_b")["state"] == "succeeded"


def test_a_token_withdrawn_in_mid_run_is_renewed_once_and_goes_unnoticed(
    pos: SimulatedPos, sync: SyncRunner
) -> None:
    pos.fault("tokens_withdrawn", endpoint="orders", count=1)

    assert sync.run(ORG)["state"] == "succeeded"


def test_an_org_without_an_active_location_gets_an_error_that_says_so(
    client: Client, store: StoredDocuments, sync: SyncRunner
) -> None:
    client.document("tenants/org_new").set({"name": "Juniper & Sons"})

    run = sync.run("org_new")

    assert run["error"]["owner"] == "org"
    assert "no active POS location" in run["error"]["message"]
    assert store.status("org_new")["status"] == "error"


def test_an_org_that_is_deactivated_while_its_message_waits_is_left_as_it_is(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner, org_config: OrgConfig
) -> None:
    # Given a synced org, deactivated after the schedule asked for its next sync
    sync.run(ORG)
    before, calls = store.status(ORG), pos.total_calls()
    org_config.update_locations(status="inactive")

    # When the message comes
    run = sync.run(ORG, if_active=True)

    # Then the POS is not called, the status stays, and the org is free
    assert run["state"] == "failed"
    assert "no active POS location" in run["error"]["message"]
    assert pos.total_calls() == calls
    assert store.status(ORG) == before
    assert store.document(f"tenants/{ORG}/sync_state/lease").get("runId") is None


def test_a_delivery_that_fails_says_why_until_a_later_one_succeeds(
    store: StoredDocuments, sync: SyncRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a synced org whose password nobody can read now
    sync.run(ORG)
    counts = store.status(ORG)["customersCount"]

    def unreadable(location: Location) -> PosClient:
        raise SecretsUnavailable(f"the secret of location {location.id} could not be asked for")

    # When a run's message is delivered for the first time
    command = SyncOrg(ORG, "unlucky", "cron")
    with monkeypatch.context() as patch:
        patch.setattr(sync.connector, "open", unreadable)
        unlucky = sync.service()
    with pytest.raises(SecretsUnavailable):
        unlucky(command)

    # Then status and run say why, and whose turn it is
    says = f"The secret of location {ORG}-1000 could not be asked for."
    status, run = store.status(ORG), store.run(ORG, "unlucky")
    assert (status["status"], status["lastErrorCode"]) == ("error", "secrets_unavailable")
    assert (status["lastErrorOwner"], status["customersCount"]) == ("us", counts)
    assert status["lastError"] == f"{says} It is the turn of Sync Sam's operators."
    assert run["error"] == {"code": "secrets_unavailable", "owner": "us", "message": says}
    assert run["state"] == "running"

    # When it is delivered again, at once
    sync.service()(command)

    # Then neither says so any more
    status, run = store.status(ORG), store.run(ORG, "unlucky")
    assert (run["state"], run["invocations"], "error" in run) == ("succeeded", 2, False)
    assert (status["status"], "lastError" in status) == ("active", False)


def test_a_run_that_cannot_be_opened_says_why_until_a_later_delivery_succeeds(
    client: Client, store: StoredDocuments, sync: SyncRunner
) -> None:
    # Given a status that somebody has damaged
    status = client.document(f"tenants/{ORG}/integrations/pos")
    status.set({"status": "paused", "nextTryAt": "soon"})

    # When
    with pytest.raises(TypeError):
        sync.run(ORG, run_id="unlucky")

    # Then
    assert (store.status(ORG)["status"], store.status(ORG)["lastErrorOwner"]) == ("error", "us")
    assert "TypeError" in store.status(ORG)["lastError"]
    assert "TypeError" in store.run(ORG, "unlucky")["error"]["message"]

    # When it is delivered again
    run = sync.run(ORG, run_id="unlucky")

    # Then
    assert (run["state"], "error" in run) == ("succeeded", False)
    assert "lastError" not in store.status(ORG)


def test_a_run_that_fails_again_and_again_is_reported_at_the_fifth_try(
    environment: Environment,
    store: StoredDocuments,
    notifier: RecordingNotifier,
    sync: SyncRunner,
) -> None:
    # Given an org whose worker dies at each delivery of a run's message
    sync.run(ORG)

    def deliver() -> None:
        sync.die_before_writing(paths.progress(ORG, "alleaves"), SyncOrg(ORG, "doomed", "cron"))

    # When it is delivered four times, then nobody is told yet
    for _ in range(4):
        deliver()
    assert notifier.titles == []
    assert store.status(ORG)["status"] == "active"
    assert "ConnectionError" in store.run(ORG, "doomed")["error"]["message"]

    # When it is delivered twice more, then people are told once, and the status says so
    deliver()
    deliver()
    assert notifier.titles == ["A sync keeps failing"]
    status = store.status(ORG)
    assert (status["status"], status["lastErrorCode"]) == ("error", "run_keeps_failing")
    assert status["lastErrorOwner"] == "us"
    assert "ConnectionError" in status["lastError"]
    assert "ConnectionError" in notifier.bodies[0]
    assert store.run(ORG, "doomed")["state"] == "running"

    # When the cause is gone, then the same run ends well, and so does the incident
    assert sync.run(ORG, run_id="doomed")["state"] == "succeeded"
    assert "tries" not in store.run(ORG, "doomed")
    assert store.status(ORG)["status"] == "active"
    environment.spending.compute_requested()
    environment.watchdog(CronTick(job="watchdog"))
    incident = store.document(f"tenants/{ORG}/incidents/run_keeps_failing")
    assert incident["state"] == "resolved"


def test_a_run_that_is_handed_over_again_and_again_is_no_failing_one(
    database: Database, environment: Environment
) -> None:
    for invocation in range(1, 7):
        found = runs.read(database, ORG, "long")
        opened = hold_org(database, ORG, "long", found=found)
        assert (opened.run.invocations, opened.run.tries) == (invocation, 1)
        opened.hand_over([])


def test_a_timed_out_page_is_asked_for_again(pos: SimulatedPos, sync: SyncRunner) -> None:
    pos.fault("timeout", endpoint="customers", seconds=4, count=1)

    run: dict[str, Any] = sync.run(ORG)

    assert run["state"] == "succeeded"
    # three pages, one of them twice, and the sign-in where no stream beside it came first
    assert run["streams"]["customers"]["requests"] in (4, 5)
