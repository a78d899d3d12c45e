"""Products that the POS no longer lists."""

from collections.abc import Sequence

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.spec import OrgSpec
from tests.emulator.environment import TINY, SyncRunner
from tests.simulated_pos import SimulatedPos
from tests.stored import MENU, StoredDocuments

ORG = "org_test"


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    return (TINY,)


def drop(pos: SimulatedPos, items: int) -> set[str]:
    """Take the first products off the POS's list; their ids."""
    rows = pos.data(ORG)["inventory"]
    ids = sorted({row["id_item"] for row in rows})[:items]
    pos.replace(ORG, "inventory", [row for row in rows if row["id_item"] not in ids])
    return {str(item) for item in ids}


def test_a_dropped_product_leaves_the_menu_and_stays_with_its_last_values(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    sync.run(ORG)
    before = store.documents(f"tenants/{ORG}/products")

    gone = drop(pos, 3)
    run = sync.run(ORG)
    unchanged = sync.run(ORG)

    assert run["streams"]["products"]["deleted"] == 3
    menu = store.documents(f"tenants/{ORG}/{MENU}")
    assert set(menu) == set(before) - gone
    for product_id in gone:
        kept = store.document(f"tenants/{ORG}/products/{product_id}")
        assert kept["available"] is False
        assert kept["removedFromPosAt"] is not None
        assert kept["price"] == before[product_id]["price"]
    assert store.status(ORG)["menuProductsCount"] == len(menu)
    assert unchanged["cost"]["writes"] <= 6


def test_what_a_merchant_set_survives_ten_syncs_a_removal_and_a_return(
    client: Client, store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    sync.run(ORG)
    rows = pos.data(ORG)["inventory"]
    product_id = str(rows[0]["id_item"])
    item = client.document(f"tenants/{ORG}/{MENU}/{product_id}")
    merchant = {
        "imageUrl": "https://example.com/a.png",
        "imageSource": "merchant",
        "sortOrder": 3,
        "isFeatured": True,
    }
    item.update(merchant)

    for _ in range(10):
        sync.run(ORG)
    pos.replace(ORG, "inventory", [row for row in rows if str(row["id_item"]) != product_id])
    sync.run(ORG)
    assert not item.get().exists
    pos.replace(ORG, "inventory", rows)
    sync.run(ORG)

    found = item.get().to_dict() or {}
    assert {name: found[name] for name in merchant} == merchant
    assert "removedFromPosAt" not in store.document(f"tenants/{ORG}/products/{product_id}")


def test_a_drastic_removal_is_held_until_a_person_allows_it(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    sync.run(ORG)
    gone = drop(pos, 20)

    held = sync.run(ORG)

    assert held["state"] == "held"
    assert len(store.documents(f"tenants/{ORG}/{MENU}")) == 60
    status = store.status(ORG)
    assert (status["status"], status["deletionsHeld"]) == ("held", 20)
    assert "sync-sam removals ORG approve" in status["lastError"]
    assert "allowDeletions" in status["lastError"]

    # A run over other streams leaves it held
    sync.run(ORG, streams=("customers",))
    assert (store.status(ORG)["status"], store.status(ORG)["deletionsHeld"]) == ("held", 20)

    allowed = sync.run(ORG, allow_deletions=True)

    assert allowed["state"] == "succeeded"
    assert allowed["streams"]["products"]["deleted"] == len(gone)
    assert store.status(ORG)["deletionsHeld"] == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "empty_list", "endpoint": "inventory"},
        {"kind": "halved_list", "endpoint": "inventory", "trueTotal": True},
        {"kind": "halved_list", "endpoint": "inventory", "trueTotal": False},
        {"kind": "truncated_json", "endpoint": "inventory"},
    ],
    ids=["empty", "halved, by its own count", "halved, whatever it counts", "truncated"],
)
def test_a_wrong_answer_never_empties_a_menu(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner, fault: dict[str, object]
) -> None:
    sync.run(ORG)
    before = store.records(ORG)[MENU]

    pos.fault(str(fault.pop("kind")), **fault)
    run = sync.run(ORG, allow_deletions=fault.get("trueTotal") is not False)

    assert run["state"] in ("held", "partial")
    assert store.status(ORG)["lastError"]
    assert set(store.records(ORG)[MENU]) == set(before)
