"""Products that the POS no longer lists."""

import pytest

from tests.emulator.sync.world import MENU, World

ORG = "org_test"


def drop(world: World, items: int) -> set[str]:
    """Take the first products off the POS's list; their ids."""
    rows = world.pos_data(ORG)["inventory"]
    ids = sorted({row["id_item"] for row in rows})[:items]
    world.replace(ORG, "inventory", [row for row in rows if row["id_item"] not in ids])
    return {str(item) for item in ids}


def test_a_dropped_product_leaves_the_menu_and_stays_with_its_last_values(world: World) -> None:
    world.sync(ORG)
    before = world.documents(f"tenants/{ORG}/products")

    gone = drop(world, 3)
    run = world.sync(ORG)
    unchanged = world.sync(ORG)

    assert run["streams"]["products"]["deleted"] == 3
    menu = world.documents(f"tenants/{ORG}/{MENU}")
    assert set(menu) == set(before) - gone
    for product_id in gone:
        kept = world.document(f"tenants/{ORG}/products/{product_id}")
        assert kept["available"] is False
        assert kept["removedFromPosAt"] is not None
        assert kept["price"] == before[product_id]["price"]
    assert world.status(ORG)["menuProductsCount"] == len(menu)
    assert unchanged["cost"]["writes"] <= 6


def test_what_a_merchant_set_survives_ten_syncs_a_removal_and_a_return(world: World) -> None:
    world.sync(ORG)
    rows = world.pos_data(ORG)["inventory"]
    product_id = str(rows[0]["id_item"])
    item = world.client.document(f"tenants/{ORG}/{MENU}/{product_id}")
    merchant = {
        "imageUrl": "https://example.com/a.png",
        "imageSource": "merchant",
        "sortOrder": 3,
        "isFeatured": True,
    }
    item.update(merchant)

    for _ in range(10):
        world.sync(ORG)
    world.replace(ORG, "inventory", [row for row in rows if str(row["id_item"]) != product_id])
    world.sync(ORG)
    assert not item.get().exists
    world.replace(ORG, "inventory", rows)
    world.sync(ORG)

    found = item.get().to_dict() or {}
    assert {name: found[name] for name in merchant} == merchant
    assert "removedFromPosAt" not in world.document(f"tenants/{ORG}/products/{product_id}")


def test_a_drastic_removal_is_held_until_a_person_allows_it(world: World) -> None:
    world.sync(ORG)
    gone = drop(world, 20)

    held = world.sync(ORG)

    assert held["state"] == "held"
    assert len(world.documents(f"tenants/{ORG}/{MENU}")) == 60
    status = world.status(ORG)
    assert (status["status"], status["deletionsHeld"]) == ("held", 20)
    assert "allowDeletions" in status["lastError"]

    # A run over other streams leaves it held
    world.sync(ORG, streams=("customers",))
    assert (world.status(ORG)["status"], world.status(ORG)["deletionsHeld"]) == ("held", 20)

    allowed = world.sync(ORG, allow_deletions=True)

    assert allowed["state"] == "succeeded"
    assert allowed["streams"]["products"]["deleted"] == len(gone)
    assert world.status(ORG)["deletionsHeld"] == 0


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
def test_a_wrong_answer_never_empties_a_menu(world: World, fault: dict[str, object]) -> None:
    world.sync(ORG)
    before = world.records(ORG)[MENU]

    world.fault(str(fault.pop("kind")), **fault)
    run = world.sync(ORG, allow_deletions=fault.get("trueTotal") is not False)

    assert run["state"] in ("held", "partial")
    assert world.status(ORG)["lastError"]
    assert set(world.records(ORG)[MENU]) == set(before)
