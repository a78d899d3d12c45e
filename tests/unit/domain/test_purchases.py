"""What the stored orders of a customer say of them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.orders import OrderItem
from shared.domain.preferences import LikedProduct, PriceBand, Purchases
from shared.domain.spending import OrderFact, Spending, fold

DAY = datetime(2026, 3, 1, tzinfo=UTC)
FLOWER = OrderItem("1", "Sample Flower", "Flower", Decimal(2), 20_00)
VAPE = OrderItem("2", "Sample Vape", "Vapes", Decimal(1), 30_00)


def order(cents: int, *items: OrderItem, status: str | None = "completed") -> OrderFact:
    return OrderFact(status, "in_store", cents, DAY, items)


def purchases(*orders: OrderFact) -> Purchases:
    found = Purchases()
    for stored in orders:
        found.add(stored)
    return found


def test_somebody_without_orders_has_spent_nothing_and_likes_nothing_known() -> None:
    found = purchases()

    assert found.spending == Spending()
    assert found.preferences is None
    assert found.bought_product_ids == frozenset()


def test_an_order_that_counts_tells_what_was_spent_and_what_is_liked() -> None:
    found = purchases(order(40_00, FLOWER), order(30_00, VAPE, status=None))

    assert found.spending == Spending(70_00, 2, first_order_at=DAY, last_order_at=DAY)
    assert found.preferences is not None
    assert found.preferences.categories == ("Flower", "Vapes")
    assert found.preferences.products == (
        LikedProduct("1", "Sample Flower"),
        LikedProduct("2", "Sample Vape"),
    )
    assert found.bought_product_ids == {"1", "2"}


def test_an_order_that_does_not_count_changes_nothing() -> None:
    found = purchases(order(40_00, FLOWER), order(30_00, VAPE, status="cancelled"))

    assert found.spending == fold([order(40_00)])
    assert found.bought_product_ids == {"1"}


def test_what_is_given_back_is_neither_spent_nor_liked_any_more() -> None:
    found = purchases(order(70_00, FLOWER, VAPE), order(-30_00, VAPE))

    assert found.spending.total_cents == 40_00
    assert found.preferences is not None
    assert found.preferences.categories == ("Flower",)
    assert found.bought_product_ids == {"1"}


def test_a_refund_of_a_single_cent_gives_its_items_back() -> None:
    assert purchases(order(30_00, VAPE), order(-1, VAPE)).bought_product_ids == frozenset()


def test_an_order_that_cost_nothing_gives_nothing_back() -> None:
    assert purchases(order(0, FLOWER)).bought_product_ids == {"1"}


def test_somebody_of_whom_only_a_refund_is_stored_has_no_preferences() -> None:
    found = purchases(order(-30_00, VAPE))

    assert found.spending == Spending(-30_00, 0)
    assert found.preferences is None


def test_the_price_band_is_that_of_the_average_order() -> None:
    # Given two orders that come to a middling sum, and are small by themselves
    found = purchases(order(20_00, FLOWER), order(30_00, VAPE))

    assert found.preferences is not None
    assert found.preferences.price_band is PriceBand.BUDGET


@given(
    st.lists(
        st.builds(
            lambda cents, days, status: OrderFact(
                status, "in_store", cents, DAY + timedelta(days=days), (FLOWER,)
            ),
            st.integers(-50_000, 50_000),
            st.integers(0, 500),
            st.sampled_from(["completed", "ready", "pending", "cancelled", None]),
        ),
        max_size=6,
    )
)
def test_the_spending_is_the_fold_of_the_orders(orders: list[OrderFact]) -> None:
    assert purchases(*orders).spending == fold(orders)
