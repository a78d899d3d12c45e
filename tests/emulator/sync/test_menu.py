"""The whole menu, held against what the POS's own data says it must be."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from deploy.local.simulator.spec import OrgSpec, named_orgs
from tests.emulator.environment import SyncRunner
from tests.emulator.sync import menu_truth
from tests.simulated_pos import SimulatedPos
from tests.stored import MENU, StoredDocuments

SALE = ("isOnSale", "salePrice", "saleBadgeText", "discountId", "saleEndsAt")


def named(org_id: str) -> list[OrgSpec]:
    """An org of the simulator, without customers and orders."""
    nobody = {"customers": 0, "orders": 0}
    return [spec.model_copy(update=nobody) for spec in named_orgs(1) if spec.id == org_id]


@pytest.mark.parametrize(
    ("specs", "rows", "products", "on_sale"),
    [(named("org_large"), 395, 374, 137), (named("org_two_rooms"), 76, 48, 17)],
    ids=["large", "two locations"],
)
def test_every_price_stock_and_sale_is_what_the_pos_data_says(
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
    specs: Sequence[OrgSpec],
    rows: int,
    products: int,
    on_sale: int,
) -> None:
    # Given an org's account at the POS
    (spec,) = specs
    org = spec.id
    listed = pos.data(org)["inventory"]
    assert len(listed) == rows

    # When it is synced
    run = sync.run(org)
    assert run["state"] == "succeeded"

    # Then what stands in both places is what a recomputation says, to the cent
    now = datetime.now(UTC)
    expected = menu_truth.products(listed, now.astimezone(ZoneInfo(spec.timezone)).date())
    assert len(expected) == products
    discounts = pos.discounts(org)
    for collection in ("products", MENU):
        stored = store.documents(f"tenants/{org}/{collection}")
        assert stored.keys() == expected.keys()
        for item_id, product in expected.items():
            found = stored[item_id]
            assert picked(found, product) == {k: v for k, v in product.items() if v is not None}
            sale = menu_truth.sale(item_id, product, discounts, spec.timezone, now)
            assert picked(found, SALE) == sale, item_id
        given = [found["discountId"] for found in stored.values() if found["isOnSale"]]
        assert len(given) == on_sale
        assert set(given) == {"1", "2", "3", "4"}, "each kind of discount is on some product"


def picked(document: dict[str, Any], names: Any) -> dict[str, Any]:
    return {name: document[name] for name in names if name in document}
