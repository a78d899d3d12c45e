"""What is on sale: set by a sync, right at every minute between two of them."""

from datetime import timedelta
from typing import Any

import pytest

from shared.bus.messages import PosSync
from shared.services.sync import org
from shared.store import lease as leases
from shared.store import paths
from tests.emulator.sync.test_crashes import die_before
from tests.emulator.sync.world import MENU, World

ORG = "org_test"
WITHIN = timedelta(minutes=5)
"""How soon after its end a discount must be gone."""


@pytest.fixture
def world(shop: World) -> World:
    """Only what it sells matters here."""
    return shop


def discount(number: int, ends: str | None, **fields: Any) -> dict[str, Any]:
    """Twenty percent off vapes until a moment."""
    return {
        "id_discount": number,
        "name": f"Discount {number}",
        "discount_type": "percent",
        "discount_value": 20,
        "start_date": "2020-01-01",
        "end_date": ends,
        "active": True,
        "conditions": {"categories": ["Vapes"], "brands": [], "products": []},
        "priority": 1,
    } | fields


def in_half_an_hour(world: World) -> str:
    return (world.now() + timedelta(minutes=30)).isoformat()


def on_sale(world: World) -> dict[str, str]:
    """Discount by product, which both places must tell alike."""
    found = [
        {
            key: product["discountId"]
            for key, product in world.documents(f"tenants/{ORG}/{name}").items()
            if product["isOnSale"]
        }
        for name in ("products", MENU)
    ]
    assert found[0] == found[1]
    return found[0]


def vapes(world: World) -> set[str]:
    menu = world.documents(f"tenants/{ORG}/{MENU}")
    return {key for key, product in menu.items() if product["category"] == "Vapes"}


def test_a_discount_that_ends_between_two_syncs_is_gone_at_its_end(world: World) -> None:
    # Given vapes on sale until half an hour from now
    world.set_discounts(ORG, discount(1, in_half_an_hour(world)))
    world.sync(ORG)
    assert on_sale(world) == dict.fromkeys(vapes(world), "1")

    # When nothing happens until then
    world.later += timedelta(minutes=29)
    assert world.refresh_sales() == 0

    # Then they are on sale, and minutes later on sale no more, without any sync
    assert on_sale(world)
    world.later += timedelta(minutes=1) + WITHIN
    assert world.refresh_sales() == 1
    assert on_sale(world) == {}
    for product in world.documents(f"tenants/{ORG}/{MENU}").values():
        assert not {"salePrice", "saleBadgeText", "discountId", "saleEndsAt"} & product.keys()
        assert product["price"] > 0
    assert world.status(ORG)["menuChangedAt"] >= world.now() - timedelta(seconds=5)
    assert world.document(paths.lease(ORG)).get("runId") is None

    # and the sync after it only drops the discount itself
    after = world.sync(ORG)["streams"]
    assert (after["products"]["updated"], after["discounts"]["deleted"]) == (0, 1)
    assert world.sync(ORG)["cost"]["writes"] <= 6


def test_a_sale_ends_in_time_while_the_pos_is_down(world: World) -> None:
    world.set_discounts(ORG, discount(1, in_half_an_hour(world)))
    world.sync(ORG)

    world.fault("server_error")
    world.later += timedelta(minutes=31)
    world.refresh_sales()

    assert on_sale(world) == {}
    # and a sync that fails in the meantime leaves the sales right
    assert world.sync(ORG)["state"] == "failed"
    assert on_sale(world) == {}


def test_one_discount_after_another_each_at_its_time(world: World) -> None:
    # Given one that ends in half an hour, and another that begins then and is planned for a day
    turn = in_half_an_hour(world)
    tomorrow = (world.now() + timedelta(days=1)).isoformat()
    world.set_discounts(
        ORG, discount(1, turn), discount(2, tomorrow, start_date=turn, discount_value=50)
    )
    world.sync(ORG)
    assert set(on_sale(world).values()) == {"1"}

    # When each moment comes
    world.later += timedelta(minutes=31)
    world.refresh_sales()
    first = on_sale(world)
    world.later += timedelta(days=1)
    world.refresh_sales()

    # Then each is followed by the next
    assert first == dict.fromkeys(vapes(world), "2")
    assert on_sale(world) == {}


def test_a_refresh_waits_for_the_run_that_has_the_org(world: World) -> None:
    # Given a sale that ends while some run has the org
    world.set_discounts(ORG, discount(1, in_half_an_hour(world)))
    world.sync(ORG)
    world.later += timedelta(minutes=31)
    held = leases.acquire(
        world.database,
        paths.lease(ORG),
        run_id="long",
        holder="somebody",
        ttl=timedelta(seconds=60),
        first_writes=lambda _: [],
    )
    assert isinstance(held, leases.HeldLease)

    # When the refresh comes
    world.refresh_sales()

    # Then it comes again, until the org is free
    assert on_sale(world)
    held.release([])
    world.later += timedelta(minutes=1)
    assert world.refresh_sales() == 1
    assert on_sale(world) == {}


def test_a_run_that_takes_long_keeps_the_sales_right_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a sale that ends while a run waits for a slow listing of customers
    monkeypatch.setattr(org, "LOOK_AGAIN_SECONDS", 0.2)
    world.set_discounts(ORG, discount(1, (world.now() + timedelta(seconds=2)).isoformat()))
    world.fault("latency", endpoint="customers", ms=2500)

    # When it is synced, and nothing else happens
    run = world.sync(ORG)

    # Then the sale that it set at its beginning is over at its end
    assert run["streams"]["customers"]["seconds"] > 2
    assert on_sale(world) == {}
    assert world.document(f"tenants/{ORG}/discounts/1")["endsAt"] < world.now()


def test_a_discount_that_the_pos_drops_or_changes_follows_with_the_next_sync(world: World) -> None:
    world.set_discounts(ORG, discount(1, None), discount(2, None, active=False))
    world.sync(ORG)
    assert set(on_sale(world).values()) == {"1"}
    assert set(world.documents(f"tenants/{ORG}/discounts")) == {"1"}

    world.set_discounts(ORG, discount(1, None, discount_value=30))
    world.sync(ORG)
    product = world.documents(f"tenants/{ORG}/{MENU}")[min(vapes(world))]
    assert product["salePrice"] == pytest.approx(product["price"] * 0.7, abs=0.01)

    world.set_discounts(ORG)
    world.sync(ORG)
    assert on_sale(world) == {}
    assert world.documents(f"tenants/{ORG}/discounts") == {}


def test_a_changed_price_changes_the_sale_price_in_the_same_write(world: World) -> None:
    world.set_discounts(ORG, discount(1, None))
    world.sync(ORG)
    row = next(r for r in world.pos_data(ORG)["inventory"] if r["category"].endswith("Vapes"))

    world.change(ORG, "inventory", f"{row['id_batch']}-{row['id_area']}", price_otd_adult_use=10.0)
    run = world.sync(ORG, streams=("products",))

    product = world.document(f"tenants/{ORG}/{MENU}/{row['id_item']}")
    assert (product["price"], product["salePrice"]) == (10.0, 8.0)
    assert run["streams"]["products"]["updated"] == 1


def test_an_account_without_discounts_is_synced_all_the_same(world: World) -> None:
    world.fault("server_error", endpoint="discounts", status=404)
    world.fault("server_error", endpoint="metadata", status=404)
    world.fault("server_error", endpoint="location", status=404)

    run = world.sync(ORG)

    assert run["state"] == "succeeded"
    assert on_sale(world) == {}


def test_a_discount_that_cannot_be_read_lowers_no_price_and_is_in_quarantine(world: World) -> None:
    world.set_discounts(
        ORG,
        discount(1, "some day"),
        discount(2, None, discount_type="mystery"),
        discount(3, None, discount_value="much"),
        {"name": "no id"},
    )
    world.sync(ORG)
    codes = {each["errorCode"] for each in world.documents(f"tenants/{ORG}/quarantine").values()}
    assert codes == {"bad_date", "unknown_discount_type", "bad_value", "missing_id"}
    assert on_sale(world) == {}

    world.set_discounts(ORG, discount(1, None))
    world.sync(ORG)
    assert world.documents(f"tenants/{ORG}/quarantine") == {}
    assert set(on_sale(world).values()) == {"1"}


def test_a_full_sync_repairs_sales_that_somebody_changed_by_hand(world: World) -> None:
    world.set_discounts(ORG, discount(1, None))
    world.sync(ORG)
    product_id = min(vapes(world))
    menu = world.client.document(f"tenants/{ORG}/{MENU}/{product_id}")
    menu.update({"salePrice": 0.01, "isOnSale": False})

    world.sync(ORG)
    assert (menu.get().to_dict() or {})["salePrice"] == 0.01
    world.sync(ORG, full=True, streams=("discounts",))

    assert (menu.get().to_dict() or {})["isOnSale"] is True
    assert set(on_sale(world)) == vapes(world)


def test_a_refresh_that_comes_twice_or_for_an_org_never_synced_changes_nothing(
    world: World,
) -> None:
    world.refreshes.at_change(ORG, world.now() - timedelta(minutes=1))
    assert world.refresh_sales() == 1
    assert world.document(f"tenants/{ORG}/sync_state/lease") == {}

    world.set_discounts(ORG, discount(1, in_half_an_hour(world)))
    world.sync(ORG)
    world.later += timedelta(minutes=31)
    (message,) = world.agenda.take(world.now())
    assert isinstance(message, PosSync)
    for _ in range(2):
        world.refresh(message)
    assert on_sale(world) == {}


def test_a_sale_that_a_dying_worker_had_set_ends_all_the_same(world: World) -> None:
    # Given a worker that dies just after it put products on sale
    world.set_discounts(ORG)
    world.sync(ORG)
    world.set_discounts(ORG, discount(1, None))
    die_before(world, paths.pos_status(ORG))
    assert on_sale(world)

    # When the POS drops the discount before anybody else has come, and the lease has run out
    world.set_discounts(ORG)
    world.client.document(paths.lease(ORG)).delete()
    world.sync(ORG)

    # Then nothing is on sale any more
    assert on_sale(world) == {}
