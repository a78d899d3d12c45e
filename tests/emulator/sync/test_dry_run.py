"""A dry run says what a sync would do, and does nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.services.sync import dry_run as reports
from shared.services.sync.commands import PreviewSync, SyncOrg
from shared.services.sync.dry_run import DryRun
from tests.emulator.sync.world import World

ORG = "org_test"


def dry_run(world: World, *, seconds: float = 60, **fields: Any) -> dict[str, Any]:
    """The report of a dry run."""
    run = DryRun(world.database, world.open_pos, world.now, seconds)
    run(PreviewSync(SyncOrg(ORG, "dry", "manual", **fields)))
    return world.document(f"tenants/{ORG}/sync_reports/dry")


def everything(world: World) -> dict[str, Any]:
    """Every document of the org, but the reports."""
    found = {}
    waiting = list(world.client.document(f"tenants/{ORG}").collections())
    while waiting:
        collection = waiting.pop()
        if collection.id == "sync_reports":
            continue
        for ref in collection.list_documents():
            snapshot = ref.get()
            found[ref.path] = (snapshot.update_time, snapshot.to_dict())
            waiting += ref.collections()
    return found


def changes(report: dict[str, Any], stream: str) -> dict[str, dict[str, Any]]:
    """A stream's changes by record."""
    return {change["id"]: change for change in report["streams"][stream]["changes"]}


def test_a_first_dry_run_finds_everything_and_writes_its_report_alone(world: World) -> None:
    # Given an org that was never synced
    assert everything(world) == {}

    # When a dry run looks at it
    report = dry_run(world)

    # Then the report says what a sync would create
    assert (report["state"], report["complete"], report["dryRun"]) == ("succeeded", True, True)
    created = {name: stream["created"] for name, stream in report["streams"].items()}
    assert (created["customers"], created["products"]) == (230, 60)
    one = report["streams"]["customers"]["changes"][0]
    assert one["kind"] == "created"
    assert set(one["fields"]["email"]) == {"new"}

    # and nothing else was written or sent
    assert everything(world) == {}
    assert world.spending_asked.take() == []
    assert world.continuations.take() == []
    assert world.agenda.planned == {}

    # When the sync itself follows, then it does what the report said
    run = world.sync(ORG)
    for name in ("customers", "orders", "products", "discounts"):
        told, done = report["streams"][name], run["streams"][name]
        for count in ("fetched", "created", "skipped", "quarantined", "unchanged"):
            assert told[count] == done[count], (name, count)


def test_a_change_is_told_field_by_field_with_old_and_new(world: World) -> None:
    # Given a synced org, and at its POS one order with another total and one customer renamed
    world.sync(ORG)
    world.compute_spending()
    before = everything(world)
    data = world.pos_data(ORG)
    order = max(
        (o for o in data["orders"] if o.get("status") == "completed" and o["id_customer"]),
        key=lambda o: o["date_created"],
    )
    now = datetime.now(UTC).isoformat()
    world.change(ORG, "orders", order["id_order"], total=999.99, date_updated=now)
    customer = data["customers"][0]
    world.change(ORG, "customers", customer["id_customer"], name_first="Zelda", date_updated=now)

    # When a dry run looks at it
    report = dry_run(world)

    # Then just these are told
    total = changes(report, "orders")[f"alleaves_{order['id_order']}"]["fields"]["total"]
    assert total == {"old": float(order["total"]), "new": 999.99}
    name = changes(report, "customers")[str(customer["id_customer"])]["fields"]["firstName"]
    assert name == {"old": customer["name_first"], "new": "Zelda"}
    assert {n: s["updated"] for n, s in report["streams"].items() if s["updated"]} == {
        "orders": 1,
        "customers": 1,
    }
    assert report["spendingOf"] >= 1
    assert everything(world) == before


def test_removals_are_told_and_a_drastic_one_is_told_to_be_held(world: World) -> None:
    # Given a synced org whose POS dropped three products
    world.sync(ORG)
    before = everything(world)
    rows = world.pos_data(ORG)["inventory"]
    gone = {row["id_item"] for row in rows[:3]}
    world.replace(ORG, "inventory", [row for row in rows if row["id_item"] not in gone])

    # When a dry run looks at it, then it tells which
    report = dry_run(world)
    assert report["streams"]["products"]["removed"] == len(gone)
    told = {key for key, c in changes(report, "products").items() if c["kind"] == "removed"}
    assert told == {str(item) for item in gone}

    # When the POS drops half of its products, then the report says that they would be held
    world.replace(ORG, "inventory", rows[: len(rows) // 2])
    world.client.document(f"tenants/{ORG}/sync_reports/dry").delete()
    report = dry_run(world)
    assert report["state"] == "held"
    assert "more than 20 %" in report["held"]
    assert report["deletionsHeld"] > 10
    assert report["streams"]["products"]["removed"] == 0
    assert everything(world) == before
    assert world.told.titles == []


def test_unreadable_records_are_told_with_the_reason(world: World) -> None:
    # Given three damaged customers
    world.fault("malformed", endpoint="customers", damage="missing_id", records=3)

    # When a dry run looks at them
    report = dry_run(world)

    # Then it counts them, and says why
    customers = report["streams"]["customers"]
    assert (report["state"], customers["quarantined"], customers["created"]) == ("partial", 3, 227)
    assert {each["errorCode"] for each in customers["quarantine"]} == {"missing_id"}
    assert everything(world) == {}


def test_a_full_dry_run_finds_what_was_changed_by_hand_among_what_is_only_rewritten(
    world: World,
) -> None:
    # Given a synced org, one of whose customers somebody changed in Firestore
    world.sync(ORG)
    customer = next(iter(world.documents(f"tenants/{ORG}/customers")))
    world.client.document(f"tenants/{ORG}/customers/{customer}").update({"firstName": "Wrong"})

    # When a full dry run looks at it
    report = dry_run(world, full=True)

    # Then that one is told, and the others would be rewritten as they are
    assert list(changes(report, "customers")) == [customer]
    counted = report["streams"]["customers"]
    assert (counted["updated"], counted["rewritten"]) == (1, 229)


def test_a_report_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given room for few changes
    monkeypatch.setattr(reports, "CHANGES", 5)
    monkeypatch.setattr(reports, "CHANGES_BYTES", 3_000)

    # When a dry run finds many
    report = dry_run(world)

    # Then all are counted, and the first are told
    for name, told in (("customers", 230), ("products", 60)):
        stream = report["streams"][name]
        assert 0 < len(stream["changes"]) <= 5
        assert stream["changesLeftOut"] == told - len(stream["changes"])


def test_a_dry_run_that_runs_out_of_time_says_so_and_asks_for_no_continuation(
    world: World,
) -> None:
    # When there is no time
    report = dry_run(world, seconds=0)

    # Then the report says that it is not complete
    assert report["complete"] is False
    assert world.continuations.take() == []
    assert everything(world) == {}


def test_a_wrong_password_is_told_and_counts_for_nothing(world: World) -> None:
    # Given a wrong password
    location = next(iter(world.documents("locations")))
    world.client.document(f"locations/{location}").update({"posConfig.password": "wrong"})

    # When a dry run is made
    report = dry_run(world)

    # Then the report says so, and the org is no nearer to a pause
    assert (report["state"], report["error"]["owner"]) == ("failed", "org")
    assert everything(world) == {}


def test_a_message_that_comes_twice_is_one_report(world: World) -> None:
    # Given a report
    dry_run(world)
    calls = world.pos_calls()

    # When its message comes again
    dry_run(world)

    # Then the POS is not asked again
    assert world.pos_calls() == calls
