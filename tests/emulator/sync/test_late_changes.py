"""Orders and customers that change, come or go at the POS long after they were made."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgpack
import pytest
from google.cloud.firestore import DELETE_FIELD, Client

from deploy.local.simulator.truth import Truth
from shared.services.admin.removals import held_removals
from shared.services.spending.look_up import SpendingLookUp, SpendingSource
from shared.store.database import Database
from tests.emulator.environment import SMALL, SpendingRunner, SyncRunner
from tests.fakes import OffsetClock
from tests.simulated_pos import SimulatedPos, placed_order
from tests.stored import StoredDocuments

ORG = "org_test"
DAY = timedelta(days=1)
PROMISES = [(11, timedelta(hours=4), 6), (200, timedelta(hours=24), 7)]
"""Age of an order in days, time between runs, and how many of them see it at the latest."""
AGES = ["of 11 days ago, within a day", "of 200 days ago, within a week"]


class Till:
    """The dispensary's POS and its sync; ``buyers`` are ids of two customers."""

    def __init__(
        self, pos: SimulatedPos, sync: SyncRunner, spending: SpendingRunner, clock: OffsetClock
    ) -> None:
        self.pos, self.sync, self.spending, self.clock = pos, sync, spending, clock
        # By its number alone an order finds its customer.
        self.template = {**pos.newest_order(ORG), "email": "", "phone": "", "user_id": None}
        self.buyers: list[int] = [
            c["id_customer"] for c in pos.data(ORG)["customers"] if "example" in (c["email"] or "")
        ][:2]

    def place(self, order_id: int, days_ago: float, buyer: int | None = None) -> None:
        """An order of $100, entered at the POS now under a date of some days ago."""
        at = (datetime.now(UTC) - days_ago * DAY).isoformat()
        buyer = self.buyers[0] if buyer is None else buyer
        self.pos.add(ORG, "orders", placed_order(self.template, order_id, buyer, at))

    def delete(self, kind: str, *ids: object) -> None:
        for record_id in ids:
            self.pos.control("DELETE", f"orgs/{ORG}/{kind}/{record_id}")

    def run(self, **fields: Any) -> dict[str, Any]:
        """A sync, with the spending that it asks for."""
        run = self.sync.run(ORG, **fields)
        self.spending.compute_requested()
        return run

    def runs(self, gap: timedelta, count: int) -> None:
        """So many syncs, each some time after the one before."""
        for _ in range(count):
            self.clock.later += gap
            self.run()


@pytest.fixture
def till(pos: SimulatedPos, sync: SyncRunner, spending: SpendingRunner, clock: OffsetClock) -> Till:
    return Till(pos, sync, spending, clock)


def present(documents: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Those that were not removed at the POS."""
    return {key: fields for key, fields in documents.items() if "removedFromPosAt" not in fields}


def agrees(store: StoredDocuments, pos: SimulatedPos) -> bool:
    """Whether orders, their owners and everybody's spending are those of the POS's data."""
    truth = Truth(pos.data(ORG), "America/New_York")
    orders = present(store.documents(f"tenants/{ORG}/orders"))
    owned = {f"alleaves_{o}": str(b) for o, b in truth.buyers.items() if b is not None}
    spent = {
        key: round(fields.get("totalSpent", 0) * 100)
        for key, fields in present(store.documents(f"tenants/{ORG}/customers")).items()
    }
    return {key: order["customerId"] for key, order in orders.items()} == owned and spent == {
        str(customer): int(figures.spent * 100) for customer, figures in truth.figures.items()
    }


@pytest.mark.parametrize(("days", "gap", "count"), PROMISES, ids=AGES)
def test_late_changes_are_seen_in_time(
    store: StoredDocuments, till: Till, days: int, gap: timedelta, count: int
) -> None:
    # Given an org whose orders of that day are all stored
    for number in range(4):
        till.place(900_001 + number, days)
    till.run()
    before = store.status(ORG)["ordersCount"]

    # When they are cancelled, moved, deleted at the POS, and one is entered late
    till.pos.change(ORG, "orders", 900_001, status="cancelled")
    till.pos.change(ORG, "orders", 900_002, id_customer=till.buyers[1])
    till.pos.change(ORG, "orders", 900_003, total="12.34", date_updated="2020-01-01T00:00:00Z")
    till.delete("orders", 900_004)
    till.place(900_009, days)
    till.runs(gap, count)

    # Then all of it is stored, and everybody's spending is right
    orders = store.documents(f"tenants/{ORG}/orders")
    assert orders["alleaves_900001"]["status"] == "cancelled"
    assert orders["alleaves_900002"]["customerId"] == str(till.buyers[1])
    assert orders["alleaves_900003"]["total"] == 12.34
    assert orders["alleaves_900004"]["removedFromPosAt"]
    assert orders["alleaves_900004"]["total"] == 100
    assert "alleaves_900009" in orders
    assert agrees(store, till.pos)
    assert store.status(ORG)["ordersCount"] == before


def test_a_deleted_order_that_comes_back_counts_again(store: StoredDocuments, till: Till) -> None:
    till.place(900_001, 1)
    till.run()
    till.delete("orders", 900_001)
    run = till.run()
    assert run["streams"]["orders"]["deleted"] == 1
    assert store.document(f"tenants/{ORG}/orders/alleaves_900001")["removedFromPosAt"]
    assert agrees(store, till.pos)

    till.place(900_001, 1)
    till.run()

    assert "removedFromPosAt" not in store.document(f"tenants/{ORG}/orders/alleaves_900001")
    assert agrees(store, till.pos)


def test_an_unreadable_order_that_several_windows_list_counts_once(
    store: StoredDocuments, till: Till
) -> None:
    # Given some unreadable orders of lately, not so many that the POS must be wrong
    till.run()
    for number in range(7):
        till.place(900_001 + number, 2.1)
        till.pos.change(ORG, "orders", 900_001 + number, total="a lot")

    # When a run lists what is new and the look-back, which both have them
    till.clock.later = timedelta(hours=1)
    till.run()
    till.clock.later += DAY
    run = till.run()

    # Then they are in quarantine, and the others are synced
    assert run["errors"] == []
    assert run["streams"]["orders"]["quarantined"] == 7
    assert len(store.documents(f"tenants/{ORG}/quarantine")) == 7


def test_a_skipped_order_that_is_deleted_is_skipped_no_more(
    store: StoredDocuments, till: Till
) -> None:
    # Given an order of somebody who is no customer
    skipped = f"tenants/{ORG}/skipped_orders"
    till.place(900_001, 30, buyer=9_100_001)
    till.run()
    before = store.status(ORG)["ordersSkipped"]
    assert "alleaves_900001" in store.documents(skipped)

    # When it is deleted, and the day has been listed again
    till.delete("orders", 900_001)
    till.runs(DAY, 1)

    # Then
    assert "alleaves_900001" not in store.documents(skipped)
    assert store.status(ORG)["ordersSkipped"] == before - 1

    # and one that comes back is skipped again
    till.place(900_001, 0.1, buyer=9_100_001)
    till.run()
    assert "alleaves_900001" in store.documents(skipped)


def test_an_old_order_that_was_skipped_is_stored_once_its_customer_is(
    store: StoredDocuments, till: Till
) -> None:
    # Given an order of long ago that names somebody who is no customer yet
    till.place(900_001, 200, buyer=9_100_001)
    till.run()
    assert "alleaves_900001" in store.documents(f"tenants/{ORG}/skipped_orders")

    # When that one is, and the next run lists the orders of these days alone
    somebody = till.pos.data(ORG)["customers"][0]
    late = {**somebody, "id_customer": 9_100_001, "email": "late@example.com", "phone": ""}
    till.pos.add(ORG, "customers", late)
    till.runs(timedelta(minutes=30), 1)

    # Then
    assert "alleaves_900001" not in store.documents(f"tenants/{ORG}/skipped_orders")
    assert store.document(f"tenants/{ORG}/orders/alleaves_900001")["customerId"] == "9100001"
    assert agrees(store, till.pos)


def test_a_version_that_is_older_than_the_stored_one_waits_only_where_that_is_new(
    store: StoredDocuments, till: Till
) -> None:
    # Given an order and a customer that a webhook may just have stored
    till.place(900_001, 0.1)
    till.run()
    older = "2020-01-01T00:00:00Z"
    buyer = till.buyers[0]
    till.pos.change(ORG, "customers", buyer, date_updated=datetime.now(UTC).isoformat())
    till.pos.change(ORG, "customers", buyer, name_first="Before")
    till.run()

    # When a listing has an older version of either
    till.pos.change(ORG, "orders", 900_001, total="1.00", date_updated=older)
    till.pos.change(ORG, "customers", buyer, name_first="After", date_updated=older)
    till.run()

    # Then it is left out at first
    assert store.document(f"tenants/{ORG}/orders/alleaves_900001")["total"] == 100
    assert store.document(f"tenants/{ORG}/customers/{buyer}")["firstName"] == "Before"

    # And stored once no webhook can have overtaken it
    till.clock.later += timedelta(minutes=11)
    till.run()
    assert store.document(f"tenants/{ORG}/orders/alleaves_900001")["total"] == 1
    assert store.document(f"tenants/{ORG}/customers/{buyer}")["firstName"] == "After"


def test_an_order_deleted_before_manifests_knew_its_day_is_found_in_the_second_round(
    client: Client, store: StoredDocuments, till: Till
) -> None:
    # Given an org as a version before left it, two of whose orders are gone since
    till.place(900_001, 200)
    till.place(900_002, 11)
    till.run()
    shard = client.document(f"tenants/{ORG}/sync_manifests/orders-0")
    entries = msgpack.unpackb((shard.get().to_dict() or {})["entries"])
    shard.update({"entries": msgpack.packb({key: mark[:9] for key, mark in entries.items()})})
    progress = client.document(f"tenants/{ORG}/sync_state/progress")
    progress.update({"orders.near": DELETE_FIELD, "orders.far": DELETE_FIELD})
    till.delete("orders", 900_001, 900_002)

    # When a round of all days has shown when the others were created, and another has begun
    till.runs(timedelta(hours=36), 9)

    # Then both are removed
    for order_id in (900_001, 900_002):
        assert "removedFromPosAt" in store.document(f"tenants/{ORG}/orders/alleaves_{order_id}")
    assert agrees(store, till.pos)


def test_a_removed_order_does_not_count_where_spending_is_looked_up_from_orders(
    client: Client, database: Database, till: Till
) -> None:
    # Given a customer with an order that was removed, and without a spending document
    buyer = str(till.buyers[0])
    till.place(900_001, 1)
    till.run()
    client.document(f"tenants/{ORG}/customer_spending/cid_{buyer}").delete()
    look_up = SpendingLookUp(database)
    before = look_up.find(ORG, customer_id=buyer)
    till.delete("orders", 900_001)
    till.run()
    client.document(f"tenants/{ORG}/customer_spending/cid_{buyer}").delete()

    after = look_up.find(ORG, customer_id=buyer)

    assert before is not None
    assert after is not None
    assert before.source is after.source is SpendingSource.ORDERS
    assert before.spending.total_cents - after.spending.total_cents == 100_00
    assert before.spending.order_count - after.spending.order_count == 1


def test_a_customer_who_is_deleted_leaves_the_figures_and_returns_with_them(
    store: StoredDocuments, till: Till
) -> None:
    # Given
    till.place(900_001, 1)
    till.run()
    buyer = till.buyers[0]
    where = f"tenants/{ORG}/customers/{buyer}"
    record = next(c for c in till.pos.data(ORG)["customers"] if c["id_customer"] == buyer)
    before = store.document(where)
    count = store.status(ORG)["customersCount"]
    assert before["totalSpent"] >= 100

    # When the POS has them no more
    till.delete("customers", buyer)
    run = till.run()

    # Then the document stays without any figures, and nothing else has any of them
    after = store.document(where)
    assert run["streams"]["customers"]["deleted"] == 1
    assert after["removedFromPosAt"]
    assert after["firstName"] == before["firstName"]
    assert not {"totalSpent", "segment", "rfm", "predictedLifetimeValue", "orderCount"} & set(after)
    assert store.status(ORG)["customersCount"] == count - 1
    kept = store.documents(f"tenants/{ORG}/customer_spending")
    assert f"cid_{buyer}" not in kept
    assert all(fields["customerId"] != str(buyer) for fields in kept.values())
    assert till.run()["cost"]["writes"] <= 6

    # And when they are there again, so is all of it
    till.pos.add(ORG, "customers", record)
    till.run()
    again = store.document(where)
    assert "removedFromPosAt" not in again
    assert again["totalSpent"] == before["totalSpent"]
    assert again["segment"] == before["segment"]
    assert store.status(ORG)["customersCount"] == count
    assert f"cid_{buyer}" in store.documents(f"tenants/{ORG}/customer_spending")


def test_two_records_that_are_merged_leave_the_survivor_with_the_orders_of_both(
    store: StoredDocuments, till: Till
) -> None:
    # Given two records of one person, with an order each
    survivor, other = till.buyers
    till.place(900_001, 5, survivor)
    till.place(900_002, 5, other)
    phone = "212 555 0199"
    for customer in till.buyers:
        till.pos.change(ORG, "customers", customer, phone=phone, email="both@example.org")
    till.run()

    # When the POS merges them
    for order in till.pos.data(ORG)["orders"]:
        if order["id_customer"] == other:
            till.pos.change(ORG, "orders", order["id_order"], id_customer=survivor)
    till.delete("customers", other)
    till.runs(timedelta(hours=21), 8)

    # Then one record is left, and all orders are its
    stored = store.documents(f"tenants/{ORG}/customers")
    assert stored[str(other)]["removedFromPosAt"]
    assert not {"duplicateOf", "duplicateIds"} & (stored[str(survivor)].keys())
    assert agrees(store, till.pos)
    both = store.document(f"tenants/{ORG}/customer_spending/both@example.org")
    assert both["totalSpent"] == stored[str(survivor)]["totalSpent"]


@pytest.mark.parametrize("kind", ["empty_list", "halved_list"])
def test_a_list_of_orders_that_lacks_many_removes_none_and_waits_for_a_person(
    store: StoredDocuments, till: Till, kind: str
) -> None:
    # Given a busy day
    for number in range(40):
        till.place(900_001 + number, 1)
    till.run()
    before = present(store.documents(f"tenants/{ORG}/orders")).keys()

    # When the POS lists half of it, or nothing
    till.pos.fault(kind, endpoint="orders")
    run = till.run()

    # Then nothing is removed, and the status says so
    assert run["state"] == "held"
    assert run["deletionsHeld"] >= 10
    status = store.status(ORG)
    assert (status["status"], status["deletionsHeld"]) == ("held", run["deletionsHeld"])
    assert "sync-sam removals ORG approve" in status["lastError"]
    assert "allowDeletions" in status["lastError"]
    assert "orders" in status["lastError"]
    assert store.document(f"tenants/{ORG}/incidents/removal_held_orders")["state"] == "open"
    assert present(store.documents(f"tenants/{ORG}/orders")).keys() == before

    # Even with a person's word: each is asked for, and found
    till.run(allow_deletions=True)
    assert present(store.documents(f"tenants/{ORG}/orders")).keys() == before

    # And once the list is whole, nothing waits any more
    till.pos.clear_faults()
    run = till.run()
    assert run["state"] == "succeeded"
    assert store.status(ORG)["deletionsHeld"] == 0
    assert store.document(f"tenants/{ORG}/incidents/removal_held_orders")["state"] == "resolved"


def test_a_deletion_of_many_orders_that_a_person_allows_is_done_in_parts(
    store: StoredDocuments, till: Till
) -> None:
    # Given
    ids = list(range(900_001, 900_121))
    for order_id in ids:
        till.place(order_id, 1)
    till.run()
    till.delete("orders", *ids)
    assert till.run()["state"] == "held"

    # When
    allowed = till.run(allow_deletions=True)
    assert allowed["streams"]["orders"]["deleted"] == 100
    rest = till.run()

    # Then
    assert rest["streams"]["orders"]["deleted"] == 20
    assert agrees(store, till.pos)


def test_a_deletion_of_many_customers_waits_until_a_person_allows_it(
    client: Client, store: StoredDocuments, till: Till
) -> None:
    # Given an org that lets two percent go
    client.document(f"tenants/{ORG}").set({"sync": {"maxDeletePercent": 2}})
    till.run()
    customers = [c["id_customer"] for c in till.pos.data(ORG)["customers"]][:12]
    till.delete("customers", *customers)

    held = till.run()

    assert (held["state"], held["deletionsHeld"]) == ("held", 12)
    assert len(present(store.documents(f"tenants/{ORG}/customers"))) == SMALL.customers
    allowed = till.run(allow_deletions=True)
    assert allowed["state"] == "succeeded"
    assert allowed["streams"]["customers"]["deleted"] == 12
    assert store.status(ORG)["deletionsHeld"] == 0
    assert store.status(ORG)["customersCount"] == SMALL.customers - 12


def test_an_approval_of_one_removal_of_customers_does_not_cover_a_larger_one(
    client: Client, database: Database, store: StoredDocuments, till: Till
) -> None:
    # Given a removal that is held
    client.document(f"tenants/{ORG}").set({"sync": {"maxDeletePercent": 2}})
    till.run()
    customers = [c["id_customer"] for c in till.pos.data(ORG)["customers"]][:13]
    till.delete("customers", *customers[:12])
    till.run()
    (shown,) = held_removals(database, ORG)
    assert set(shown.hold.record_ids) == {str(each) for each in customers[:12]}

    # When one more is gone by the time that the approval is carried out
    till.delete("customers", customers[12])
    run = till.run(approved_removals=(shown.hold.id,))

    # Then none is removed
    assert (run["state"], run["deletionsHeld"]) == ("held", 13)
    assert len(present(store.documents(f"tenants/{ORG}/customers"))) == SMALL.customers

    # When the removal as it is now is approved, then all are
    (shown,) = held_removals(database, ORG)
    run = till.run(approved_removals=(shown.hold.id,))
    assert (run["state"], run["streams"]["customers"]["deleted"]) == ("succeeded", 13)


@pytest.mark.parametrize("kind", ["empty_list", "halved_list"])
@pytest.mark.parametrize("allowed", [False, True])
def test_a_list_of_customers_that_lacks_many_removes_none(
    store: StoredDocuments, till: Till, kind: str, allowed: bool
) -> None:
    till.run()
    till.pos.fault(kind, endpoint="customers")
    till.run(allow_deletions=allowed)
    assert len(present(store.documents(f"tenants/{ORG}/customers"))) == SMALL.customers


@pytest.mark.parametrize(("kind", "pages"), [("customers", 3), ("orders", 1)])
def test_nothing_is_removed_that_cannot_be_looked_up(
    store: StoredDocuments, till: Till, kind: str, pages: int
) -> None:
    # Given a record that is missing from the list
    till.place(900_001, 1)
    till.run()
    till.delete(kind, till.buyers[0] if kind == "customers" else 900_001)
    before = len(store.documents(f"tenants/{ORG}/{kind}"))

    # When the POS lists it no more, but fails when it is asked for it
    till.pos.fault("server_error", endpoint=kind, after=pages)
    till.run()

    # Then it is kept, and removed once the POS can say that it has it no more
    assert len(present(store.documents(f"tenants/{ORG}/{kind}"))) == before
    till.pos.clear_faults()
    till.run()
    assert len(present(store.documents(f"tenants/{ORG}/{kind}"))) == before - 1


def test_an_unchanged_org_costs_no_more_writes_and_no_further_reads(till: Till) -> None:
    till.run()
    till.clock.later += timedelta(minutes=30)
    till.run()
    calls = []
    for _ in range(5):
        till.clock.later += timedelta(minutes=30)
        till.pos.reset_calls()
        run = till.run()
        assert run["cost"]["writes"] <= 6
        assert run["cost"]["reads"] <= 13
        calls.append(till.pos.calls(ORG)["orders"])
    # One run in five lists a slice of either sweep
    assert sorted(calls) == [1, 1, 1, 1, 3]
