"""A customer who is erased is nowhere any more, and stays away."""

from typing import Any

import pytest

from shared.domain.erasure import ERASED
from shared.services.erasure.holding import ErasureWaits
from tests.emulator.environment import SpendingRunner, SyncRunner, hold_org
from tests.emulator.erasure.erasing import E164, ORG, TRACES, Erasing, make_unique
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

Fields = dict[str, Any]


@pytest.fixture
def buyer(
    pos: SimulatedPos, sync: SyncRunner, spending: SpendingRunner, store: StoredDocuments
) -> Fields:
    """A customer with orders, like nobody else, of an org that is synced."""
    customer_id = make_unique(pos)
    sync.run(ORG)
    spending.compute_requested()
    found = store.document(f"tenants/{ORG}/customers/{customer_id}")
    assert found["phoneE164"] == E164
    assert found["orderCount"] > 1
    return found


def test_nothing_of_an_erased_customer_is_left(erasing: Erasing, buyer: Fields) -> None:
    # Given
    assert erasing.left_of(*TRACES, f"cid_{buyer['id']}")
    # When
    erasure = erasing(buyer["id"])
    # Then
    assert erasure.state == "done"
    assert erasing.left_of(*TRACES, f"cid_{buyer['id']}") == []


def test_a_full_sync_does_not_bring_the_person_back(
    erasing: Erasing,
    buyer: Fields,
    sync: SyncRunner,
    spending: SpendingRunner,
    store: StoredDocuments,
) -> None:
    # Given
    before = store.records(ORG)
    erasing(buyer["id"])
    # When
    run = sync.run(ORG, full=True)
    spending.compute_requested()
    # Then
    assert run["state"] == "succeeded"
    assert run["streams"]["customers"]["skippedReasons"] == {"erased": 1}
    assert erasing.left_of(*TRACES, f"cid_{buyer['id']}") == []
    after = store.records(ORG)
    theirs = {i: o for i, o in before["orders"].items() if o["customerId"] == buyer["id"]}
    assert theirs
    for order_id, order in theirs.items():
        now = after["orders"][order_id]
        assert now["customerId"] == ERASED
        assert now["customer"] == {"email": None, "name": "", "phone": None}
        assert (now["total"], now["items"]) == (order["total"], order["items"])
    others = {i: each for i, each in before["customers"].items() if i != buyer["id"]}
    assert after["customers"] == others


def test_an_unchanged_org_costs_the_same_reads_but_one_after_an_erasure(
    erasing: Erasing, buyer: Fields, sync: SyncRunner
) -> None:
    # Given
    usual = sync.run(ORG)["cost"]
    erasing(buyer["id"])
    sync.run(ORG)
    # When
    after = sync.run(ORG)["cost"]
    # Then
    assert after["reads"] == usual["reads"] + 1
    assert after["writes"] == usual["writes"]


def test_nobody_is_erased_beside_a_run_and_nothing_is_half_done(
    erasing: Erasing, buyer: Fields, store: StoredDocuments
) -> None:
    # Given
    before = store.records(ORG)
    # When
    held = hold_org(erasing.environment.database, ORG, "run-under-way")
    with held, pytest.raises(ErasureWaits, match="run-under-way"):
        erasing(buyer["id"])
    # Then
    assert store.records(ORG) == before
    assert store.documents(f"tenants/{ORG}/erased") == {}


def test_what_the_time_did_not_suffice_for_goes_on_when_it_is_asked_for_again(
    erasing: Erasing, buyer: Fields
) -> None:
    # Given
    assert erasing(buyer["id"], seconds=0.0).state == "running"
    assert erasing.left_of(*TRACES)
    # When
    again = erasing(buyer["id"])
    # Then
    assert again.state == "done"
    assert erasing.left_of(*TRACES) == []
    assert erasing(buyer["id"]).state == "done"


@pytest.mark.parametrize(
    ("setting", "there", "marked"),
    [("keep", True, False), ("mark", True, True), ("erase", False, False)],
)
def test_a_customer_deleted_at_the_pos_becomes_what_the_org_wants(
    setting: str,
    there: bool,
    marked: bool,
    erasing: Erasing,
    buyer: Fields,
    pos: SimulatedPos,
    sync: SyncRunner,
    store: StoredDocuments,
) -> None:
    # Given
    erasing.client.document(f"tenants/{ORG}").set({"sync": {"deletedCustomers": setting}})
    left = [c for c in pos.data(ORG)["customers"] if str(c["id_customer"]) != buyer["id"]]
    pos.replace(ORG, "customers", left)
    # When
    sync.run(ORG)
    # Then
    stored = store.document(f"tenants/{ORG}/customers/{buyer['id']}")
    assert (bool(stored), "removedFromPosAt" in stored) == (there, marked)
    assert bool(erasing.left_of(*TRACES)) is there
