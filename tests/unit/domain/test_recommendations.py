"""Scores of recommended products."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ids import natural_key
from shared.domain.preferences import (
    Preferences,
    PriceBand,
    RecommendableProduct,
    Recommendation,
    RecommendationIndex,
    price_band,
)


def item(
    id: str = "1",
    category: str = "Flower",
    price_cents: int | None = 5000,
) -> RecommendableProduct:
    return RecommendableProduct(id, category, price_cents)


LIKES = Preferences(("Flower", "Vapes"), (), PriceBand.MID)


@pytest.mark.parametrize(
    ("product", "bought", "score"),
    [
        (item(), {"1"}, 30),
        (item(category="vapes"), set(), 15),
        (item(category="Edibles"), set(), 5),
        (item(price_cents=500), set(), 10),
        (item(price_cents=None), set(), 10),
        (item(category="Edibles", price_cents=500), {"1"}, 15),
        (item(category="Edibles", price_cents=500), {"2"}, None),
    ],
)
def test_category_price_band_and_an_earlier_purchase_add_up(
    product: RecommendableProduct, bought: set[str], score: int | None
) -> None:
    # When
    found = RecommendationIndex([product]).recommend(LIKES, bought_product_ids=bought, limit=5)
    # Then
    assert found == (() if score is None else (Recommendation("1", score),))


def test_an_index_is_as_long_as_the_menu() -> None:
    assert len(RecommendationIndex([item("1"), item("3", price_cents=None)])) == 2
    assert not RecommendationIndex([])


def test_equal_scores_come_in_the_order_of_their_ids() -> None:
    # Given
    items = [item("10"), item("9"), item("x"), item("2", category="Edibles")]
    # When
    found = RecommendationIndex(items).recommend(LIKES, bought_product_ids={"x"}, limit=3)
    # Then
    assert [product.product_id for product in found] == ["x", "9", "10"]


@given(
    st.lists(
        st.builds(
            RecommendableProduct,
            st.integers(0, 50).map(str),
            st.sampled_from(["Flower", "Edibles"]),
            st.integers(1, 20_000),
        ),
        unique_by=lambda product: product.id,
    ),
    st.integers(0, 10),
)
def test_products_of_the_menu_are_recommended_best_first(
    items: list[RecommendableProduct], limit: int
) -> None:
    # When
    found = RecommendationIndex(items).recommend(LIKES, bought_product_ids={"1", "2"}, limit=limit)
    # Then
    assert len(found) <= limit
    assert {product.product_id for product in found} <= {item.id for item in items}
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    assert found == RecommendationIndex(items[::-1]).recommend(
        LIKES, bought_product_ids={"1", "2"}, limit=limit
    )


def naive_score(item: RecommendableProduct, likes: Preferences, bought: set[str]) -> int:
    liked = item.category.lower() in [category.lower() for category in likes.categories]
    in_band = item.price_cents is not None and price_band(item.price_cents) is likes.price_band
    return 10 * liked + 5 * in_band + 15 * (item.id in bought)


@given(
    st.lists(
        st.builds(
            RecommendableProduct,
            st.integers(0, 99).map(str),
            st.sampled_from(["Flower", "flower", "Edibles", "Vapes", "Topicals"]),
            st.sampled_from([None, 1000, 5000, 20_000]),
        ),
        unique_by=lambda product: product.id,
    ),
    st.sets(st.integers(0, 99).map(str), max_size=8),
    st.integers(0, 8),
)
def test_the_best_are_those_that_a_look_at_every_product_finds(
    items: list[RecommendableProduct], bought: set[str], limit: int
) -> None:
    # Given
    scored = [(naive_score(item, LIKES, bought), item.id) for item in items]
    scored.sort(key=lambda pair: (-pair[0], natural_key(pair[1])))
    # When
    found = RecommendationIndex(items).recommend(LIKES, bought_product_ids=bought, limit=limit)
    # Then
    expected = [Recommendation(id, score) for score, id in scored if score > 0]
    assert list(found) == expected[:limit]
