"""Scores of recommended products (issue 4, item 4)."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.preferences import Preferences, PriceBand
from shared.domain.recommendations import Recommendation, recommend


@dataclass(frozen=True)
class Item:
    """A product as far as recommendations look at it."""

    id: str = "1"
    category: str = "Flower"
    price_cents: int | None = 5000
    available: bool = True


LIKES = Preferences("Flower", ("Flower", "Vapes"), (), PriceBand.MID)


@pytest.mark.parametrize(
    ("item", "bought", "score"),
    [
        (Item(), {"1"}, 30),
        (Item(category="vapes"), set(), 15),
        (Item(category="Edibles"), set(), 5),
        (Item(price_cents=500), set(), 10),
        (Item(price_cents=None), set(), 10),
        (Item(category="Edibles", price_cents=500), {"1"}, 15),
        (Item(category="Edibles", price_cents=500), {"2"}, None),
        (Item(available=False), {"1"}, None),
    ],
)
def test_category_price_band_and_an_earlier_purchase_add_up(
    item: Item, bought: set[str], score: int | None
) -> None:
    # When
    found = recommend([item], LIKES, bought_product_ids=bought, limit=5)
    # Then
    assert found == (() if score is None else (Recommendation("1", score),))


def test_equal_scores_come_in_the_order_of_their_ids() -> None:
    # Given
    items = [Item("10"), Item("9"), Item("x"), Item("2", category="Edibles")]
    # When
    found = recommend(items, LIKES, bought_product_ids={"x"}, limit=3)
    # Then
    assert [product.product_id for product in found] == ["x", "9", "10"]


@given(
    st.lists(
        st.builds(
            Item,
            st.integers(0, 50).map(str),
            st.sampled_from(["Flower", "Edibles"]),
            st.integers(1, 20_000),
            st.booleans(),
        ),
        unique_by=lambda item: item.id,
    ),
    st.integers(0, 10),
)
def test_only_available_products_are_recommended_best_first(items: list[Item], limit: int) -> None:
    # When
    found = recommend(items, LIKES, bought_product_ids={"1", "2"}, limit=limit)
    # Then
    available = {item.id for item in items if item.available}
    assert len(found) <= limit
    assert {product.product_id for product in found} <= available
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    assert found == recommend(items[::-1], LIKES, bought_product_ids={"1", "2"}, limit=limit)
