"""The dashboard's reads of what an org sells, over HTTP routes and the emulator."""

import json
from collections.abc import Sequence
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.spec import OrgSpec
from shared.services.reads import menu as service
from shared.store.database import Database
from shared.web.routes import menu
from tests.emulator.dashboard.client import DashboardClient
from tests.emulator.environment import PRODUCTS_ONLY, Environment, SyncRunner
from tests.fakes import START, OffsetClock
from tests.simulated_pos import SimulatedPos, discount
from tests.stored import MENU, StoredDocuments

ORG = "org_test"
PRIVATE = {
    "cost",
    "batchCost",
    "priceSource",
    "stock",
    "orgId",
    "source",
    "externalId",
    "updatedAt",
}


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    """Only what it sells matters here."""
    return (PRODUCTS_ONLY,)


@pytest.fixture
def dashboard(environment: Environment) -> DashboardClient:
    return DashboardClient(environment.database, ORG, environment.clock)


def whole_menu(dashboard: DashboardClient, **query: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, object] = {}
    while True:
        part = dashboard.get("menu", limit=7, **query, **cursor)
        menu.MenuResponse.model_validate(part, extra="forbid")
        found += part["items"]
        if "nextCursor" not in part:
            return found
        cursor = {"cursor": part["nextCursor"]}


# the menu


def test_the_menu_shows_every_product_once_with_public_fields_only(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner, dashboard: DashboardClient
) -> None:
    # Given
    sync.run(ORG)
    stored = store.documents(f"tenants/{ORG}/{MENU}")

    # When
    shown = whole_menu(dashboard)

    # Then
    assert sorted(item["id"] for item in shown) == sorted(stored)
    names = [item["name"].casefold() for item in shown]
    assert names == sorted(names)
    for item in shown:
        assert not PRIVATE & item.keys()
        assert item["price"] == stored[item["id"]]["price"]
    text = json.dumps(shown)
    assert not [row["vendor"] for row in pos.data(ORG)["inventory"] if row["vendor"] in text]


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ({"category": "vapes"}, lambda item: item["category"] == "Vapes"),
        ({"brand": "LANTERN"}, lambda item: item.get("brand") == "Lantern"),
        ({"onSale": "true"}, lambda item: item["isOnSale"]),
        ({"onSale": "false"}, lambda item: not item["isOnSale"]),
        (
            {"category": "Vapes", "onSale": "true"},
            lambda item: item["category"] == "Vapes" and item["isOnSale"],
        ),
    ],
)
def test_the_menu_is_filtered(
    sync: SyncRunner, dashboard: DashboardClient, query: dict[str, str], fits: Any
) -> None:
    sync.run(ORG)
    everything = whole_menu(dashboard)

    found = whole_menu(dashboard, **query)

    assert found == [item for item in everything if fits(item)]
    assert 0 < len(found) < len(everything)


def test_a_menu_is_kept_by_its_etag_until_it_changes(
    pos: SimulatedPos, clock: OffsetClock, sync: SyncRunner, dashboard: DashboardClient
) -> None:
    # Given
    sync.run(ORG)
    first = dashboard.reply("menu")
    etag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "public, max-age=60"

    # When nothing has changed, then no body is sent
    again = dashboard.reply("menu", if_none_match=etag)
    assert (again.status_code, again.data) == (304, b"")

    # When a price changes, then the next look after the sync shows it
    row = pos.data(ORG)["inventory"][0]
    pos.change_row(ORG, row, price_otd_adult_use=1.5)
    sync.run(ORG)
    clock.later += timedelta(seconds=service.CHECK_SECONDS)
    changed = dashboard.reply("menu", if_none_match=etag)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_a_merchants_order_and_pictures_show_after_some_minutes(
    client: Client, clock: OffsetClock, sync: SyncRunner, dashboard: DashboardClient
) -> None:
    sync.run(ORG)
    last = whole_menu(dashboard)[-1]["id"]
    item = client.document(f"tenants/{ORG}/{MENU}/{last}")
    item.update({"sortOrder": 1, "imageUrl": "https://example.com/x.png", "isFeatured": True})

    clock.later += timedelta(seconds=service.KEPT_SECONDS + 1)

    first = whole_menu(dashboard)[0]
    assert (first["id"], first["imageUrl"]) == (last, "https://example.com/x.png")


def test_what_is_no_whole_product_or_of_a_wrong_type_does_not_break_the_menu(
    client: Client, sync: SyncRunner, dashboard: DashboardClient
) -> None:
    sync.run(ORG)
    items = client.collection(f"tenants/{ORG}/{MENU}")
    items.document("half").set({"isFeatured": True})
    items.document("2001").update({"sortOrder": "first", "imageUrl": 7, "isFeatured": "yes"})

    shown = {item["id"]: item for item in whole_menu(dashboard)}

    assert len(shown) == 60
    assert not {"sortOrder", "imageUrl"} & shown["2001"].keys()
    assert shown["2001"]["isFeatured"] is False


def test_a_sale_is_not_shown_beyond_its_end_even_where_nothing_refreshed_it(
    pos: SimulatedPos, clock: OffsetClock, sync: SyncRunner, dashboard: DashboardClient
) -> None:
    ends = clock.now() + timedelta(minutes=10)
    pos.set_discounts(ORG, discount(1, ends.isoformat()))
    sync.run(ORG)
    on_sale = whole_menu(dashboard, onSale="true")
    assert on_sale

    clock.later += timedelta(minutes=10, seconds=1)

    assert whole_menu(dashboard, onSale="true") == []
    shown = {item["id"]: item for item in whole_menu(dashboard)}
    assert not {"salePrice", "saleEndsAt", "discountId"} & shown[on_sale[0]["id"]].keys()


def test_the_menu_is_found_by_every_spelling_for_no_more_reads(
    database: Database, clock: OffsetClock, sync: SyncRunner, dashboard: DashboardClient
) -> None:
    # Given
    sync.run(ORG)
    named = dashboard.get("menu")
    assert named["items"]

    # When / Then
    for spelling in ("test", "brand_test"):
        assert dashboard.get("menu", orgId=spelling) == named
        assert dashboard.get("menu/builder", orgId=spelling)["isDemo"] is False
    for stranger in ("org_org_test", "brand_org_test", "org_nowhere"):
        assert dashboard.get("menu", orgId=stranger) == {"items": []}
    # ... and one look at the version, however it is spelled
    reads = database.meter.reads
    clock.later += timedelta(seconds=service.CHECK_SECONDS)
    for spelling in ("test", "brand_test", ORG):
        dashboard.get("menu", orgId=spelling)
    assert database.meter.reads - reads == 1


@pytest.mark.parametrize("cursor", ["x", "WzFd", "WyJhIl0", "ä", "e30", "bnVsbA"])
def test_a_cursor_of_another_form_is_refused(dashboard: DashboardClient, cursor: str) -> None:
    reply = dashboard.reply("menu", cursor=cursor)
    assert reply.status_code == 400
    assert reply.json
    assert reply.json["error"]["code"] == "request_invalid"


def test_the_builder_begins_with_what_is_featured_and_in_stock(
    client: Client, store: StoredDocuments, sync: SyncRunner, dashboard: DashboardClient
) -> None:
    # Given three featured products, one of them sold out
    sync.run(ORG)
    stored = store.documents(f"tenants/{ORG}/{MENU}")
    there = sorted(key for key, product in stored.items() if product["available"])
    sold_out = next(key for key, product in stored.items() if not product["available"])
    featured = [there[3], there[7], sold_out]
    for key in featured:
        client.document(f"tenants/{ORG}/{MENU}/{key}").update({"isFeatured": True})

    # When
    answer = dashboard.get("menu/builder")

    # Then
    menu.MenuBuilderResponse.model_validate(answer, extra="forbid")
    assert answer["isDemo"] is False
    assert len(answer["items"]) == 12
    assert {item["id"] for item in answer["items"][:2]} == set(featured[:2])
    assert all(item["available"] for item in answer["items"])
    everything = dashboard.get("menu/builder", limit=100)["items"]
    first_sold_out = next(item for item in everything if not item["available"])
    assert first_sold_out["id"] == sold_out


def test_an_org_without_products_shows_demo_products_marked_as_such(
    dashboard: DashboardClient,
) -> None:
    answer = dashboard.get("menu/builder", limit=5)

    assert answer["isDemo"] is True
    assert len(answer["items"]) == 5
    assert all(item["isDemo"] for item in answer["items"])
    assert dashboard.get("menu") == {"items": []}


# expiring stock


def test_expiring_stock_has_days_left_and_a_price_to_clear_it(
    pos: SimulatedPos, clock: OffsetClock, sync: SyncRunner, dashboard: DashboardClient
) -> None:
    # Given batches that expire in 5, 20 and 40 days, and one that expired yesterday
    today = clock.now().astimezone(ZoneInfo("America/New_York")).date()
    rows = [r for r in pos.data(ORG)["inventory"] if r["area_type"] == "Retail"]
    wanted = {row["id_batch"]: days for row, days in zip(rows, (5, 20, 40, -1), strict=False)}
    for row in rows[:4]:
        pos.change_row(
            ORG,
            row,
            date_expire=(today + timedelta(days=wanted[row["id_batch"]])).isoformat(),
            available=10,
            batch_cost_of_good=4.0,
            price_otd_adult_use=10.0,
        )
    sync.run(ORG)

    # When
    answer = dashboard.get("inventory/expiring")

    # Then the most urgent comes first, with what is at stake
    found = {int(item["batchId"]): item for item in answer["items"]}
    assert [item["daysLeft"] for item in answer["items"]] == [-1, 5, 20]
    assert [found[b]["daysLeft"] for b, days in wanted.items() if days <= 30] == [5, 20, -1]
    assert answer["costAtRisk"] == 120.0
    assert all(item["quantity"] == 10 for item in answer["items"])
    assert all(item["costAtRisk"] == 40.0 for item in answer["items"])
    clearance = [item.get("clearancePrice") for item in answer["items"]]
    assert clearance[0] is None, "what has expired is not for sale"
    off = {5: 50, 20: 20}
    for item in answer["items"][1:]:
        lowered = Decimal(str(item["price"])) * (100 - off[item["daysLeft"]]) / 100
        expected = max(lowered.quantize(Decimal("0.01"), ROUND_HALF_UP), Decimal("4.00"))
        assert item["clearancePrice"] == float(expected)
        assert item["packageTag"].startswith("1A4SIM"), "looked up: a person must find it"

    # and the limits are the caller's
    assert [i["daysLeft"] for i in dashboard.get("inventory/expiring", days=45)["items"]] == [
        *(-1, 5, 20, 40)
    ]
    assert dashboard.get("inventory/expiring", minQuantity=11)["items"] == []


# price history and metadata


def test_the_price_history_is_read_newest_first(
    pos: SimulatedPos, sync: SyncRunner, dashboard: DashboardClient
) -> None:
    sync.run(ORG)
    row = pos.data(ORG)["inventory"][0]
    path = f"products/{row['id_item']}/price-history"
    assert dashboard.get(path)["items"] == []
    for price in (11.0, 12.0):
        name = f"{row['id_batch']}-{row['id_area']}"
        pos.change(ORG, "inventory", name, price_otd_adult_use=price)
        sync.run(ORG)

    answer = dashboard.get(path)

    assert [entry["price"] for entry in answer["items"]] == [12.0, 11.0]
    assert answer["items"][0]["previousPrice"] == 11.0
    unknown = dashboard.reply("products/0/price-history")
    assert unknown.status_code == 404


def test_metadata_falls_back_to_empty_lists(sync: SyncRunner, dashboard: DashboardClient) -> None:
    before = dashboard.get("metadata")
    counts = before.pop("counts")
    assert [before[kind]["items"] for kind in before] == [[], [], [], []]
    assert set(counts.values()) == {0}

    sync.run(ORG)

    after = dashboard.get("metadata")
    counts = after["counts"]
    assert all(counts[kind] == len(after[kind]["items"]) for kind in before)
    assert {"name": "Lantern", "id": "1"} in after["brands"]["items"]
    assert after["locations"]["items"][0]["fields"]["city"] == "Fairmont"
    assert after["vendors"]["derived"] is False


def test_metadata_say_in_which_areas_stock_lies(
    sync: SyncRunner, store: StoredDocuments, dashboard: DashboardClient
) -> None:
    sync.run(ORG)

    found = dashboard.get("metadata")

    stored = store.document(f"tenants/{ORG}/metadata/location")["items"]
    shown = [place["areas"] for place in found["locations"]["items"]]
    assert shown == [place["areas"] for place in stored]
    assert shown[0][0].keys() == {"id", "name", "sellable"}
    assert found["counts"]["areas"] == sum(map(len, shown)) > 0


# for staff


def test_staff_see_where_a_price_is_from_and_what_each_location_has(
    store: StoredDocuments, sync: SyncRunner, dashboard: DashboardClient
) -> None:
    # Given
    sync.run(ORG)
    stored = store.documents(f"tenants/{ORG}/{MENU}")

    # When
    shown = {item["id"]: item for item in dashboard.all_of("products", limit=7)}

    # Then
    assert shown.keys() == stored.keys()
    for product_id, item in shown.items():
        kept = stored[product_id]
        assert (item.get("priceSource"), item.get("cost")) == (
            kept.get("priceSource"),
            kept.get("cost"),
        )
        there = {place["locationId"]: place["quantity"] for place in item["stock"]}
        assert there == {place: has["quantity"] for place, has in kept["stock"].items()}
    names = [item["name"].casefold() for item in shown.values()]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ({"category": "vapes"}, lambda item: item["category"] == "Vapes"),
        ({"brand": "LANTERN"}, lambda item: item.get("brand") == "Lantern"),
        ({"onSale": "true"}, lambda item: item["isOnSale"]),
        ({"available": "false"}, lambda item: not item["available"]),
        ({"q": "LANT"}, lambda item: "lant" in f"{item['name']} {item.get('brand')}".lower()),
        ({"q": "2001"}, lambda item: item["id"] == "2001"),
    ],
)
def test_staff_filter_the_products_and_are_told_how_many_there_are(
    sync: SyncRunner, dashboard: DashboardClient, query: dict[str, str], fits: Any
) -> None:
    sync.run(ORG)
    everything = dashboard.all_of("products")

    found = dashboard.get("products", **query)

    assert found["items"] == [item for item in everything if fits(item)]
    assert found["total"] == len(found["items"])
    assert 0 < found["total"] < len(everything)
    counted = {each["name"]: each["products"] for each in found["categories"]}
    assert sum(counted.values()) == len(everything)


@pytest.mark.parametrize("sort", ["price", "-price", "quantity", "-quantity", "saleEndsAt"])
def test_staff_sort_the_products_and_those_without_the_field_come_last(
    sync: SyncRunner, dashboard: DashboardClient, sort: str
) -> None:
    sync.run(ORG)

    found = dashboard.all_of("products", sort=sort, limit=9)

    values = [item.get(sort.removeprefix("-")) for item in found]
    known = [value for value in values if value is not None]
    assert values[: len(known)] == sorted(known, reverse=sort.startswith("-"))
    assert len({item["id"] for item in found}) == len(found) == 60


def test_staff_see_one_product_also_once_the_pos_has_it_no_more(
    client: Client, sync: SyncRunner, dashboard: DashboardClient
) -> None:
    sync.run(ORG)
    items = client.collection(f"tenants/{ORG}/{MENU}")
    items.document("2001").update({"sortOrder": "first", "isFeatured": True})
    product = client.document(f"tenants/{ORG}/products/2001")
    product.update({"removedFromPosAt": START})

    found = dashboard.get("products/2001")

    assert (found["id"], found["isFeatured"]) == ("2001", True)
    assert "sortOrder" not in found
    assert found["removedFromPosAt"].startswith("2026-03-18")
    assert dashboard.reply("products/none").status_code == 404
