"""Orders that match no customer: why is stored once, can be asked for, and goes when they match."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgpack
import pytest
from google.cloud.firestore import Client

from shared.services.sync import orders as orders_stream
from shared.services.sync.commands import SyncOrg
from shared.store import paths
from shared.store.database import Database
from tests.emulator.dashboard.client import DashboardClient
from tests.emulator.environment import SyncRunner
from tests.emulator.sync.test_dry_run import dry_run
from tests.fakes import OffsetClock
from tests.simulated_pos import SimulatedPos
from tests.stored import Fields, StoredDocuments

ORG = "org_test"
SKIPPED = f"tenants/{ORG}/skipped_orders"
PLACEHOLDER = "no-email@alleaves.local"
STRANGER = {"id_customer": None, "email": "stranger@example.org", "user_id": None}
REASONS: dict[str, dict[str, Any]] = {
    "unknown_customer_id": {"id_customer": 9_100_001, "email": PLACEHOLDER},
    "unknown_email": STRANGER,
    "unknown_user_id": {"id_customer": None, "email": "", "user_id": "web-unknown"},
    "no_buyer": {"id_customer": None, "email": PLACEHOLDER, "user_id": None},
}
FIRST_ID = 910_000
COMMAND = SyncOrg(ORG, "tuesday", "cron", streams=("customers", "orders"))
"""Without the products, which make checkpoints of their own beside the orders."""


@pytest.fixture(autouse=True)
def _orders_at_the_pos(pos: SimulatedPos) -> None:
    """Of the POS's orders only the latest of each reason matters, and one that matches."""
    newest = max(
        (o for o in pos.data(ORG)["orders"] if o["id_customer"] and o["total"]),
        key=lambda order: order["date_created"],
    )
    now = datetime.now(UTC)
    unmatched = [
        {
            **newest,
            **buyer,
            "id_order": FIRST_ID + number,
            "date_created": (now - timedelta(hours=1 + number)).isoformat(),
            "date_updated": now.isoformat(),
        }
        for number, buyer in enumerate(REASONS.values())
    ]
    pos.replace(ORG, "orders", [newest, *unmatched])


def key(reason: str) -> str:
    """Id of the order that is skipped for the reason."""
    return f"alleaves_{FIRST_ID + list(REASONS).index(reason)}"


def skipped_orders(store: StoredDocuments) -> dict[str, Fields]:
    """Every stored document of a skipped order."""
    return store.documents(SKIPPED)


def reasons(store: StoredDocuments) -> dict[str, str]:
    """The stored reason of each skipped order."""
    return {key: fields["reason"] for key, fields in skipped_orders(store).items()}


def a_customer(pos: SimulatedPos) -> Any:
    """The id of a customer at the POS."""
    return pos.data(ORG)["customers"][0]["id_customer"]


def unchanged_writes(sync: SyncRunner) -> int:
    """What a sync costs that finds nothing new."""
    return int(sync.run(ORG)["cost"]["writes"])


def test_each_skipped_order_is_stored_with_its_reason_and_counted_by_it(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # When
    run = sync.run(ORG, run_id="first")

    # Then every one of them says why, in words too
    assert reasons(store) == {key(reason): reason for reason in REASONS}
    found = skipped_orders(store)[key("unknown_customer_id")]
    at_pos = next(o for o in pos.data(ORG)["orders"] if o["id_order"] == FIRST_ID)
    assert found == {
        "orderId": key("unknown_customer_id"),
        "externalId": str(FIRST_ID),
        "posCustomerId": "9100001",
        "reason": "unknown_customer_id",
        "message": "The order names a customer who is not stored, and nothing else on it matches"
        " one.",
        "total": float(at_pos["total"]),
        "createdAt": datetime.fromisoformat(at_pos["date_created"]),
        "runId": "first",
        "orgId": ORG,
        "firstSeenAt": found["firstSeenAt"],
    }
    # and nothing of whom it may be about
    assert "stranger@" not in str(skipped_orders(store))

    # and the run counts them
    orders = run["streams"]["orders"]
    assert (orders["fetched"], orders["created"], orders["skipped"]) == (5, 1, 4)
    assert orders["skippedReasons"] == dict.fromkeys(REASONS, 1)
    assert [name for name, s in run["streams"].items() if "skippedReasons" in s] == ["orders"]
    assert store.status(ORG)["ordersSkipped"] == 4


def test_a_dry_run_counts_the_reasons_and_writes_none(
    store: StoredDocuments, sync: SyncRunner
) -> None:
    # When
    report = dry_run(store, sync)
    # Then
    assert report["streams"]["orders"]["skippedReasons"] == dict.fromkeys(REASONS, 1)
    assert skipped_orders(store) == {}


def test_an_order_skipped_for_the_same_reason_again_costs_no_write(
    store: StoredDocuments, sync: SyncRunner
) -> None:
    # Given
    sync.run(ORG)
    before = skipped_orders(store)
    # When
    run = sync.run(ORG)
    # Then
    assert run["streams"]["orders"]["skippedReasons"] == dict.fromkeys(REASONS, 1)
    assert run["cost"]["writes"] <= 6
    assert skipped_orders(store) == before


def test_another_reason_is_one_write_and_keeps_when_the_order_was_first_skipped(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given
    sync.run(ORG)
    before = skipped_orders(store)
    unchanged = unchanged_writes(sync)
    # When the order that named nobody has an e-mail that nobody has
    pos.change(ORG, "orders", FIRST_ID + 3, email="late@example.org")
    run = sync.run(ORG, run_id="second")
    # Then, beside the manifest, one document is written
    assert run["cost"]["writes"] == unchanged + 2
    after = skipped_orders(store)
    changed = after.pop(key("no_buyer"))
    was = before.pop(key("no_buyer"))
    assert (changed["reason"], changed["runId"]) == ("unknown_email", "second")
    assert changed["firstSeenAt"] == was["firstSeenAt"]
    assert after == before


def test_an_order_that_matches_later_is_stored_and_not_skipped_any_more(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given
    sync.run(ORG)
    customer = a_customer(pos)
    # When
    pos.change(ORG, "orders", FIRST_ID, id_customer=customer)
    run = sync.run(ORG)
    # Then
    assert run["cost"]["deletes"] == 1
    assert key("unknown_customer_id") not in reasons(store)
    stored = store.document(f"tenants/{ORG}/orders/{key('unknown_customer_id')}")
    assert stored["customerId"] == str(customer)
    assert len(reasons(store)) == store.status(ORG)["ordersSkipped"] == 3


def test_a_skipped_order_that_cannot_be_read_any_more_is_in_quarantine_alone(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given an order that was skipped
    sync.run(ORG)
    assert key("no_buyer") in store.documents(SKIPPED)

    # When its total becomes unreadable at the POS
    pos.change(ORG, "orders", FIRST_ID + list(REASONS).index("no_buyer"), total="a lot")
    sync.run(ORG)

    # Then
    assert key("no_buyer") not in store.documents(SKIPPED)
    assert f"orders_{key('no_buyer')}" in store.documents(f"tenants/{ORG}/quarantine")
    assert store.status(ORG)["ordersSkipped"] == len(REASONS) - 1

    # and once it can be read again it is skipped alone
    pos.change(ORG, "orders", FIRST_ID + list(REASONS).index("no_buyer"), total="12.50")
    sync.run(ORG)
    assert key("no_buyer") in store.documents(SKIPPED)
    assert store.documents(f"tenants/{ORG}/quarantine") == {}


def test_a_stored_order_that_matches_nobody_any_more_stays_as_it_was(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given
    sync.run(ORG)
    stored = store.documents(f"tenants/{ORG}/orders")
    [order] = [o for o in pos.data(ORG)["orders"] if o["id_order"] < FIRST_ID]
    # When
    pos.change(ORG, "orders", order["id_order"], **STRANGER)
    run = sync.run(ORG)
    # Then it is counted, but it is not an order that the org lacks
    assert run["streams"]["orders"]["skippedReasons"]["unknown_email"] == 2
    assert store.documents(f"tenants/{ORG}/orders") == stored
    assert len(reasons(store)) == store.status(ORG)["ordersSkipped"] == 4


def test_skips_that_an_earlier_version_noted_without_a_reason_get_their_documents_once(
    client: Client, store: StoredDocuments, sync: SyncRunner
) -> None:
    # Given manifests that say of an order no more than that it was skipped
    sync.run(ORG)
    for reason in REASONS:
        client.document(f"{SKIPPED}/{key(reason)}").delete()
    manifest = client.document(f"{paths.manifests(ORG)}/orders-0")
    entries = msgpack.unpackb(manifest.get().get("entries"))
    marks = {i: b"k" if mark[:1] == b"k" else mark for i, mark in entries.items()}
    assert list(marks.values()).count(b"k") == 4
    manifest.update({"entries": msgpack.packb(marks)})
    # When
    first = sync.run(ORG)
    # Then
    assert reasons(store) == {key(reason): reason for reason in REASONS}
    assert all("firstSeenAt" in fields for fields in skipped_orders(store).values())
    assert first["cost"]["writes"] > 4
    assert unchanged_writes(sync) <= 6


def test_a_full_sync_repairs_what_was_changed_by_hand(
    client: Client, store: StoredDocuments, sync: SyncRunner
) -> None:
    # Given
    sync.run(ORG, run_id="first")
    before = skipped_orders(store)
    client.document(f"{SKIPPED}/{key('no_buyer')}").update({"reason": "none"})
    # When
    sync.run(ORG, full=True)
    # Then
    after = skipped_orders(store)
    assert {key: {**fields, "runId": "first"} for key, fields in after.items()} == before


def test_a_worker_that_dies_leaves_no_reason_behind_that_nobody_would_remove(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given a worker that dies before it has noted anything
    sync.die_before_writing(paths.pos_status(ORG), COMMAND)
    # When the orders match at once
    customer = a_customer(pos)
    for number in range(len(REASONS)):
        pos.change(ORG, "orders", FIRST_ID + number, id_customer=customer)
    sync.run(ORG, run_id=COMMAND.run_id, streams=COMMAND.streams)
    # Then
    assert reasons(store) == {}
    assert store.status(ORG)["ordersCount"] == 5


def test_a_worker_that_dies_before_it_has_noted_that_an_order_matches_loses_nothing(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given
    sync.run(ORG)
    customer = a_customer(pos)
    pos.change(ORG, "orders", FIRST_ID, id_customer=customer)
    sync.die_before_writing(paths.pos_status(ORG), COMMAND)
    # When
    sync.run(ORG, run_id=COMMAND.run_id, streams=COMMAND.streams)
    # Then
    assert key("unknown_customer_id") not in reasons(store)
    assert store.status(ORG)["ordersSkipped"] == len(reasons(store)) == 3


def test_more_skipped_orders_than_a_commit_takes_are_stored_in_several(
    store: StoredDocuments, sync: SyncRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr(orders_stream, "SKIPPED_PER_CHECKPOINT", 2)
    # When
    sync.run(ORG)
    # Then
    assert len(reasons(store)) == len(REASONS)
    assert unchanged_writes(sync) <= 6


def test_the_reasons_can_be_read_the_latest_order_first(
    database: Database, clock: OffsetClock, sync: SyncRunner
) -> None:
    # Given
    sync.run(ORG)
    dashboard = DashboardClient(database, ORG, clock)
    # When
    found = dashboard.all_of("orders/skipped", limit=3)
    # Then
    assert [item["orderId"] for item in found] == [key(reason) for reason in REASONS]
    assert found[0] == {
        **{n: found[0][n] for n in ("message", "total", "createdAt", "firstSeenAt", "runId")},
        "orderId": key("unknown_customer_id"),
        "externalId": str(FIRST_ID),
        "posCustomerId": "9100001",
        "reason": "unknown_customer_id",
    }
    # and by reason
    [one] = dashboard.all_of("orders/skipped", reason="no_buyer")
    assert one["orderId"] == key("no_buyer")
    assert "names no buyer" in one["message"]
    # and by nobody else
    assert dashboard.reply("orders/skipped", reason="whatever").status_code == 400
    assert dashboard.reply("orders/skipped", signed_in_at="org_other").status_code == 403
