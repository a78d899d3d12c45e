"""What stands around the products: prices and their history, batches, metadata, quarantine."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import DELETE_FIELD, Client

from deploy.local.simulator.metadata import METRC_KEY
from deploy.local.simulator.spec import OrgSpec
from tests.emulator.environment import PRODUCTS_ONLY, SyncRunner
from tests.fakes import OffsetClock, RecordingNotifier
from tests.simulated_pos import SimulatedPos
from tests.stored import MENU, StoredDocuments

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
def specs() -> Sequence[OrgSpec]:
    """Only what it sells matters here."""
    return (PRODUCTS_ONLY,)


def only_row(pos: SimulatedPos, category: str = "Vapes") -> dict[str, Any]:
    """A stock row that is the only one of its item, with sellable stock and both prices."""
    rows = pos.data(ORG)["inventory"]
    alone = [r for r in rows if [x["id_item"] for x in rows].count(r["id_item"]) == 1]
    return next(
        row
        for row in alone
        if row["category"].endswith(category) and row["available"] and row["price_otd_adult_use"]
    )


def product(store: StoredDocuments, row: dict[str, Any], where: str = MENU) -> dict[str, Any]:
    return store.document(f"tenants/{ORG}/{where}/{row['id_item']}")


# prices


def test_a_product_without_price_and_cost_is_kept_and_reported_until_it_has_one(
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
) -> None:
    # Given
    row = only_row(pos)
    pos.change_row(ORG, row, **NO_PRICES, **NO_COST)

    # When
    run = sync.run(ORG)

    # Then it is on the menu, cannot be bought, and a person can see why
    found = product(store, row)
    assert (found["price"], found["available"]) == (0, False)
    assert found["quantity"] == row["available"]
    (entry,) = store.documents(f"tenants/{ORG}/quarantine").values()
    assert (entry["stream"], entry["errorCode"]) == ("products", "no_price")
    assert run["streams"]["products"]["quarantined"] == 1
    assert store.status(ORG)["menuProductsCount"] == 60

    # and saying so again costs nothing
    assert sync.run(ORG)["cost"]["writes"] <= 6

    # When it gets a price
    pos.change_row(ORG, row, price_retail_adult_use=20.0)
    run = sync.run(ORG)

    # Then all is well
    assert product(store, row)["price"] == 20.0
    assert store.documents(f"tenants/{ORG}/quarantine") == {}
    assert run["state"] == "succeeded"


def test_an_org_may_have_markups_of_its_own(
    client: Client, store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    row = only_row(pos)
    pos.change_row(ORG, row, **NO_PRICES, cost_of_good=10.0)
    sync.run(ORG)
    assert (product(store, row)["price"], product(store, row)["priceSource"]) == (20.0, "markup")

    client.document(f"tenants/{ORG}").set({"sync": {"markups": {"vape": 2.75}}}, merge=True)
    sync.run(ORG)

    assert product(store, row)["price"] == 27.5


def test_a_markup_that_makes_no_sense_is_the_orgs_to_correct(
    client: Client, store: StoredDocuments, sync: SyncRunner
) -> None:
    client.document(f"tenants/{ORG}").set({"sync": {"markups": {"vape": -1}}})

    sync.run(ORG)

    status = store.status(ORG)
    assert status["lastErrorOwner"] == "org"
    assert "markups" in status["lastError"]


def test_each_change_of_price_or_cost_is_kept_once(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given a product that has had one price
    row = only_row(pos)
    sync.run(ORG)
    first = product(store, row)
    history = f"tenants/{ORG}/products/{row['id_item']}/price_history"
    assert store.documents(history) == {}

    # When its price changes, then its cost, then only its stock
    for change in ({"price_otd_adult_use": 12.5}, {"cost_of_good": 4.0}, {"available": 1}):
        pos.change_row(ORG, row, **change)
        run = sync.run(ORG)
    sync.run(ORG, full=True)

    # Then there are two entries, which hold what was before
    price, cost = sorted(store.documents(history).values(), key=lambda e: e["changedAt"])
    assert (price["previousPrice"], price["price"]) == (first["price"], 12.5)
    assert (price["previousCost"], price["cost"]) == (first.get("cost"), first.get("cost"))
    assert (cost["previousPrice"], cost["price"]) == (12.5, 12.5)
    assert cost["cost"] == 4.0
    assert price["priceSource"] == "otd"
    assert run["streams"]["products"]["updated"] == 1


def test_a_product_that_comes_back_at_another_price_has_that_in_its_history(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    sync.run(ORG)
    row, rows = only_row(pos), pos.data(ORG)["inventory"]
    old = product(store, row)["price"]
    pos.replace(ORG, "inventory", [r for r in rows if r["id_item"] != row["id_item"]])
    sync.run(ORG)
    tombstone = product(store, row, "products")
    assert (tombstone["price"], tombstone["isOnSale"]) == (old, False)
    assert "salePrice" not in tombstone

    pos.replace(ORG, "inventory", rows)
    pos.change_row(ORG, row, price_otd_adult_use=77.0)
    sync.run(ORG)

    (entry,) = store.documents(f"tenants/{ORG}/products/{row['id_item']}/price_history").values()
    assert (entry["previousPrice"], entry["price"]) == (old, 77.0)
    assert product(store, row)["price"] == 77.0


# batches


def test_expired_stock_is_never_sellable(
    store: StoredDocuments, pos: SimulatedPos, clock: OffsetClock, sync: SyncRunner
) -> None:
    row = only_row(pos)
    yesterday = (clock.now() - timedelta(days=2)).date().isoformat()
    pos.change_row(ORG, row, date_expire=yesterday)

    sync.run(ORG)

    found = product(store, row)
    assert (found["available"], found["quantity"]) == (False, 0)
    assert found["price"] > 0


def test_a_batch_of_unknown_expiry_is_looked_up_once_a_day(
    store: StoredDocuments, pos: SimulatedPos, clock: OffsetClock, sync: SyncRunner
) -> None:
    # Given a batch that the stock list gives no expiry; a look-up gives a year from its arrival
    row = only_row(pos)
    pos.change_row(ORG, row, date_expire=None, date_received="2020-05-01T10:00:00")

    # When the org is synced
    sync.run(ORG)

    # Then it turns out to have expired, and is not looked up again for a day
    assert product(store, row)["available"] is False
    assert look_ups(pos) == 1
    sync.run(ORG)
    assert look_ups(pos) == 1
    clock.later += timedelta(hours=25)
    sync.run(ORG)
    assert look_ups(pos) == 2


def test_a_run_looks_up_a_hundred_batches_at_most_and_survives_that_they_fail(
    pos: SimulatedPos,
    sync: SyncRunner,
) -> None:
    rows = pos.data(ORG)["inventory"]
    many = [
        {**row, "id_batch": 90_000 + number, "date_expire": None, "available": 5, "on_hand": 5}
        for number, row in enumerate(rows * 2)
    ]
    pos.replace(ORG, "inventory", many)
    pos.fault("server_error", endpoint="batch", status=503)

    # When the POS fails, the first look-ups end it
    run = sync.run(ORG)
    assert run["streams"]["products"]["created"] == 60
    tries_each = 3
    failed = look_ups(pos) // tries_each
    assert 1 <= failed <= 8

    # When it is well again, the others are looked up, a hundred in a run
    pos.clear_faults()
    asked = []
    for _ in range(3):
        before = look_ups(pos)
        sync.run(ORG)
        asked.append(look_ups(pos) - before)

    for_sale = sum(1 for row in many if row["area_type"] != "Damaged")
    assert asked == [100, for_sale - failed - 100, 0]


def look_ups(pos: SimulatedPos) -> int:
    """Calls for single batches so far."""
    return pos.calls(ORG).get("batch", 0)


# metadata


def test_metadata_comes_from_the_pos_once_a_day_and_without_secrets(
    store: StoredDocuments, pos: SimulatedPos, clock: OffsetClock, sync: SyncRunner
) -> None:
    # When
    run = sync.run(ORG)

    # Then
    metadata = store.documents(f"tenants/{ORG}/metadata")
    assert set(metadata) == {"brands", "categories", "vendors", "location"}
    rows = pos.data(ORG)["inventory"]
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
    assert location["licenseNumber"].startswith("SIM-")
    assert [(each["name"], each["sellable"]) for each in location["areas"]] == [
        ("Sales Floor", True),
        ("Vault", True),
        ("Damaged", False),
    ]
    assert METRC_KEY not in str(store.everything(ORG))
    tally = run["streams"]["metadata"]
    assert tally["created"] == 4
    assert tally["counts"] == {
        kind: len(metadata[kind]["items"]) for kind in ("brands", "categories", "vendors")
    }
    assert tally["fetched"] == sum(tally["counts"].values())

    # and the next run does not ask again, the one after a day does
    assert "metadata" not in sync.run(ORG)["streams"]
    clock.later += timedelta(hours=25)
    assert sync.run(ORG)["streams"]["metadata"]["unchanged"] == 4


@pytest.mark.parametrize("endpoint", ["metadata", "location"])
def test_what_an_endpoint_does_not_give_is_derived_and_marked_so(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner, endpoint: str
) -> None:
    pos.fault("server_error", endpoint=endpoint)

    run = sync.run(ORG)

    assert run["state"] == "succeeded"
    metadata = store.documents(f"tenants/{ORG}/metadata")
    derived = {kind for kind, fields in metadata.items() if fields.get("derived")}
    if endpoint == "metadata":
        assert derived == {"brands", "categories", "vendors"}
        rows = pos.data(ORG)["inventory"]
        assert [item["name"] for item in metadata["vendors"]["items"]] == sorted(
            {row["vendor"] for row in rows}
        )
        assert {"name": "Vapes"} in metadata["categories"]["items"]
    else:
        assert derived == {"location"}
        (location,) = metadata["location"]["items"]
        assert location["timezone"] == "America/New_York"

    # and as soon as it gives them they are its own again
    pos.clear_faults()
    sync.run(ORG)
    after = store.documents(f"tenants/{ORG}/metadata")
    assert not any(fields.get("derived") for fields in after.values())


# areas and pictures


def test_stock_in_an_area_that_only_its_id_names_is_sold_as_the_area_may_be(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given a product in the damaged goods, whose row says no more than the area's id
    row = only_row(pos)
    nameless = {"area": None, "area_type": None, "area_path": None}
    vault, damaged = 1001, 1002
    pos.change_row(ORG, row, **nameless)
    moved = {**row, **nameless, "id_area": damaged}
    others = [r for r in pos.data(ORG)["inventory"] if r["id_batch"] != row["id_batch"]]
    pos.replace(ORG, "inventory", [*others, moved])

    # When / Then
    sync.run(ORG)
    assert (product(store, row)["available"], product(store, row)["quantity"]) == (False, 0)

    # When it is put elsewhere
    pos.replace(ORG, "inventory", [*others, {**moved, "id_area": vault}])
    sync.run(ORG)

    # Then it can be bought, and would be where the POS lists no areas
    assert product(store, row)["quantity"] == row["available"]
    pos.fault("server_error", endpoint="metadata", status=404)
    assert sync.run(ORG, full=True)["streams"]["products"]["fetched"]
    assert product(store, row)["quantity"] == row["available"]


def test_rows_that_name_their_area_cost_no_call_for_it(pos: SimulatedPos, sync: SyncRunner) -> None:
    sync.run(ORG)
    before = pos.calls(ORG)["metadata"]

    sync.run(ORG)

    assert pos.calls(ORG)["metadata"] == before


def test_the_pos_s_picture_stands_in_until_the_merchant_has_one(
    client: Client, store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given two products with pictures of the POS, one of which the merchant has given another
    first, second = (only_row(pos, kind) for kind in ("Vapes", "Edibles"))
    own = {"imageUrl": "https://shop.example.com/own.png", "imageSource": "manual"}
    sync.run(ORG)
    client.document(f"tenants/{ORG}/{MENU}/{second['id_item']}").update(own)
    for row in (first, second):
        pos.change_row(ORG, row, image_url=f"https://cdn.example.com/{row['id_item']}.png")

    # When
    sync.run(ORG)

    # Then
    shown = product(store, first)
    assert shown["imageUrl"] == f"https://cdn.example.com/{first['id_item']}.png"
    assert shown["imageSource"] == "alleaves"
    assert {name: product(store, second)[name] for name in own} == own

    # and the same again costs nothing
    assert sync.run(ORG)["streams"]["products"]["updated"] == 0

    # When the merchant takes the own one away, and the POS has another
    path = f"tenants/{ORG}/{MENU}/{second['id_item']}"
    client.document(path).update(dict.fromkeys(own, DELETE_FIELD))
    pos.change_row(ORG, second, image_url="https://cdn.example.com/new.png")
    pos.change_row(ORG, first, image_url=None)
    sync.run(ORG)

    # Then
    assert product(store, second)["imageUrl"] == "https://cdn.example.com/new.png"
    assert "imageUrl" not in product(store, first)
    assert "imageSource" not in product(store, first)


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
    store: StoredDocuments,
    pos: SimulatedPos,
    notifier: RecordingNotifier,
    sync: SyncRunner,
    faults: list[dict[str, Any]],
) -> None:
    # Given
    sync.run(ORG)
    before = store.records(ORG)

    # When
    for fault in faults:
        pos.fault(endpoint="inventory", **fault)
    sync.run(ORG)
    sync.run(ORG)

    # Then nothing has changed, and people are notified, once
    assert store.records(ORG) == before
    assert len(notifier.titles) == 1
    assert store.status(ORG)["lastError"]

    # and when the list is whole again, so is the sync
    pos.clear_faults()
    assert sync.run(ORG)["state"] == "succeeded"
    (incident,) = store.documents(f"tenants/{ORG}/incidents").values()
    assert incident["state"] == "resolved"
