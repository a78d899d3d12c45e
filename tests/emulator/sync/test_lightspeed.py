"""An org at Lightspeed: its customers and sales by version, its stock where it has changed."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import msgpack
import pytest
from google.cloud.firestore import Client

from shared.bootstrap.pos import CALLS_RESERVED, permits_of
from shared.clock import OutOfTime, utc_now
from shared.domain.runs import WEBHOOK_RUN
from shared.outbound.credentials import TokenCache
from shared.pos import registry
from shared.pos.config import Location
from shared.pos.lightspeed.budget import FREE_CALLS, CallBudget
from shared.pos.registry import PosAccount
from shared.services.alerts import Alerts
from shared.services.sync.commands import SyncOrg, SyncRecords
from shared.store import paths
from shared.store.database import Database
from tests.emulator.environment import PosConnector, SalesRunner, SpendingRunner, SyncRunner
from tests.fakes import OffsetClock, RecordingNotifier, RecordingPublisher
from tests.stored import MENU, StoredDocuments
from tests.unit.pos.fakes import Canned, Sent, ok
from tests.unit.pos.lightspeed.rows import customer, outlet, product, register, sale, stock
from tests.unit.pos.lightspeed.service import OUTLET, Retailer, path_of

ORG = "org_harbor"
SECOND = "0u71e700-0000-4000-8000-000000000002"
CUSTOMERS, SALES, PRODUCTS = 12, 20, 6
UNCHANGED = {"/customers": 1, "/sales": 1, "/products": 1, "/inventory": 1}


class RetailerConnector(PosConnector):
    """Opens accounts at the retailer, by a network that is made up. ``reserved``: how many calls
    each client may reserve, where that is limited; ``database``: where it reserves them."""

    def __init__(
        self,
        retailer: Retailer,
        *,
        reserved: int | None = None,
        database: Database | None = None,
    ) -> None:
        self._retailer = retailer
        self._reserved = reserved
        self._database = database
        self._tokens = TokenCache(utc_now)

    def open_account(self, location: Location) -> PosAccount:
        http = self._retailer.http()
        return registry.open_account(location, http, self._tokens, utc_now, budget=self._budget)

    def _budget(self, account: str) -> CallBudget:
        if self._database:
            until = utc_now() + timedelta(seconds=5)
            return CallBudget(partial(permits_of, self._database, account, until))
        left = itertools.count() if self._reserved is None else iter(range(self._reserved))

        def take() -> None:
            if next(left, None) is None:
                raise OutOfTime

        return CallBudget(lambda _: take)


@pytest.fixture
def retailer() -> Retailer:
    """12 customers, of whom each has a sale or two, and 6 products at one outlet."""
    retailer = Retailer()
    retailer.put("outlets", outlet())
    retailer.put("registers", register())
    for number in range(CUSTOMERS):
        email = f"person{number}@example.com"
        retailer.put("customers", customer(id=f"c{number}", email=email))
    for number in range(PRODUCTS):
        retailer.put("products", product(id=f"p{number}", name=f"Product {number}"))
        retailer.put("inventory", stock(id=f"i{number}", product_id=f"p{number}"))
    for number in range(SALES):
        sold = [{"product_id": f"p{number % PRODUCTS}", "quantity": 1, "unit_price": 20}]
        buyer = f"c{number % CUSTOMERS}"
        row = sale(id=f"s{number}", customer_id=buyer, line_items=sold, version=0)
        retailer.put("sales", row)
    return retailer


@pytest.fixture
def spending(database: Database) -> SpendingRunner:
    return SpendingRunner(database)


@pytest.fixture
def sync(
    client: Client,
    database: Database,
    store: StoredDocuments,
    clock: OffsetClock,
    retailer: Retailer,
    spending: SpendingRunner,
) -> SyncRunner:
    configure(client)
    connector = RetailerConnector(retailer)
    alerts = Alerts(database, RecordingNotifier(), [], clock.now)
    sales = SalesRunner(database, clock)
    return SyncRunner(database, store, connector, alerts, clock, spending, sales)


def configure(client: Client, location: str = "harbor", **pos_config: Any) -> None:
    config: dict[str, Any] = {
        "provider": "lightspeed",
        "status": "active",
        "domainPrefix": "harbor",
        "token": "lsxs_pt_nobody",
        "locationId": OUTLET,
        "pageSize": 5,
        **pos_config,
    }
    document = {"orgId": ORG, "timezone": "America/New_York", "posConfig": config}
    client.document(f"locations/{location}").set(document)


def orders(store: StoredDocuments) -> dict[str, dict[str, Any]]:
    return store.documents(f"tenants/{ORG}/orders")


def counts(run: dict[str, Any], stream: str) -> tuple[int, int, int, int]:
    """Created, updated, deleted and skipped."""
    tally = run["streams"][stream]
    return tally["created"], tally["updated"], tally["deleted"], tally["skipped"]


def test_a_first_sync_stores_everything_and_the_next_asks_once_a_list(
    store: StoredDocuments, retailer: Retailer, sync: SyncRunner, spending: SpendingRunner
) -> None:
    # Given an eCom order among the sales
    note = "Order ID:2417\n1 Invented Way, Troy"
    retailer.change("sales", "s3", source="ecw:0123456789abcdef", source_id="2417", note=note)

    # When
    first = sync.run(ORG)
    spending.compute_requested()

    # Then
    assert first["state"] == "succeeded"
    assert counts(first, "customers") == (CUSTOMERS, 0, 0, 0)
    assert counts(first, "orders") == (SALES, 0, 0, 0)
    assert counts(first, "products") == (PRODUCTS, 0, 0, 0)
    ecom = orders(store)["lightspeed_s3"]
    assert (ecom["channel"], ecom["ecomNumber"], ecom["total"]) == ("ecom", "2417", 45.2)
    assert ecom["items"][0]["name"] == "Product 3"
    assert "Invented Way" not in str(store.everything(ORG))
    assert "ecomNumber" not in orders(store)["lightspeed_s4"]
    assert store.documents(f"tenants/{ORG}/customers")["c3"]["totalSpent"] == 90.4
    assert store.documents(f"tenants/{ORG}/{MENU}")["p1"]["stock"][OUTLET]["quantity"] == 12

    # When nothing has changed
    retailer.counted()
    before = store.records(ORG)
    second = sync.run(ORG)

    # Then
    assert retailer.counted() == UNCHANGED
    assert second["state"] == "succeeded"
    assert second["cost"]["writes"] <= 6
    assert store.records(ORG) == before
    assert not spending.requests.take()


def test_changed_voided_and_deleted_sales_leave_their_customers_right(
    store: StoredDocuments, retailer: Retailer, sync: SyncRunner, spending: SpendingRunner
) -> None:
    # Given
    sync.run(ORG)
    spending.compute_requested()

    # When
    retailer.change("sales", "s1", total_price_incl=60)
    retailer.change("sales", "s2", state="voided", status="VOIDED")
    retailer.delete("sales", "s3")
    retailer.delete("sales", "s15")
    retailer.delete("customers", "c5")
    run = sync.run(ORG)
    spending.compute_requested()

    # Then
    assert counts(run, "orders") == (0, 2, 2, 0)
    assert counts(run, "customers") == (0, 0, 1, 0)
    found = orders(store)
    assert found["lightspeed_s2"]["status"] == "cancelled"
    assert {i for i, o in found.items() if o.get("removedFromPosAt")} == {
        "lightspeed_s3",
        "lightspeed_s15",
    }
    people = store.documents(f"tenants/{ORG}/customers")
    assert people["c5"]["removedFromPosAt"]
    assert [people[f"c{n}"]["totalSpent"] for n in (1, 2, 3, 4)] == [105.2, 45.2, 0, 90.4]
    retailer.counted()
    sync.run(ORG)
    assert retailer.counted() == UNCHANGED


def test_a_drastic_deletion_waits_for_a_person(
    store: StoredDocuments, retailer: Retailer, sync: SyncRunner
) -> None:
    # Given
    sync.run(ORG)

    # When most sales are deleted, over several pages
    for number in range(14):
        retailer.delete("sales", f"s{number}")
    held = sync.run(ORG)
    again = sync.run(ORG)

    # Then
    assert (held["state"], again["state"]) == ("held", "held")
    assert store.status(ORG)["deletionsHeld"] == 14
    assert not any(order.get("removedFromPosAt") for order in orders(store).values())

    # When a person allows it
    allowed = sync.run(ORG, allow_deletions=True)

    # Then
    assert allowed["state"] == "succeeded"
    assert sum(bool(o.get("removedFromPosAt")) for o in orders(store).values()) == 14


def test_a_listing_that_is_interrupted_goes_on_behind_the_last_page_stored(
    store: StoredDocuments, retailer: Retailer, sync: SyncRunner
) -> None:
    # When no invocation has time for more than a page
    run = sync.run(ORG, seconds=0)

    # Then all is stored, and no page was stored twice
    assert run["state"] == "succeeded"
    assert run["invocations"] > 4
    assert run["streams"]["customers"]["fetched"] == CUSTOMERS
    assert run["streams"]["orders"]["fetched"] == SALES
    assert len(orders(store)) == SALES
    retailer.counted()
    sync.run(ORG)
    assert retailer.counted() == UNCHANGED


def test_the_buyer_of_a_sale_made_while_customers_are_listed_is_looked_up(
    store: StoredDocuments, retailer: Retailer, sync: SyncRunner
) -> None:
    # Given a customer who comes with a sale, once the customers are listed
    sync.run(ORG)

    def interfere(sent: Sent) -> Canned | None:
        if path_of(sent) == "/sales":
            retailer.interfere = lambda _: None
            retailer.put("customers", customer(id="c-new", email="new@example.com"))
            retailer.put("sales", sale(id="s-new", customer_id="c-new"))
            retailer.put("sales", sale(id="s-gone", customer_id="c-of-long-ago"))
        return None

    retailer.interfere = interfere

    # When
    run = sync.run(ORG)

    # Then
    assert orders(store)["lightspeed_s-new"]["customerId"] == "c-new"
    assert counts(run, "orders") == (1, 0, 0, 1)
    assert run["streams"]["customers"]["created"] == 1


def by_a_sync(sync: SyncRunner) -> None:
    sync.run(ORG)


def by_a_sync_of_customers(sync: SyncRunner) -> None:
    sync.run(ORG, streams=("customers",))
    sync.run(ORG)


def by_a_webhook(sync: SyncRunner) -> None:
    nothing: frozenset[str] = frozenset()
    late = frozenset({"c-late"})
    named = SyncRecords(ORG, f"{WEBHOOK_RUN}1", "webhook", late, nothing, nothing)
    sync.targeted(RecordingPublisher())(named)
    sync.run(ORG)


def by_another_sale(sync: SyncRunner) -> None:
    nothing: frozenset[str] = frozenset()
    other = frozenset({"s-other"})
    named = SyncRecords(ORG, f"{WEBHOOK_RUN}1", "webhook", nothing, other, nothing)
    sync.targeted(RecordingPublisher())(named)
    sync.run(ORG)


def by_a_worker_that_dies_once_the_customer_is_stored(sync: SyncRunner) -> None:
    command = SyncOrg(ORG, "killed", "cron", streams=("customers", "orders"))
    sync.die_before_writing(paths.pos_status(ORG), command)
    sync.run(ORG, run_id=command.run_id, streams=command.streams)


@pytest.mark.parametrize(
    "stored",
    [
        by_a_sync,
        by_a_sync_of_customers,
        by_a_webhook,
        by_another_sale,
        by_a_worker_that_dies_once_the_customer_is_stored,
    ],
)
def test_a_sale_that_was_skipped_is_stored_once_its_customer_is(
    stored: Callable[[SyncRunner], None],
    store: StoredDocuments,
    retailer: Retailer,
    sync: SyncRunner,
    spending: SpendingRunner,
) -> None:
    # Given a sale that was listed before its customer was there, and costs nothing while it waits
    retailer.put("sales", sale(id="s-early", customer_id="c-late"))
    sync.run(ORG)
    retailer.counted()
    waits = sync.run(ORG)
    assert retailer.counted() == UNCHANGED
    assert waits["cost"]["writes"] <= 6
    skipped = f"tenants/{ORG}/skipped_orders"
    assert store.documents(skipped).keys() == {"lightspeed_s-early"}

    # When
    retailer.put("customers", customer(id="c-late", email="late@example.com"))
    retailer.put("sales", sale(id="s-other", customer_id="c-late"))
    stored(sync)
    spending.compute_requested()

    # Then it counts, though it is not listed again
    assert orders(store)["lightspeed_s-early"]["customerId"] == "c-late"
    assert store.documents(skipped) == {}
    assert store.document(f"tenants/{ORG}/customers/c-late")["orderCount"] == 2
    assert store.status(ORG)["ordersSkipped"] == 0

    # and once is enough
    retailer.counted()
    assert counts(sync.run(ORG), "orders") == (0, 0, 0, 0)
    assert retailer.counted() == UNCHANGED


def test_a_sale_whose_customer_comes_while_the_pos_gives_no_sale_is_tried_again(
    store: StoredDocuments, retailer: Retailer, sync: SyncRunner
) -> None:
    # Given
    retailer.put("sales", sale(id="s-early", customer_id="c-late"))
    retailer.put("sales", sale(id="s-deleted", customer_id="c-late"))
    sync.run(ORG)
    retailer.put("customers", customer(id="c-late", email="late@example.com"))

    # When the POS cannot say, and then no longer has one of them
    retailer.interfere = lambda sent: (
        Canned(503, b"") if path_of(sent).startswith("/sales/") else None
    )
    sync.run(ORG)
    assert orders(store).keys().isdisjoint({"lightspeed_s-early", "lightspeed_s-deleted"})
    retailer.interfere = lambda _: None
    del retailer.rows["sales"]["s-deleted"]
    sync.run(ORG)

    # Then
    assert orders(store)["lightspeed_s-early"]["customerId"] == "c-late"
    assert "lightspeed_s-deleted" not in orders(store)
    assert store.documents(f"tenants/{ORG}/skipped_orders") == {}
    retailer.counted()
    sync.run(ORG)
    assert retailer.counted() == UNCHANGED


def test_a_skipped_sale_whose_removal_waits_for_a_person_waits_though_its_customer_comes(
    store: StoredDocuments, retailer: Retailer, sync: SyncRunner
) -> None:
    # Given a skipped sale among many that are deleted
    retailer.put("sales", sale(id="s-early", customer_id="c-late"))
    sync.run(ORG)
    for sale_id in ("s-early", *(f"s{number}" for number in range(14))):
        retailer.delete("sales", sale_id)
    sync.run(ORG)
    assert store.status(ORG)["deletionsHeld"] == 15

    # When
    retailer.put("customers", customer(id="c-late", email="late@example.com"))
    held = sync.run(ORG)

    # Then
    skipped = f"tenants/{ORG}/skipped_orders"
    assert held["state"] == "held"
    assert not retailer.calls("/sales/")
    assert store.documents(skipped).keys() == {"lightspeed_s-early"}

    # When a person allows it
    sync.run(ORG, allow_deletions=True)

    # Then
    assert store.documents(skipped) == {}
    assert "lightspeed_s-early" not in orders(store)


def test_a_named_sale_is_fetched_with_its_buyer_and_nothing_that_is_not_needed(
    store: StoredDocuments, retailer: Retailer, sync: SyncRunner
) -> None:
    # Given
    sync.run(ORG)
    retailer.put("customers", customer(id="c-new", email="new@example.com"))
    sold = [{"product_id": "p1", "quantity": 1, "unit_price": 20}]
    retailer.put("sales", sale(id="s-new", customer_id="c-new", line_items=sold))
    retailer.counted()

    # When
    nothing: frozenset[str] = frozenset()
    named = SyncRecords(ORG, f"{WEBHOOK_RUN}1", "webhook", nothing, frozenset({"s-new"}), nothing)
    sync.targeted(RecordingPublisher())(named)

    # Then
    assert orders(store)["lightspeed_s-new"]["customerId"] == "c-new"
    assert retailer.counted() == {
        "/sales/s-new": 1,
        "/customers/c-new": 1,
        "/registers": 2,
        "/products/p1": 1,
    }

    # When the lists have it too, then it is not stored again
    run = sync.run(ORG)
    assert counts(run, "orders") == (0, 0, 0, 0)
    assert run["streams"]["orders"]["unchanged"] == 1


def test_sales_before_the_org_s_first_day_are_left_out_until_it_wants_them(
    client: Client, store: StoredDocuments, retailer: Retailer, sync: SyncRunner
) -> None:
    # Given sales of several years
    for number, year in enumerate((2021, 2022, 2023, 2024)):
        when = f"{year}-06-01T12:00:00+00:00"
        retailer.change("sales", f"s{number}", created_at=when, sale_date=when)
    retailer.change("sales", "s0", customer_id="c-of-long-ago")
    tenant = client.document(f"tenants/{ORG}")
    tenant.set({"sync": {"ordersSince": "2024-01-01"}})

    # When / Then
    sync.run(ORG)
    assert set(orders(store)) == {f"lightspeed_s{n}" for n in range(3, SALES)}
    assert not retailer.calls("/customers/c-of-long-ago")

    # When it wants those of an earlier year
    tenant.set({"sync": {"ordersSince": "2022-01-01"}})
    sync.run(ORG)
    searched = len(retailer.calls("/search"))
    sync.run(ORG)

    # Then they are searched by day, once
    assert set(orders(store)) == {f"lightspeed_s{n}" for n in range(1, SALES)}
    assert len(retailer.calls("/search")) == searched > 0


def test_records_that_came_damaged_are_looked_up_by_the_next_run(
    store: StoredDocuments, retailer: Retailer, sync: SyncRunner, clock: OffsetClock
) -> None:
    # Given
    sync.run(ORG)
    made = retailer.put("sales", sale(id="s-new", customer_id="c1"))
    timeless = {**made, "created_at": "soon", "sale_date": "soon"}

    def interfere(sent: Sent) -> Canned | None:
        if path_of(sent) == "/sales" and str(made["version"]) not in sent.url:
            return ok({"data": [timeless]})
        return None

    retailer.interfere = interfere
    damaged = sync.run(ORG)
    retailer.interfere = lambda _: None

    # When
    clock.later += timedelta(minutes=10)
    run = sync.run(ORG)

    # Then
    assert damaged["state"] == "partial"
    assert run["state"] == "succeeded"
    assert "lightspeed_s-new" in orders(store)
    assert store.status(ORG)["quarantined"] == 0
    retailer.counted()
    sync.run(ORG)
    assert retailer.counted() == UNCHANGED


def test_rows_that_came_without_an_id_are_listed_once_more_until_they_are_right(
    store: StoredDocuments, retailer: Retailer, sync: SyncRunner
) -> None:
    # Given
    sync.run(ORG)
    last = retailer.rows["sales"][f"s{SALES - 1}"]["version"]
    made = [retailer.put("sales", sale(id=f"s-new{n}", customer_id="c1")) for n in range(12)]

    def interfere(sent: Sent) -> Canned | None:
        if path_of(sent) == "/sales" and f"after={last}&" in sent.url:
            return ok({"data": [*made[:2], "no object", *made[3:5]]})
        return None

    retailer.interfere = interfere
    assert sync.run(ORG)["state"] == "partial"
    retailer.counted()
    assert sync.run(ORG)["state"] == "partial"
    assert retailer.counted()["/sales"] == 2
    assert "lightspeed_s-new2" not in orders(store)
    assert "lightspeed_s-new11" in orders(store)

    # When
    retailer.interfere = lambda _: None
    sync.run(ORG)

    # Then
    assert "lightspeed_s-new2" in orders(store)
    retailer.counted()
    sync.run(ORG)
    assert retailer.counted() == UNCHANGED


def test_lists_are_read_again_within_a_week(
    store: StoredDocuments, retailer: Retailer, sync: SyncRunner, clock: OffsetClock
) -> None:
    # Given a sale that the POS has changed without a new version
    sync.run(ORG)
    retailer.rows["sales"]["s7"]["total_price_incl"] = 99.0
    clock.later += timedelta(days=5)
    sync.run(ORG)
    assert orders(store)["lightspeed_s7"]["total"] == 45.2

    # When
    clock.later += timedelta(days=1)
    run = sync.run(ORG)

    # Then it is right, and the lists are not read again before another week
    assert orders(store)["lightspeed_s7"]["total"] == 99.0
    assert run["streams"]["orders"]["fetched"] == SALES
    retailer.counted()
    sync.run(ORG)
    assert retailer.counted() == UNCHANGED


def test_a_full_sync_reads_from_the_beginning_and_marks_what_is_listed_no_more(
    store: StoredDocuments, retailer: Retailer, sync: SyncRunner
) -> None:
    # Given records that vanish without a trace
    sync.run(ORG)
    del retailer.rows["sales"]["s11"], retailer.rows["customers"]["c11"]

    # When
    assert counts(sync.run(ORG), "orders") == (0, 0, 0, 0)
    run = sync.run(ORG, full=True)

    # Then
    assert counts(run, "orders") == (0, SALES - 1, 1, 0)
    assert counts(run, "customers") == (0, CUSTOMERS - 1, 1, 0)
    assert orders(store)["lightspeed_s11"]["removedFromPosAt"]


def test_a_stock_that_changed_is_listed_once_for_all_outlets(
    client: Client, store: StoredDocuments, retailer: Retailer, sync: SyncRunner
) -> None:
    # Given a second outlet, configured once everything is stored
    retailer.put("outlets", outlet(id=SECOND, name="Canal Street"))
    sync.run(ORG)
    configure(client, "canal", locationId=SECOND)
    retailer.put("inventory", stock(id="i-second", product_id="p1", outlet_id=SECOND))

    # When
    retailer.counted()
    sync.run(ORG)

    # Then
    listed = retailer.counted()
    assert (listed["/products"], listed["/inventory"]) == (3, 3)
    found = store.documents(f"tenants/{ORG}/{MENU}")
    assert (found["p1"]["quantity"], found["p2"]["quantity"]) == (24, 12)

    # When a price changes, and another product is no more
    sync.run(ORG)
    retailer.change("products", "p2", price_including_tax=60)
    retailer.delete("products", "p3")
    run = sync.run(ORG)

    # Then
    found = store.documents(f"tenants/{ORG}/{MENU}")
    assert found["p2"]["price"] == 60
    assert "p3" not in found
    assert counts(run, "products") == (0, 1, 1, 0)
    retailer.counted()
    sync.run(ORG)
    assert retailer.counted() == UNCHANGED


def test_settings_that_name_no_outlet_mean_all_of_them(
    client: Client, store: StoredDocuments, retailer: Retailer, sync: SyncRunner
) -> None:
    # Given
    retailer.put("outlets", outlet(id=SECOND, name="Canal Street", time_zone="America/Chicago"))
    retailer.put("inventory", stock(id="i-second", product_id="p1", outlet_id=SECOND))
    configure(client, locationId=None)

    # When
    first = sync.run(ORG)
    retailer.counted()
    sync.run(ORG)

    # Then
    assert first["state"] == "succeeded"
    assert retailer.counted() == UNCHANGED
    found = store.documents(f"tenants/{ORG}/{MENU}")["p1"]
    assert {i: each["quantity"] for i, each in found["stock"].items()} == {OUTLET: 12, SECOND: 12}
    listed = store.documents(f"tenants/{ORG}/metadata").values()
    names = {item["name"] for document in listed for item in document["items"]}
    assert names >= {"Harbor Street", "Canal Street"}


def test_two_retailers_of_one_org_are_read_each_by_its_own_versions(
    client: Client, store: StoredDocuments, retailer: Retailer, sync: SyncRunner
) -> None:
    # Given a second account whose lists are the same: another domain of the retailer's
    retailer.put("outlets", outlet(id=SECOND))
    retailer.put("inventory", stock(id="i-second", product_id="p1", outlet_id=SECOND))
    sync.run(ORG)
    configure(client, "twin", domainPrefix="canal", locationId=SECOND)
    retailer.counted()

    # When / Then the new one is read from its beginning, and nothing is stored twice
    first = sync.run(ORG)
    assert first["state"] == "succeeded"
    assert counts(first, "orders") == (0, 0, 0, 0)
    assert first["streams"]["orders"]["fetched"] == SALES
    retailer.counted()
    sync.run(ORG)
    assert retailer.counted() == {path: 2 * calls for path, calls in UNCHANGED.items()}

    # When the two turn out to be of different companies, then nothing is mixed
    def interfere(sent: Sent) -> Canned | None:
        if "canal" not in sent.url or path_of(sent) != "/customers" or "after=0" not in sent.url:
            return None
        other = customer(id="c1", first_name="Bo", last_name="Rivet", email="bo@example.com")
        other |= {"mobile": "518 555 0177", "phone": None, "date_of_birth": "1970-01-01"}
        return ok({"data": [{**other, "version": 1}]})

    retailer.interfere = interfere
    for _ in range(2):
        run = sync.run(ORG, full=True)
        assert "are not of one company" in run["errors"][0]["message"]
    assert store.documents(f"tenants/{ORG}/customers")["c1"]["firstName"] == "Ida"


def test_a_stock_is_listed_whole_once_a_day_and_whenever_a_removal_waits(
    store: StoredDocuments, retailer: Retailer, sync: SyncRunner, clock: OffsetClock
) -> None:
    # Given
    sync.run(ORG)
    clock.later += timedelta(days=1)
    retailer.counted()
    sync.run(ORG)
    assert retailer.counted()["/products"] > 1

    # When
    for number in range(10):
        retailer.put("products", product(id=f"more{number}"))
    sync.run(ORG)
    for number in range(10):
        retailer.delete("products", f"more{number}")
    held = [sync.run(ORG)["state"] for _ in range(2)]
    allowed = sync.run(ORG, allow_deletions=True)

    # Then
    assert held == ["held", "held"]
    assert allowed["state"] == "succeeded"
    assert len(store.documents(f"tenants/{ORG}/{MENU}")) == PRODUCTS


def test_calls_are_reserved_where_all_see_them_but_for_the_few_of_an_unchanged_sync(
    store: StoredDocuments, database: Database, retailer: Retailer, sync: SyncRunner
) -> None:
    # Given
    shared = replace(sync, connector=RetailerConnector(retailer, database=database))

    # When
    shared.run(ORG)

    # Then
    made = len(retailer.transport.sent)
    (account,) = store.documents("rate_limits")
    reserved = len(msgpack.unpackb(store.document(f"rate_limits/{account}")["taken"]))
    assert made - FREE_CALLS <= reserved < made + CALLS_RESERVED

    # When nothing has changed
    before = store.document(f"rate_limits/{account}")
    assert shared.run(ORG)["state"] == "succeeded"

    # Then nothing is reserved
    assert store.document(f"rate_limits/{account}") == before


def test_a_run_that_may_not_call_in_time_hands_over_and_repeats_nothing(
    store: StoredDocuments, retailer: Retailer, sync: SyncRunner
) -> None:
    # Given an account that an invocation may call some 20 times
    limited = replace(sync, connector=RetailerConnector(retailer, reserved=8))

    # When
    run = limited.run(ORG)

    # Then
    assert run["state"] == "succeeded"
    assert run["invocations"] > 1
    assert run["streams"]["orders"]["fetched"] == SALES == len(orders(store))
    assert len(store.documents(f"tenants/{ORG}/{MENU}")) == PRODUCTS


def test_a_pos_that_fails_in_mid_list_loses_nothing(
    store: StoredDocuments, retailer: Retailer, sync: SyncRunner
) -> None:
    # Given the third page of sales fails
    pages = iter([None, None])

    def interfere(sent: Sent) -> Canned | None:
        return next(pages, Canned(503)) if path_of(sent) == "/sales" else None

    retailer.interfere = interfere
    failed = sync.run(ORG)
    retailer.interfere = lambda _: None

    # When
    retailer.counted()
    run = sync.run(ORG)

    # Then the next run goes on where that one has stored
    assert failed["state"] == "partial"
    assert run["state"] == "succeeded"
    assert run["streams"]["orders"]["fetched"] == SALES - 10
    assert len(orders(store)) == SALES
