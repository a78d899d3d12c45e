"""What is on sale: set by a sync, right at every minute between two of them."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.spec import OrgSpec
from shared.services.sync import org
from shared.services.sync.commands import SyncOrg
from shared.store import paths
from shared.store.database import Database
from tests.emulator.environment import PRODUCTS_ONLY, SalesRunner, SyncRunner, hold_org
from tests.fakes import OffsetClock
from tests.simulated_pos import SimulatedPos, discount
from tests.stored import MENU, StoredDocuments

ORG = "org_test"
WITHIN = timedelta(minutes=5)
"""How soon after its end a discount must be gone."""


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    """Only what it sells matters here."""
    return (PRODUCTS_ONLY,)


def in_half_an_hour(clock: OffsetClock) -> str:
    return (clock.now() + timedelta(minutes=30)).isoformat()


def on_sale(store: StoredDocuments) -> dict[str, str]:
    """Discount by product, which must be the same in both places."""
    found = [
        {
            key: product["discountId"]
            for key, product in store.documents(f"tenants/{ORG}/{name}").items()
            if product["isOnSale"]
        }
        for name in ("products", MENU)
    ]
    assert found[0] == found[1]
    return found[0]


def vapes(store: StoredDocuments) -> set[str]:
    menu = store.documents(f"tenants/{ORG}/{MENU}")
    return {key for key, product in menu.items() if product["category"] == "Vapes"}


def test_a_discount_that_ends_between_two_syncs_is_gone_at_its_end(
    store: StoredDocuments,
    pos: SimulatedPos,
    clock: OffsetClock,
    sales: SalesRunner,
    sync: SyncRunner,
) -> None:
    # Given vapes on sale until half an hour from now
    pos.set_discounts(ORG, discount(1, in_half_an_hour(clock)))
    sync.run(ORG)
    assert on_sale(store) == dict.fromkeys(vapes(store), "1")

    # When nothing happens until then
    clock.later += timedelta(minutes=29)
    assert sales.refresh_due() == 0

    # Then they are on sale, and minutes later on sale no more, without any sync
    assert on_sale(store)
    clock.later += timedelta(minutes=1) + WITHIN
    assert sales.refresh_due() == 1
    assert on_sale(store) == {}
    for product in store.documents(f"tenants/{ORG}/{MENU}").values():
        assert not {"salePrice", "saleBadgeText", "discountId", "saleEndsAt"} & product.keys()
        assert product["price"] > 0
    assert store.status(ORG)["menuChangedAt"] >= clock.now() - timedelta(seconds=5)
    assert store.document(paths.lease(ORG)).get("runId") is None

    # and the sync after it only drops the discount itself
    after = sync.run(ORG)["streams"]
    assert (after["products"]["updated"], after["discounts"]["deleted"]) == (0, 1)
    assert sync.run(ORG)["cost"]["writes"] <= 6


def test_a_sale_ends_in_time_while_the_pos_is_down(
    store: StoredDocuments,
    pos: SimulatedPos,
    clock: OffsetClock,
    sales: SalesRunner,
    sync: SyncRunner,
) -> None:
    pos.set_discounts(ORG, discount(1, in_half_an_hour(clock)))
    sync.run(ORG)

    pos.fault("server_error")
    clock.later += timedelta(minutes=31)
    sales.refresh_due()

    assert on_sale(store) == {}
    # and a sync that fails in the meantime leaves the sales right
    assert sync.run(ORG)["state"] == "failed"
    assert on_sale(store) == {}


def test_one_discount_after_another_each_at_its_time(
    store: StoredDocuments,
    pos: SimulatedPos,
    clock: OffsetClock,
    sales: SalesRunner,
    sync: SyncRunner,
) -> None:
    # Given one that ends in half an hour, and another that begins then and is planned for a day
    turn = in_half_an_hour(clock)
    tomorrow = (clock.now() + timedelta(days=1)).isoformat()
    pos.set_discounts(
        ORG, discount(1, turn), discount(2, tomorrow, start_date=turn, discount_value=50)
    )
    sync.run(ORG)
    assert set(on_sale(store).values()) == {"1"}

    # When each moment comes
    clock.later += timedelta(minutes=31)
    sales.refresh_due()
    first = on_sale(store)
    clock.later += timedelta(days=1)
    sales.refresh_due()

    # Then each is followed by the next
    assert first == dict.fromkeys(vapes(store), "2")
    assert on_sale(store) == {}


def test_a_refresh_waits_for_the_run_that_has_the_org(
    database: Database,
    store: StoredDocuments,
    pos: SimulatedPos,
    clock: OffsetClock,
    sales: SalesRunner,
    sync: SyncRunner,
) -> None:
    # Given a sale that ends while some run has the org
    pos.set_discounts(ORG, discount(1, in_half_an_hour(clock)))
    sync.run(ORG)
    clock.later += timedelta(minutes=31)
    held = hold_org(database, ORG, "long")

    # When the refresh comes
    sales.refresh_due()

    # Then it comes again, until the org is free
    assert on_sale(store)
    held.end([])
    clock.later += timedelta(minutes=1)
    assert sales.refresh_due() == 1
    assert on_sale(store) == {}


def test_a_run_that_takes_long_keeps_the_sales_right_itself(
    store: StoredDocuments,
    pos: SimulatedPos,
    clock: OffsetClock,
    sync: SyncRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a sale that ends while a run waits for a slow listing of customers
    monkeypatch.setattr(org, "LOOK_AGAIN_SECONDS", 0.2)
    pos.set_discounts(ORG, discount(1, (clock.now() + timedelta(seconds=2)).isoformat()))
    pos.fault("latency", endpoint="customers", ms=2500)

    # When it is synced, and nothing else happens
    run = sync.run(ORG)

    # Then the sale that it set at its beginning is over at its end
    assert run["streams"]["customers"]["seconds"] > 2
    assert on_sale(store) == {}
    assert store.document(f"tenants/{ORG}/discounts/1")["endsAt"] < clock.now()


def test_a_discount_that_the_pos_drops_or_changes_follows_with_the_next_sync(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    pos.set_discounts(ORG, discount(1, None), discount(2, None, active=False))
    sync.run(ORG)
    assert set(on_sale(store).values()) == {"1"}
    assert set(store.documents(f"tenants/{ORG}/discounts")) == {"1"}

    pos.set_discounts(ORG, discount(1, None, discount_value=30))
    sync.run(ORG)
    product = store.documents(f"tenants/{ORG}/{MENU}")[min(vapes(store))]
    assert product["salePrice"] == pytest.approx(product["price"] * 0.7, abs=0.01)

    pos.set_discounts(ORG)
    sync.run(ORG)
    assert on_sale(store) == {}
    assert store.documents(f"tenants/{ORG}/discounts") == {}


def test_a_changed_price_changes_the_sale_price_in_the_same_write(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    pos.set_discounts(ORG, discount(1, None))
    sync.run(ORG)
    row = next(r for r in pos.data(ORG)["inventory"] if r["category"].endswith("Vapes"))

    pos.change_row(ORG, row, price_otd_adult_use=10.0)
    run = sync.run(ORG, streams=("products",))

    product = store.document(f"tenants/{ORG}/{MENU}/{row['id_item']}")
    assert (product["price"], product["salePrice"]) == (10.0, 8.0)
    assert run["streams"]["products"]["updated"] == 1


def test_an_account_without_discounts_is_synced_all_the_same(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    pos.fault("server_error", endpoint="discounts", status=404)
    pos.fault("server_error", endpoint="metadata", status=404)
    pos.fault("server_error", endpoint="location", status=404)

    run = sync.run(ORG)

    assert run["state"] == "succeeded"
    assert on_sale(store) == {}


def test_a_discount_that_cannot_be_read_lowers_no_price_and_is_in_quarantine(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    pos.set_discounts(
        ORG,
        discount(1, "some day"),
        discount(2, None, discount_type="mystery"),
        discount(3, None, discount_value="much"),
        {"name": "no id"},
    )
    sync.run(ORG)
    codes = {each["errorCode"] for each in store.documents(f"tenants/{ORG}/quarantine").values()}
    assert codes == {"bad_date", "unknown_discount_type", "bad_value", "missing_id"}
    assert on_sale(store) == {}

    pos.set_discounts(ORG, discount(1, None))
    sync.run(ORG)
    assert store.documents(f"tenants/{ORG}/quarantine") == {}
    assert set(on_sale(store).values()) == {"1"}


def test_a_full_sync_repairs_sales_that_were_changed_by_hand(
    client: Client, store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    pos.set_discounts(ORG, discount(1, None))
    sync.run(ORG)
    product_id = min(vapes(store))
    menu = client.document(f"tenants/{ORG}/{MENU}/{product_id}")
    menu.update({"salePrice": 0.01, "isOnSale": False})

    sync.run(ORG)
    assert (menu.get().to_dict() or {})["salePrice"] == 0.01
    sync.run(ORG, full=True, streams=("discounts",))

    assert (menu.get().to_dict() or {})["isOnSale"] is True
    assert set(on_sale(store)) == vapes(store)


def test_a_refresh_that_comes_twice_or_for_an_org_never_synced_changes_nothing(
    store: StoredDocuments,
    pos: SimulatedPos,
    clock: OffsetClock,
    sales: SalesRunner,
    sync: SyncRunner,
) -> None:
    sales.plan.at_change(ORG, "alleaves", clock.now() - timedelta(minutes=1))
    assert sales.refresh_due() == 1
    assert store.document(f"tenants/{ORG}/sync_state/lease") == {}

    pos.set_discounts(ORG, discount(1, in_half_an_hour(clock)))
    sync.run(ORG)
    clock.later += timedelta(minutes=31)
    (message,) = sales.take_due()
    for _ in range(2):
        sales.refresh(message)
    assert on_sale(store) == {}


def test_a_sale_that_a_dying_worker_had_set_ends_all_the_same(
    client: Client, store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given a worker that dies just after it put products on sale
    pos.set_discounts(ORG)
    sync.run(ORG)
    pos.set_discounts(ORG, discount(1, None))
    sync.die_before_writing(paths.pos_status(ORG), SyncOrg(ORG, "dies", "cron"))
    assert on_sale(store)

    # When the POS drops the discount before anybody else has come, and the lease has run out
    pos.set_discounts(ORG)
    client.document(paths.lease(ORG)).delete()
    sync.run(ORG)

    # Then nothing is on sale any more
    assert on_sale(store) == {}
