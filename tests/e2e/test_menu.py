"""A discount that ends between two syncs, as a shopper sees it: through every real part."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from tests.e2e.cloud import Cloud
from tests.simulated_pos import discount

WITHIN = timedelta(minutes=5)


def test_a_discount_is_gone_from_the_menu_soon_after_its_end_without_a_sync(
    cloud: Cloud, open_org: Callable[..., str]
) -> None:
    # Given vapes on sale for some seconds more
    org_id = open_org(customers=2, orders=2, products=20, rows=22)
    ends = datetime.now(UTC) + timedelta(seconds=30)
    until = discount(1, ends.isoformat())
    cloud.pos.set_discounts(org_id, until)

    # When the org is synced, then they are shown on sale
    cloud.stack.publish("cron-tick", {"job": "pos-sync", "orgId": org_id})
    cloud.wait("vapes are on sale", lambda: on_sale(cloud, org_id), 25)
    shown = menu(cloud, org_id, onSale="true")
    assert {item["category"] for item in shown} == {"Vapes"}
    assert all(item["salePrice"] < item["price"] for item in shown)
    syncs = len(cloud.store.runs(org_id).values())

    # and after their end no more, neither in the documents nor in the menu
    cloud.wait("the sale is over", lambda: not on_sale(cloud, org_id), WITHIN.total_seconds())
    gone_at = datetime.now(UTC)
    assert ends <= gone_at <= ends + WITHIN
    assert menu(cloud, org_id, onSale="true") == []
    assert len(menu(cloud, org_id)) == 20
    assert len(cloud.store.runs(org_id).values()) == syncs, "nobody synced meanwhile"


def on_sale(cloud: Cloud, org_id: str) -> list[str]:
    items = cloud.store.documents(f"tenants/{org_id}/publicViews/products/items")
    return [key for key, item in items.items() if item["isOnSale"]]


def menu(cloud: Cloud, org_id: str, **query: str) -> list[dict[str, Any]]:
    reply = requests.get(
        f"{cloud.stack.functions['dashboard']}/api/menu",
        params={"orgId": org_id, **query},
        timeout=20,
    )
    reply.raise_for_status()
    items: list[dict[str, Any]] = reply.json()["items"]
    return items
