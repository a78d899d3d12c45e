"""What somebody has to decide about, or has to know: quarantine, removals, incidents, dead
letters."""

import json
from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.spec import OrgSpec
from shared.services.alerts import Alerts
from shared.store import dead_letters, status
from shared.store.database import Database
from shared.store.runs import Hold, RunError
from tests.emulator.environment import SyncRunner
from tests.emulator.operations.client import OperationsClient
from tests.fakes import OffsetClock
from tests.simulated_pos import SimulatedPos

ORG = "org_test"


@pytest.fixture
def specs() -> tuple[OrgSpec, ...]:
    return (OrgSpec(id=ORG, customers=12, orders=12, products=30, rows=30, seed=5),)


def test_a_quarantined_record_is_shown_with_the_reason_and_as_it_was_sent(
    operations: OperationsClient, sync: SyncRunner, pos: SimulatedPos
) -> None:
    template = pos.data(ORG)["customers"][0]
    pos.add(ORG, "customers", {**template, "id_customer": "__x__", "email": "odd@example.com"})
    sync.run(ORG)

    [found] = operations.get("quarantine", token=ORG, orgId=ORG)["items"]

    assert (found["stream"], found["provider"]) == ("customers", "alleaves")
    assert "recordId" not in found, "no document can have this id"
    assert json.loads(found["raw"])["email"] == "odd@example.com"
    assert found["errorCode"]
    assert found["message"]
    assert found["firstSeenAt"] <= found["lastSeenAt"]
    assert found["runId"] == "run-1"


@pytest.mark.usefixtures("pos")
def test_quarantine_is_read_page_by_page_and_by_stream(
    operations: OperationsClient, client: Client
) -> None:
    for stream in ("customers", "orders"):
        for number in range(3):
            fields = {"stream": stream, "errorCode": "no_id", "message": "m", "raw": "{}"}
            client.document(f"tenants/{ORG}/quarantine/{stream}_{number}").set(fields)
    unusable = {"stream": "spending", "raw": "x" * 200_000}
    client.document(f"tenants/{ORG}/quarantine/spending_7").set(unusable)
    client.document("tenants/org_other/quarantine/orders_9").set({"stream": "orders"})

    every = operations.all_of("quarantine", "items", token=ORG, orgId=ORG, limit=2)
    orders = operations.all_of("quarantine", "items", token=ORG, orgId=ORG, stream="orders")

    listed = [f"{stream}_{n}" for stream in ("customers", "orders") for n in range(3)]
    assert [each["id"] for each in every] == [*listed, "spending_7"]
    [computed] = operations.all_of("quarantine", "items", token=ORG, orgId=ORG, stream="spending")
    assert len(computed["raw"]) == 10_000
    assert [each["recordId"] for each in orders] == ["0", "1", "2"]
    assert operations.reply("quarantine", token=ORG, orgId="org_other").status_code == 403


def test_a_removal_that_waits_says_what_would_go_and_since_when(
    operations: OperationsClient,
    sync: SyncRunner,
    pos: SimulatedPos,
    database: Database,
    clock: OffsetClock,
) -> None:
    sync.run(ORG)
    rows = pos.data(ORG)["inventory"]
    pos.replace(ORG, "inventory", rows[20:])
    began = clock.now()
    sync.run(ORG)
    progress = status.read_progress(database, ORG, "alleaves")
    gone = [str(row["id_item"]) for row in rows[:3]]
    held = progress.holds["products"]
    progress.holds["products"] = held.model_copy(update={"id": "5f2a", "record_ids": gone})
    progress.holds["customers"] = Hold(
        reason="40 customers are missing", count=40, record_ids=["nobody"], proven=False
    )
    database.commit([status.put_progress(ORG, "alleaves", progress)])

    customers, products = operations.get("removals", token=ORG, orgId=ORG)["removals"]

    assert (products["stream"], products["provider"], products["count"]) == (
        "products",
        "alleaves",
        20,
    )
    assert (products["id"], products["proven"]) == ("5f2a", True)
    assert "20 of 30 records are missing" in products["reason"]
    assert [each["id"] for each in products["records"]] == gone
    assert all(each["name"] for each in products["records"])
    assert began.isoformat() <= products["since"].replace("Z", "+00:00") <= clock.now().isoformat()
    assert customers == {
        "provider": "alleaves",
        "stream": "customers",
        "reason": "40 customers are missing",
        "count": 40,
        "proven": False,
        "records": [{"id": "nobody"}],
    }


def test_an_org_without_a_held_removal_has_none(
    operations: OperationsClient, sync: SyncRunner
) -> None:
    sync.run(ORG)

    assert operations.get("removals", token=ORG, orgId=ORG) == {"removals": []}


@pytest.mark.usefixtures("pos")
def test_incidents_come_open_ones_first_and_then_the_latest(
    operations: OperationsClient, alerts: Alerts, clock: OffsetClock
) -> None:
    for key in ("first", "second", "third"):
        alerts.raise_(ORG, key, f"The {key}", "Something is wrong.")
        clock.later += timedelta(minutes=1)
    alerts.resolve(ORG, "second")
    alerts.raise_("org_other", "theirs", "Theirs", "Of another org.")

    found = operations.get("incidents", token=ORG, orgId=ORG)["incidents"]

    assert [each["key"] for each in found] == ["third", "first", "second"]
    assert [each["state"] for each in found] == ["open", "open", "resolved"]
    assert found[2]["resolvedAt"] > found[2]["openedAt"]
    assert (found[0]["title"], found[0]["body"]) == ("The third", "Something is wrong.")
    assert not any("told" in each for each in found), "addresses are secrets"
    only = operations.get("incidents", token=ORG, orgId=ORG, state="resolved")["incidents"]
    assert [each["key"] for each in only] == ["second"]


@pytest.fixture
def letters(database: Database, clock: OffsetClock) -> list[str]:
    """The ids of five dead letters, the latest first; the last but one was sent again."""
    cause = RunError(code="provider_unreachable", owner="provider", message="No answer.")
    for number in range(5):
        message: dict[str, Any] = {"orgId": f"org_{number % 2}", "runId": f"r{number}"}
        dead_letters.record(
            database,
            f"m{number}",
            topic="pos-sync",
            data=json.dumps(message | {"filler": "x" * 3_000}).encode(),
            code="delivery_attempts_exhausted",
            reason="not processed after 40 deliveries",
            now=clock.now(),
            cause=cause if number == 4 else None,
        )
        clock.later += timedelta(minutes=1)
    letter = dead_letters.read(database, "m1")
    assert letter is not None
    database.commit([dead_letters.replayed(letter, clock.now())])
    return [f"m{number}" for number in range(4, -1, -1)]


def test_dead_letters_come_the_latest_first_with_the_reason(
    operations: OperationsClient, letters: list[str]
) -> None:
    found = operations.all_of("dead-letters", "items", limit=2)

    assert [each["id"] for each in found] == letters
    latest = found[0]
    assert (latest["source"], latest["orgId"]) == ("pos-sync", "org_0")
    assert latest["cause"]["message"] == "No answer."
    assert len(latest["text"]) == 1_000 < latest["bytes"]
    assert (latest["replayed"], latest["truncated"]) == (False, False)
    assert (found[3]["id"], found[3]["replayed"]) == ("m1", True)
    assert found[3]["replayedAt"]


def test_dead_letters_of_one_org_are_listed_alone(
    operations: OperationsClient, letters: list[str]
) -> None:
    found = operations.all_of("dead-letters", "items", limit=1, orgId="org_1")

    assert [each["id"] for each in found] == [i for i in letters if i in ("m1", "m3")]


def test_dead_letters_are_for_operators(operations: OperationsClient) -> None:
    assert operations.reply("dead-letters", token=ORG, orgId=ORG).status_code == 403
