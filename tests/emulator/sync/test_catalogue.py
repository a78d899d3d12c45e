"""What stands around the products: prices and their history, batches, metadata, quarantine."""

from datetime import timedelta
from typing import Any

import pytest

from deploy.local.simulator.metadata import METRC_KEY
from tests.emulator.sync.world import MENU, World

ORG = "org_test"
PRICES = (
    "price_otd",
    "price_otd_adult_use",
    "price_otd_medical_use",
    "price_retail",
    "price_retail_adult_use",
    "price_retail_medical_use",
)
NO_PRICES = dict.fromkeys(PRICES, 0)
NO_COST = {"cost_of_good": None, "batch_cost_of_good": None}


@pytest.fixture
def world(shop: World) -> World:
    """Only what it sells matters here."""
    return shop


def only_row(world: World, category: str = "Vapes") -> dict[str, Any]:
    """A stock row that is the only one of its item, with sellable stock and both prices."""
    rows = world.pos_data(ORG)["inventory"]
    alone = [r for r in rows if [x["id_item"] for x in rows].count(r["id_item"]) == 1]
    return next(
        row
        for row in alone
        if row["category"].endswith(category) and row["available"] and row["price_otd_adult_use"]
    )


def set_row(world: World, row: dict[str, Any], **fields: Any) -> None:
    world.change(ORG, "inventory", f"{row['id_batch']}-{row['id_area']}", **fields)


def product(world: World, row: dict[str, Any], where: str = MENU) -> dict[str, Any]:
    return world.document(f"tenants/{ORG}/{where}/{row['id_item']}")


# prices


def test_a_product_without_price_and_cost_is_kept_and_reported_until_it_has_one(
    world: World,
) -> None:
    # Given
    row = only_row(world)
    set_row(world, row, **NO_PRICES, **NO_COST)

    # When
    run = world.sync(ORG)

    # Then it is on the menu, cannot be bought, and a person is told why
    found = product(world, row)
    assert (found["price"], found["available"]) == (0, False)
    assert found["quantity"] == row["available"]
    (entry,) = world.documents(f"tenants/{ORG}/quarantine").values()
    assert (entry["stream"], entry["errorCode"]) == ("products", "no_price")
    assert run["streams"]["products"]["quarantined"] == 1
    assert world.status(ORG)["menuProductsCount"] == 60

    # and saying so again costs nothing
    assert world.sync(ORG)["cost"]["writes"] <= 6

    # When it gets a price
    set_row(world, row, price_retail_adult_use=20.0)
    run = world.sync(ORG)

    # Then all is well
    assert product(world, row)["price"] == 20.0
    assert world.documents(f"tenants/{ORG}/quarantine") == {}
    assert run["state"] == "succeeded"


def test_an_org_may_have_markups_of_its_own(world: World) -> None:
    row = only_row(world)
    set_row(world, row, **NO_PRICES, cost_of_good=10.0)
    world.sync(ORG)
    assert (product(world, row)["price"], product(world, row)["priceSource"]) == (20.0, "markup")

    world.client.document(f"tenants/{ORG}").set({"sync": {"markups": {"vape": 2.75}}}, merge=True)
    world.sync(ORG)

    assert product(world, row)["price"] == 27.5


def test_a_markup_that_makes_no_sense_is_the_orgs_to_correct(world: World) -> None:
    world.client.document(f"tenants/{ORG}").set({"sync": {"markups": {"vape": -1}}})

    world.sync(ORG)

    status = world.status(ORG)
    assert status["lastErrorOwner"] == "org"
    assert "markups" in status["lastError"]


def test_each_change_of_price_or_cost_is_kept_once(world: World) -> None:
    # Given a product that has had one price
    row = only_row(world)
    world.sync(ORG)
    first = product(world, row)
    history = f"tenants/{ORG}/products/{row['id_item']}/price_history"
    assert world.documents(history) == {}

    # When its price changes, then its cost, then only its stock
    for change in ({"price_otd_adult_use": 12.5}, {"cost_of_good": 4.0}, {"available": 1}):
        set_row(world, row, **change)
        run = world.sync(ORG)
    world.sync(ORG, full=True)

    # Then there are two entries, which tell what was before
    price, cost = sorted(world.documents(history).values(), key=lambda e: e["changedAt"])
    assert (price["previousPrice"], price["price"]) == (first["price"], 12.5)
    assert (price["previousCost"], price["cost"]) == (first.get("cost"), first.get("cost"))
    assert (cost["previousPrice"], cost["price"]) == (12.5, 12.5)
    assert cost["cost"] == 4.0
    assert price["priceSource"] == "otd"
    assert run["streams"]["products"]["updated"] == 1


def test_a_product_that_comes_back_at_another_price_has_that_in_its_history(world: World) -> None:
    world.sync(ORG)
    row, rows = only_row(world), world.pos_data(ORG)["inventory"]
    old = product(world, row)["price"]
    world.replace(ORG, "inventory", [r for r in rows if r["id_item"] != row["id_item"]])
    world.sync(ORG)
    tombstone = product(world, row, "products")
    assert (tombstone["price"], tombstone["isOnSale"]) == (old, False)
    assert "salePrice" not in tombstone

    world.replace(ORG, "inventory", rows)
    set_row(world, row, price_otd_adult_use=77.0)
    world.sync(ORG)

    (entry,) = world.documents(f"tenants/{ORG}/products/{row['id_item']}/price_history").values()
    assert (entry["previousPrice"], entry["price"]) == (old, 77.0)
    assert product(world, row)["price"] == 77.0


# batches


def test_expired_stock_is_never_sellable(world: World) -> None:
    row = only_row(world)
    yesterday = (world.now() - timedelta(days=2)).date().isoformat()
    set_row(world, row, date_expire=yesterday)

    world.sync(ORG)

    found = product(world, row)
    assert (found["available"], found["quantity"]) == (False, 0)
    assert found["price"] > 0


def test_a_batch_of_unknown_expiry_is_looked_up_once_a_day(world: World) -> None:
    # Given a batch that the stock list gives no expiry; a look-up tells a year from its arrival
    row = only_row(world)
    set_row(world, row, date_expire=None, date_received="2020-05-01T10:00:00")

    # When the org is synced
    world.sync(ORG)

    # Then it turns out to have expired, and is not looked up again for a day
    assert product(world, row)["available"] is False
    assert look_ups(world) == 1
    world.sync(ORG)
    assert look_ups(world) == 1
    world.later += timedelta(hours=25)
    world.sync(ORG)
    assert look_ups(world) == 2


def test_a_run_looks_up_a_hundred_batches_at_most_and_survives_that_they_fail(
    world: World,
) -> None:
    rows = world.pos_data(ORG)["inventory"]
    many = [
        {**row, "id_batch": 90_000 + number, "date_expire": None, "available": 5, "on_hand": 5}
        for number, row in enumerate(rows * 2)
    ]
    world.replace(ORG, "inventory", many)
    world.fault("server_error", endpoint="batch", status=503)

    # When the POS fails, the first look-ups end it
    run = world.sync(ORG)
    assert run["streams"]["products"]["created"] == 60
    tries_each = 3
    failed = look_ups(world) // tries_each
    assert 1 <= failed <= 8

    # When it is well again, the others are looked up, a hundred in a run
    world.no_faults()
    asked = []
    for _ in range(3):
        before = look_ups(world)
        world.sync(ORG)
        asked.append(look_ups(world) - before)

    for_sale = sum(1 for row in many if row["area_type"] != "Damaged")
    assert asked == [100, for_sale - failed - 100, 0]


def look_ups(world: World) -> int:
    """Calls for single batches so far."""
    return world.calls(ORG, "batch")


# metadata


def test_metadata_comes_from_the_pos_once_a_day_and_without_secrets(world: World) -> None:
    # When
    run = world.sync(ORG)

    # Then
    metadata = world.documents(f"tenants/{ORG}/metadata")
    assert set(metadata) == {"brands", "categories", "vendors", "location"}
    rows = world.pos_data(ORG)["inventory"]
    for kind, field in (("brands", "brand"), ("categories", "category"), ("vendors", "vendor")):
        names = {row[field] for row in rows if row[field]}
        assert {item["name"] for item in metadata[kind]["items"]} == names
        assert all(item["id"] for item in metadata[kind]["items"])
        assert "derived" not in metadata[kind]
    location = metadata["location"]
    assert (location["id"], location["name"], location["city"]) == (
        "1000",
        "Main Street",
        "Fairmont",
    )
    assert METRC_KEY not in str(world.everything(ORG))
    assert run["streams"]["metadata"]["created"] == 4

    # and the next run does not ask again, the one after a day does
    assert "metadata" not in world.sync(ORG)["streams"]
    world.later += timedelta(hours=25)
    assert world.sync(ORG)["streams"]["metadata"]["unchanged"] == 4


@pytest.mark.parametrize("endpoint", ["metadata", "location"])
def test_what_an_endpoint_does_not_give_is_derived_and_marked_so(
    world: World, endpoint: str
) -> None:
    world.fault("server_error", endpoint=endpoint)

    run = world.sync(ORG)

    assert run["state"] == "succeeded"
    metadata = world.documents(f"tenants/{ORG}/metadata")
    derived = {kind for kind, fields in metadata.items() if fields.get("derived")}
    if endpoint == "metadata":
        assert derived == {"brands", "categories", "vendors"}
        rows = world.pos_data(ORG)["inventory"]
        assert [item["name"] for item in metadata["vendors"]["items"]] == sorted(
            {row["vendor"] for row in rows}
        )
        assert {"name": "Vapes"} in metadata["categories"]["items"]
    else:
        assert derived == {"location"}
        (location,) = metadata["location"]["items"]
        assert location["timezone"] == "America/New_York"

    # and as soon as it gives them they are its own again
    world.no_faults()
    world.sync(ORG)
    after = world.documents(f"tenants/{ORG}/metadata")
    assert not any(fields.get("derived") for fields in after.values())


# lists of stock that are wrong


@pytest.mark.parametrize(
    "faults",
    [
        [{"kind": "empty_list"}],
        [{"kind": "halved_list"}],
        [{"kind": "halved_list", "trueTotal": True}],
        [{"kind": "short_page", "keep": 40}, {"kind": "repeated_page"}],
    ],
    ids=["empty", "halved", "halved, truly counted", "repeated"],
)
def test_an_empty_halved_or_repeated_reply_removes_nothing_and_alerts(
    world: World, faults: list[dict[str, Any]]
) -> None:
    # Given
    world.sync(ORG)
    before = world.records(ORG)

    # When
    for fault in faults:
        world.fault(endpoint="inventory", **fault)
    world.sync(ORG)
    world.sync(ORG)

    # Then nothing has changed, and somebody is told, once
    assert world.records(ORG) == before
    assert len(world.told.titles) == 1
    assert world.status(ORG)["lastError"]

    # and when the list is whole again, so is the sync
    world.no_faults()
    assert world.sync(ORG)["state"] == "succeeded"
    (incident,) = world.documents(f"tenants/{ORG}/incidents").values()
    assert incident["state"] == "resolved"
