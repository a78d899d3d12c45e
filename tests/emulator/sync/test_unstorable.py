"""Records that Firestore cannot take: each goes to quarantine, the rest of its page is stored, and
the run ends."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from deploy.local.simulator.spec import OrgSpec
from shared.clock import utc_now
from shared.pos import rows
from shared.pos.port import RAW_LIMIT
from shared.services.sync import records
from shared.store import products
from tests.emulator.environment import SyncRunner
from tests.fakes import OffsetClock
from tests.simulated_pos import Record, SimulatedPos, discount, placed_order
from tests.stored import MENU, StoredDocuments

ORG = "org_test"
LINES = 20_000
SPEC = OrgSpec(id=ORG, customers=30, orders=40, products=20, rows=24, seed=5)


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    return (SPEC,)


def quarantined(store: StoredDocuments) -> dict[str, str]:
    """The code of each record in quarantine, by document id."""
    found = store.documents(f"tenants/{ORG}/quarantine")
    return {key: fields["errorCode"] for key, fields in found.items()}


def large_order(pos: SimulatedPos) -> Record:
    """A new order of a known customer with more lines than a document holds."""
    newest = pos.newest_order(ORG)
    line = {"id_item": 1, "item": "Sample Vape 1g", "quantity": 1, "price": 20, "category": "Vapes"}
    order = placed_order(newest, 777_001, newest["id_customer"], utc_now().isoformat())
    return {**order, "items": [line] * LINES}


# ids


@pytest.mark.parametrize("record_id", ["__x__", "____", "x" * 201, "a/b", "..", "\ud800"])
def test_a_customer_whose_id_no_document_can_have_stops_nobody(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner, record_id: str
) -> None:
    # Given a new org, and a customer of an id that Firestore reserves or cannot hold
    template = pos.data(ORG)["customers"][0]
    pos.add(ORG, "customers", {**template, "id_customer": record_id, "email": "odd@example.com"})

    # When the org is synced
    run = sync.run(ORG)

    # Then all others are stored, and a person can see what is wrong
    assert run["state"] == "partial"
    assert len(store.documents(f"tenants/{ORG}/customers")) == SPEC.customers
    assert list(quarantined(store).values()) == ["missing_id"]
    assert store.status(ORG)["lastErrorCode"] == "records_in_quarantine"


def test_an_item_a_location_and_an_order_of_reserved_ids_stop_nobody(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given stock of a reserved item, stock at a reserved location, a discount and an order's buyer
    data = pos.data(ORG)
    row = data["inventory"][0]
    item = {**row, "id_item": "__item__", "id_batch": 90_001}
    odd_place = {**row, "id_item": 990_002, "id_batch": 90_002, "id_location": 1000}
    pos.add(ORG, "inventory", item)
    pos.add(ORG, "inventory", odd_place)
    pos.set_discounts(ORG, discount(1, None), discount(2, None) | {"id_discount": "__d__"})
    newest = pos.newest_order(ORG)
    stranger = placed_order(newest, 777_002, "__buyer__", newest["date_created"])
    pos.add(ORG, "orders", {**stranger, "email": None, "user_id": None})

    # When the org is synced
    run = sync.run(ORG)

    # Then only these are left out
    assert run["state"] == "partial"
    assert sorted(quarantined(store).values()) == ["missing_id", "missing_id"]
    assert list(store.documents(f"tenants/{ORG}/discounts")) == ["1"]
    assert "alleaves_777002" in store.documents(f"tenants/{ORG}/skipped_orders")
    assert len(store.documents(f"tenants/{ORG}/{MENU}")) == SPEC.products + 1


# size


def test_an_order_that_is_too_large_for_a_document_is_in_quarantine_and_the_rest_stored(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given
    others = len(pos.data(ORG)["orders"])
    pos.add(ORG, "orders", large_order(pos))

    # When
    run = sync.run(ORG)

    # Then
    assert run["state"] == "partial"
    assert quarantined(store) == {"orders_alleaves_777001": "too_large"}
    entry = store.document(f"tenants/{ORG}/quarantine/orders_alleaves_777001")
    assert len(entry["raw"]) == RAW_LIMIT
    stored = len(store.documents(f"tenants/{ORG}/orders"))
    assert stored + len(store.documents(f"tenants/{ORG}/skipped_orders")) == others
    assert store.status(ORG)["ordersCount"] == stored

    # and as long as it is listed it is neither forgotten nor written again
    again = sync.run(ORG)
    assert again["state"] == "partial"
    assert again["cost"]["writes"] <= 6

    # When it is split at the POS
    pos.change(ORG, "orders", "777001", items=[])
    run = sync.run(ORG)

    # Then all is well
    assert run["state"] == "succeeded"
    assert quarantined(store) == {}
    assert len(store.documents(f"tenants/{ORG}/orders")) == stored + 1


def test_a_discount_and_a_list_of_brands_that_are_too_large_stop_nothing_else(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given a discount on very many products, which include all of the org's, and very many brands
    items = sorted({row["id_item"] for row in pos.data(ORG)["inventory"]})
    many = [*items, *range(10**8, 10**8 + 120_000)]
    large = discount(1, None, conditions={"categories": [], "brands": [], "products": many})
    pos.set_discounts(ORG, large, discount(2, None))

    # When
    run = sync.run(ORG)

    # Then it lowers no price
    assert run["state"] == "partial"
    assert quarantined(store) == {"discounts_1": "too_large"}
    assert list(store.documents(f"tenants/{ORG}/discounts")) == ["2"]
    menu = store.documents(f"tenants/{ORG}/{MENU}").values()
    assert len(menu) == SPEC.products
    assert {product.get("discountId") for product in menu} <= {None, "2"}


def test_a_discount_on_more_products_than_a_document_has_index_entries_is_stored(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given a discount that names 41,000 products, and texts of the longest kind that is read
    many = list(range(10**6, 10**6 + 41_000))
    sale = discount(1, None, conditions={"categories": ["é" * 2_000], "products": many})
    pos.set_discounts(ORG, {**sale, "name": "é" * 2_000})
    customer, order = pos.data(ORG)["customers"][0], pos.newest_order(ORG)
    names = {"name_first": "é" * 2_000, "name_last": "é" * 2_000, "phone": "é" * 2_000}
    pos.change(ORG, "customers", customer["id_customer"], **names)
    pos.change(ORG, "orders", order["id_order"], status="é" * 2_000)

    # When
    run = sync.run(ORG)

    # Then nothing is in quarantine
    assert run["state"] == "succeeded"
    assert quarantined(store) == {}
    stored = store.document(f"tenants/{ORG}/discounts/1")
    assert len(stored["productIds"]) == 41_000
    people = store.document(f"tenants/{ORG}/customers/{customer['id_customer']}")
    assert people["firstName"] == "é" * 2_000


# whatever else Firestore refuses


@pytest.mark.provokes_refusals
def test_what_firestore_refuses_for_an_unknown_reason_is_found_alone_and_kept_in_quarantine(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an order that is only found to be too large by Firestore itself
    monkeypatch.setattr(records, "LARGEST", 10**9)
    others = len(pos.data(ORG)["orders"])
    pos.add(ORG, "orders", large_order(pos))

    # When
    run = sync.run(ORG)

    # Then
    assert run["state"] == "partial"
    assert quarantined(store) == {"orders_alleaves_777001": "refused_by_firestore"}
    stored = len(store.documents(f"tenants/{ORG}/orders"))
    assert stored + len(store.documents(f"tenants/{ORG}/skipped_orders")) == others
    status = store.status(ORG)
    assert (status["ordersCount"], status["quarantined"]) == (stored, 1)
    assert status["lastErrorCode"] == "records_in_quarantine"
    orders = run["streams"]["orders"]
    assert (orders["created"], orders["quarantined"]) == (stored, 1)

    # and it is not tried again as it is
    again = sync.run(ORG)
    assert again["state"] == "partial"
    assert again["cost"]["writes"] <= 6

    # When it is corrected at the POS
    pos.change(ORG, "orders", "777001", items=[])

    # Then it is in
    assert sync.run(ORG)["state"] == "succeeded"
    assert quarantined(store) == {}


@pytest.mark.provokes_refusals
def test_a_product_that_is_refused_is_on_neither_list(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a product whose stock has a field that Firestore refuses
    row = pos.data(ORG)["inventory"][0]
    odd = {**row, "id_item": 990_003, "id_batch": 90_003, "available": 77, "on_hand": 77}
    pos.add(ORG, "inventory", {**odd, "category": "Vapes"})
    monkeypatch.setattr(
        products, "_stock_fields", lambda stock: {"__x__": 1} if stock.quantity == 77 else {}
    )

    # When
    run = sync.run(ORG)

    # Then neither of its two documents is there, not even for a sale
    assert run["state"] == "partial"
    assert quarantined(store) == {"products_990003": "refused_by_firestore"}
    assert "990003" not in store.documents(f"tenants/{ORG}/products")
    assert len(store.documents(f"tenants/{ORG}/{MENU}")) == SPEC.products
    assert store.status(ORG)["menuProductsCount"] == SPEC.products


@pytest.mark.provokes_refusals
def test_a_refused_document_of_no_record_is_an_error_of_ours_and_the_run_ends(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an entry of the quarantine that Firestore refuses
    monkeypatch.setattr(rows, "RAW_LIMIT", 10**9)
    row = pos.data(ORG)["customers"][0]
    broken: dict[str, Any] = {**row, "id_customer": "__x__", "notes": "x" * 1_100_000}
    pos.add(ORG, "customers", broken)

    # When
    run = sync.run(ORG)

    # Then
    assert run["state"] == "partial"
    assert (run["error"]["code"], run["error"]["owner"]) == ("document_refused", "us")
    assert len(store.documents(f"tenants/{ORG}/customers")) == SPEC.customers
    status = store.status(ORG)
    assert (status["status"], status["lastErrorOwner"]) == ("error", "us")


# look-ups


def test_an_order_whose_user_account_is_too_long_to_be_looked_up_is_skipped(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given an order that names nothing but such an account
    newest = pos.newest_order(ORG)
    order = placed_order(newest, 777_004, None, utc_now().isoformat())
    pos.add(ORG, "orders", {**order, "email": None, "user_id": "é" * 1_000})

    # When
    run = sync.run(ORG)

    # Then
    assert run["state"] == "succeeded"
    skipped = store.document(f"tenants/{ORG}/skipped_orders/alleaves_777004")
    assert skipped["reason"] == "unknown_user_id"


# times


def test_a_record_that_was_changed_in_the_future_still_follows_the_pos(
    clock: OffsetClock, store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given a customer whose last change, the POS says, is to come
    customer = pos.data(ORG)["customers"][0]
    key = customer["id_customer"]
    pos.change(ORG, "customers", key, name_first="Ida", date_updated="9999-12-31T00:00:00Z")
    sync.run(ORG)

    # When the POS corrects it
    clock.later = timedelta(minutes=11)
    pos.change(ORG, "customers", key, name_first="Ada", date_updated=utc_now().isoformat())
    sync.run(ORG)

    # Then
    assert store.document(f"tenants/{ORG}/customers/{key}")["firstName"] == "Ada"


# names


@pytest.mark.parametrize("name", [None, "", "  ", "\u200b"])
def test_a_product_without_a_name_is_off_the_menu_until_it_has_one(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner, name: str | None
) -> None:
    # Given a product on the menu, with a picture of its merchant's
    sync.run(ORG)
    row = pos.data(ORG)["inventory"][0]
    item = str(row["id_item"])
    rows = [r for r in pos.data(ORG)["inventory"] if r["id_item"] == row["id_item"]]
    sync.database._client.document(f"tenants/{ORG}/{MENU}/{item}").update({"imageUrl": "https://x"})

    # When it loses its name
    for each in rows:
        pos.change_row(ORG, each, item=name)
    run = sync.run(ORG)

    # Then the public does not see it, and a person can see why
    assert run["state"] == "partial"
    assert item not in store.documents(f"tenants/{ORG}/{MENU}")
    assert quarantined(store) == {f"products_{item}": "no_name"}
    assert sync.run(ORG)["cost"]["writes"] <= 6

    # When it has one again
    for each in rows:
        pos.change_row(ORG, each, item="Sample Vape 1g")
    run = sync.run(ORG)

    # Then it is back, with its picture
    back = store.document(f"tenants/{ORG}/{MENU}/{item}")
    assert (back["name"], back["imageUrl"]) == ("Sample Vape 1g", "https://x")
    assert run["state"] == "succeeded"
    assert quarantined(store) == {}
