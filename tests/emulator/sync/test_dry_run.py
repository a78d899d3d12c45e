"""A dry run says what a sync would do, and does nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud.firestore import Client

from shared.services.sync import dry_run as reports
from shared.services.sync.commands import PreviewSync, SyncOrg
from tests.emulator.environment import SMALL, OrgConfig, SalesRunner, SpendingRunner, SyncRunner
from tests.fakes import RecordingNotifier
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"


def dry_run(
    store: StoredDocuments, sync: SyncRunner, *, seconds: float = 60, **fields: Any
) -> dict[str, Any]:
    """The report of a dry run."""
    sync.dry_run(seconds)(PreviewSync(SyncOrg(ORG, "dry", "manual", **fields)))
    return store.document(f"tenants/{ORG}/sync_reports/dry")


def everything(store: StoredDocuments) -> dict[str, Any]:
    """Every document of the org, but the reports."""
    found = store.everything(ORG)
    return {path: each for path, each in found.items() if "/sync_reports/" not in path}


def changes(report: dict[str, Any], stream: str) -> dict[str, dict[str, Any]]:
    """A stream's changes by record."""
    return {change["id"]: change for change in report["streams"][stream]["changes"]}


def test_a_first_dry_run_finds_everything_and_writes_its_report_alone(
    store: StoredDocuments,
    spending: SpendingRunner,
    sales: SalesRunner,
    sync: SyncRunner,
) -> None:
    # Given an org that was never synced
    assert everything(store) == {}

    # When a dry run looks at it
    report = dry_run(store, sync)

    # Then the report says what a sync would create
    assert (report["state"], report["complete"], report["dryRun"]) == ("succeeded", True, True)
    created = {name: stream["created"] for name, stream in report["streams"].items()}
    assert (created["customers"], created["products"]) == (SMALL.customers, SMALL.products)
    one = report["streams"]["customers"]["changes"][0]
    assert one["kind"] == "created"
    assert set(one["fields"]["email"]) == {"new"}

    # and nothing else was written or sent
    assert everything(store) == {}
    assert spending.requests.take() == []
    assert sync.continuations.take() == []
    assert sales.scheduled.scheduled == []

    # When the sync itself follows, then it does what the report said
    run = sync.run(ORG)
    for name in ("customers", "orders", "products", "discounts"):
        reported, done = report["streams"][name], run["streams"][name]
        for count in ("fetched", "created", "skipped", "quarantined", "unchanged"):
            assert reported[count] == done[count], (name, count)


def test_a_change_is_reported_field_by_field_with_old_and_new(
    store: StoredDocuments,
    pos: SimulatedPos,
    spending: SpendingRunner,
    sync: SyncRunner,
) -> None:
    # Given a synced org, and at its POS one order with another total and one customer renamed
    sync.run(ORG)
    spending.compute_requested()
    before = everything(store)
    order = pos.newest_order(ORG)
    now = datetime.now(UTC).isoformat()
    pos.change(ORG, "orders", order["id_order"], total=999.99, date_updated=now)
    customer = pos.data(ORG)["customers"][0]
    pos.change(ORG, "customers", customer["id_customer"], name_first="Zelda", date_updated=now)

    # When a dry run looks at it
    report = dry_run(store, sync)

    # Then just these are reported
    total = changes(report, "orders")[f"alleaves_{order['id_order']}"]["fields"]["total"]
    assert total == {"old": float(order["total"]), "new": 999.99}
    name = changes(report, "customers")[str(customer["id_customer"])]["fields"]["firstName"]
    assert name == {"old": customer["name_first"], "new": "Zelda"}
    assert {n: s["updated"] for n, s in report["streams"].items() if s["updated"]} == {
        "orders": 1,
        "customers": 1,
    }
    assert report["spendingOf"] >= 1
    assert everything(store) == before


def test_removals_are_reported_and_a_drastic_one_is_reported_as_held(
    client: Client,
    store: StoredDocuments,
    pos: SimulatedPos,
    notifier: RecordingNotifier,
    sync: SyncRunner,
) -> None:
    # Given a synced org whose POS dropped three products
    sync.run(ORG)
    before = everything(store)
    rows = pos.data(ORG)["inventory"]
    gone = {row["id_item"] for row in rows[:3]}
    pos.replace(ORG, "inventory", [row for row in rows if row["id_item"] not in gone])

    # When a dry run looks at it, then it reports which
    report = dry_run(store, sync)
    assert report["streams"]["products"]["removed"] == len(gone)
    removed = {key for key, c in changes(report, "products").items() if c["kind"] == "removed"}
    assert removed == {str(item) for item in gone}

    # When the POS drops half of its products, then the report says that they would be held
    pos.replace(ORG, "inventory", rows[: len(rows) // 2])
    client.document(f"tenants/{ORG}/sync_reports/dry").delete()
    report = dry_run(store, sync)
    assert report["state"] == "held"
    assert "more than 20%" in report["held"]
    assert report["deletionsHeld"] > 10
    assert report["streams"]["products"]["removed"] == 0
    assert everything(store) == before
    assert notifier.titles == []


def test_unreadable_records_are_reported_with_the_reason(
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
) -> None:
    # Given three damaged customers
    pos.fault("malformed", endpoint="customers", damage="missing_id", records=3)

    # When a dry run looks at them
    report = dry_run(store, sync)

    # Then it counts them, and says why
    customers = report["streams"]["customers"]
    assert (report["state"], customers["quarantined"]) == ("partial", 3)
    assert customers["created"] == SMALL.customers - 3
    assert {each["errorCode"] for each in customers["quarantine"]} == {"missing_id"}
    assert everything(store) == {}


def test_a_full_dry_run_finds_what_was_changed_by_hand_among_what_is_only_rewritten(
    client: Client,
    store: StoredDocuments,
    sync: SyncRunner,
) -> None:
    # Given a synced org, one of whose customers was changed in Firestore by hand
    sync.run(ORG)
    customer = next(iter(store.documents(f"tenants/{ORG}/customers")))
    client.document(f"tenants/{ORG}/customers/{customer}").update({"firstName": "Wrong"})

    # When a full dry run looks at it
    report = dry_run(store, sync, full=True)

    # Then that one is reported, and the others would be rewritten as they are
    assert list(changes(report, "customers")) == [customer]
    counted = report["streams"]["customers"]
    assert (counted["updated"], counted["rewritten"]) == (1, SMALL.customers - 1)


def test_a_report_is_bounded(
    store: StoredDocuments, sync: SyncRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given room for few changes
    monkeypatch.setattr(reports, "CHANGES", 5)
    monkeypatch.setattr(reports, "CHANGES_BYTES", 3_000)

    # When a dry run finds many
    report = dry_run(store, sync)

    # Then all are counted, and the first are reported
    for name, expected in (("customers", SMALL.customers), ("products", SMALL.products)):
        stream = report["streams"][name]
        assert 0 < len(stream["changes"]) <= 5
        assert stream["changesLeftOut"] == expected - len(stream["changes"])


def test_a_dry_run_that_runs_out_of_time_says_so_and_asks_for_no_continuation(
    store: StoredDocuments,
    sync: SyncRunner,
) -> None:
    # When there is no time
    report = dry_run(store, sync, seconds=0)

    # Then the report says that it is not complete
    assert report["complete"] is False
    assert sync.continuations.take() == []
    assert everything(store) == {}


def test_a_wrong_password_is_reported_and_counts_for_nothing(
    store: StoredDocuments, org_config: OrgConfig, sync: SyncRunner
) -> None:
    # Given a wrong password
    org_config.update_locations(password="wrong")

    # When a dry run is made
    report = dry_run(store, sync)

    # Then the report says so, and the org is no nearer to a pause
    assert (report["state"], report["error"]["owner"]) == ("failed", "org")
    assert everything(store) == {}


def test_a_message_that_comes_twice_is_one_report(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given a report
    dry_run(store, sync)
    calls = pos.total_calls()

    # When its message comes again
    dry_run(store, sync)

    # Then the POS is not asked again
    assert pos.total_calls() == calls
