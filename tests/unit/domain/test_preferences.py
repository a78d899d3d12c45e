"""What a customer likes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.orders import OrderItem
from shared.domain.preferences import (
    LikedProduct,
    Preferences,
    PreferenceSource,
    PriceBand,
    Purchases,
    price_band,
    summarised_preferences,
)
from shared.domain.spending import OrderFact

DAY = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Basket:
    """The items of one order."""

    items: tuple[OrderItem, ...]
    refund: bool = False


def purchases_of(baskets: list[Basket]) -> Purchases:
    """The purchases of a customer whose orders came to 20 dollars each."""
    found = Purchases()
    for basket in baskets:
        cents = -20_00 if basket.refund else 20_00
        found.add(OrderFact("completed", "in_store", cents, DAY, basket.items))
    return found


def preferences_of(baskets: list[Basket]) -> Preferences:
    found = purchases_of(baskets).preferences
    assert found is not None
    return found


def item(
    name: str, quantity: int, category: str | None = "Flower", id: str | None = None
) -> OrderItem:
    return OrderItem(id, name, category, Decimal(quantity), 1000)


@pytest.mark.parametrize(
    ("cents", "band"),
    [
        (-500, PriceBand.BUDGET),
        (2999, PriceBand.BUDGET),
        (3000, PriceBand.MID),
        (10_000, PriceBand.MID),
        (10_001, PriceBand.PREMIUM),
    ],
)
def test_the_price_band_is_budget_under_30_dollars_and_premium_over_100(
    cents: int, band: PriceBand
) -> None:
    # Given / When / Then
    assert price_band(cents) is band


@pytest.mark.parametrize(
    ("average", "band"),
    [(2999, PriceBand.BUDGET), (3000, PriceBand.MID), (10_001, PriceBand.PREMIUM)],
)
def test_a_customers_price_band_is_that_of_their_average_order(
    average: int, band: PriceBand
) -> None:
    # Given
    bought = Purchases()
    for cents in (average - 1, average + 1):
        bought.add(OrderFact("completed", "in_store", cents, DAY))
    # When / Then
    assert bought.preferences is not None
    assert bought.preferences.price_band is band


def test_spellings_of_a_category_or_of_a_product_without_an_id_count_together() -> None:
    # Given: more of the vape than of either spelling of the flower
    basket = Basket(
        (item("Rose", 2, "Flower"), item("ROSE", 2, "FLOWER"), item("Vape", 3, "Vapes"))
    )
    # When
    preferences = preferences_of([basket])
    # Then
    assert preferences.categories == ("FLOWER", "Vapes")
    assert [product.name for product in preferences.products] == ["ROSE", "Vape"]


def test_products_bought_equally_often_come_by_their_names_and_not_by_their_ids() -> None:
    # Given
    basket = Basket((item("B", 1, id="1"), item("A", 1, id="2")))
    # When
    preferences = preferences_of([basket])
    # Then
    assert preferences.products == (LikedProduct("2", "A"), LikedProduct("1", "B"))


def test_products_of_one_name_come_in_the_order_of_their_ids_and_the_one_without_last() -> None:
    # Given
    ids = ["5", "3", None, "1", "4"]
    basket = Basket(tuple(item("Rose", 1, id=id) for id in ids))
    # When
    preferences = preferences_of([basket])
    # Then
    assert [p.product_id for p in preferences.products] == ["1", "3", "4", "5", None]


def test_a_customer_who_bought_nothing_that_is_known_likes_nothing() -> None:
    # When
    preferences = preferences_of([Basket(())])
    # Then
    assert (preferences.categories, preferences.products) == ((), ())


def test_the_top_3_categories_and_top_5_products_come_by_quantity_then_name() -> None:
    # Given
    basket = Basket(
        (
            item("B", 2, "Category > Vapes"),
            item("A", 2, "Edibles"),
            item("C", 9, "Flower > Eighths"),
            item("D", 1, "Beverages"),
            item("E", 1, "flower"),
            item("F", 1, None),
            item("G", 1, "Uncategorized"),
        )
    )
    # When
    preferences = preferences_of([basket])
    # Then: the spellings of Flower are one category
    assert preferences.categories == ("Flower", "Edibles", "Vapes")
    assert [product.name for product in preferences.products] == ["C", "A", "B", "D", "E"]


def test_a_product_is_one_by_its_id_whatever_it_was_called() -> None:
    # Given: two names of one id, two ids of one name
    basket = Basket((item("New", 1, id="7"), item("Old", 1, id="7"), item("New", 1, id="8")))
    # When
    preferences = preferences_of([basket])
    # Then
    assert preferences.products == (LikedProduct("7", "New"), LikedProduct("8", "New"))


def test_what_was_given_back_is_not_liked() -> None:
    # Given: refunds write the quantity with either sign
    bought = Basket((item("A", 3), item("B", 2), item("C", 1, "Vapes")))
    refunds = [Basket((item("A", 2),), refund=True), Basket((item("C", -1, "Vapes"),), refund=True)]
    # When
    preferences = preferences_of([bought, *refunds])
    # Then
    assert preferences.products == (LikedProduct(None, "B"), LikedProduct(None, "A"))
    assert preferences.categories == ("Flower",)


def test_bought_before_is_what_was_bought_and_kept() -> None:
    # Given
    bought = Basket((item("A", 1, id="1"), item("B", 1, id="2"), item("C", 1)))
    # When
    found = purchases_of([bought, Basket((item("B", 1, id="2"),), refund=True)])
    # Then
    assert found.bought_product_ids == {"1"}


baskets = st.lists(
    st.builds(
        Basket,
        st.lists(
            st.builds(
                item,
                st.sampled_from("ABab"),
                st.integers(-1, 3),
                st.sampled_from([None, "X", "x", "Y", "Z", "W"]),
                st.sampled_from([None, "1", "2"]),
            ),
            max_size=5,
        ).map(tuple),
        st.booleans(),
    ),
    max_size=5,
)


@given(baskets, st.randoms())
def test_the_order_of_the_baskets_never_matters(found: list[Basket], random: Random) -> None:
    # Given
    shuffled = list(found)
    random.shuffle(shuffled)
    # When
    preferences = purchases_of(shuffled).preferences
    # Then
    assert preferences == purchases_of(found).preferences
    if preferences is not None:
        assert len(preferences.categories) <= 3
        assert len(preferences.products) <= 5


@pytest.mark.parametrize(
    ("favorite", "spent_cents", "orders", "said"),
    [
        ("Flower", 400_00, 2, (("Flower",), PriceBand.PREMIUM)),
        ("Category > Vapes", 50_00, 2, (("Vapes",), PriceBand.BUDGET)),
        (None, 100_00, 2, ((), PriceBand.MID)),
        # A price band rests on orders and what they came to.
        ("Flower", None, 2, (("Flower",), PriceBand.MID)),
        ("Flower", 400_00, 0, (("Flower",), PriceBand.MID)),
        ("Flower", -1, 2, (("Flower",), PriceBand.MID)),
        (" > ", 400_00, 0, None),
        (None, 400_00, 0, None),
        (None, None, 3, None),
    ],
)
def test_a_summary_of_the_pos_says_the_favourite_category_and_the_price_band(
    favorite: str | None,
    spent_cents: int | None,
    orders: int,
    said: tuple[tuple[str, ...], PriceBand] | None,
) -> None:
    found = summarised_preferences(favorite, spent_cents=spent_cents, order_count=orders)
    assert found == (said and Preferences(said[0], (), said[1], PreferenceSource.POS))
