"""Stock lists full of nonsense: mapped or quarantined, no exception, no absurd price."""

import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.domain.catalogue import legible
from shared.domain.discounts import Discount, DiscountKind
from shared.domain.inventory import InventoryRow
from shared.domain.pricing import HIGHEST_PRICE_CENTS
from shared.pos.alleaves.catalogue import to_inventory_row
from shared.pos.port import Rejected
from shared.store import paths, quarantine
from shared.store.database import Put, Write
from shared.store.writes import encoded
from tests.unit.pos.alleaves.rows import stock
from tests.unit.services.sync_in_memory import ORG, synced

EXAMPLES = 2_000 if os.environ.get("LONG") else 500
HIGHEST = HIGHEST_PRICE_CENTS / 100
DOCUMENTS = "projects/demo/databases/(default)/documents"
VAPES = frozenset({"Vapes"})
DISCOUNTS = [
    Discount("1", DiscountKind.PERCENT, Decimal(150), categories=VAPES),
    Discount("2", DiscountKind.AMOUNT, Decimal(100_000), brands=frozenset({"Sample Brand"})),
    Discount("3", DiscountKind.FIXED_PRICE, Decimal(1), product_ids=frozenset({"1", "2001"})),
]

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.sampled_from(["", " ", "NaN", "-1", "1e9", "-0", "12.345", "1,000", "2026-02-30", "0001"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
"""Whatever JSON can say, and what Python's reader takes for JSON besides."""

FIELDS = sorted(stock())
AMOUNTS = [name for name in FIELDS if name.startswith("price_") or name.endswith("of_good")]
amount = st.none() | st.just(0) | st.integers(-(10**6), 10**6) | st.floats(-1e7, 1e7, width=32)
mutated = st.builds(
    lambda amounts, changes, dropped: {
        k: v for k, v in stock(**amounts, **changes).items() if k not in dropped
    },
    st.dictionaries(st.sampled_from(AMOUNTS), amount),
    st.dictionaries(st.sampled_from([n for n in FIELDS if n not in AMOUNTS]), anything, max_size=6),
    st.sets(st.sampled_from(FIELDS), max_size=3),
)
rows_of_nonsense = st.lists(mutated | anything, min_size=1, max_size=6)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@example([stock(thc=0, cbd="0.0")])
@example([stock(id_item=[], id_batch=[True]), stock(id_item=[], id_batch=[1])])
@given(rows_of_nonsense)
def test_every_row_is_mapped_or_quarantined_with_a_code_and_no_price_is_absurd(
    rows: list[Any],
) -> None:
    # When a first sync meets such a list of stock
    writes = synced(rows, DISCOUNTS)

    # Then every row is accounted for
    products = documents(writes, lambda path: path.startswith(f"{paths.menu_items(ORG)}/"))
    entries = documents(writes, lambda path: path.startswith(f"{paths.quarantine(ORG)}/"))
    mapped = [to_inventory_row(row, "1000") for row in rows]
    bad = {quarantine.key_of(row) for row in mapped if isinstance(row, Rejected)}
    assert bad <= {path.partition("products_")[2] for path in entries}
    for row in mapped:
        if not isinstance(row, Rejected) and row.item_id not in bad:
            named = any(legible(each.name) for each in rows_of(row.item_id, mapped))
            assert (f"{paths.menu_items(ORG)}/{row.item_id}" in products) is named
    for entry in entries.values():
        assert entry["errorCode"]
        assert entry["stream"] == "products"

    # and Firestore takes all of it, with figures that are plausible
    for write in writes:
        encoded(write, DOCUMENTS)
    for product in products.values():
        check(product)


def rows_of(item_id: str, mapped: list[InventoryRow | Rejected]) -> list[InventoryRow]:
    return [row for row in mapped if isinstance(row, InventoryRow) and row.item_id == item_id]


def documents(writes: list[Write], wanted: Callable[[str], bool]) -> dict[str, dict[str, Any]]:
    return {w.path: dict(w.fields) for w in writes if isinstance(w, Put) and wanted(w.path)}


def check(product: dict[str, Any]) -> None:
    assert 0 <= product["price"] <= HIGHEST
    assert product["price"] > 0 or not product["available"]
    assert product["quantity"] >= 0
    assert 0 <= product.get("salePrice", 0) <= product["price"]
    for name in ("cost", "batchCost"):
        assert 0 <= product.get(name, 0) <= HIGHEST
    for name in ("thcPercent", "cbdPercent"):
        assert 0 <= product.get(name, 0) <= 100
    for here in product["stock"].values():
        assert 0 <= here["price"] <= HIGHEST
        assert here["quantity"] >= 0
        assert here["price"] > 0 or not here["available"]
