"""The menu as everybody may see it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.public_menu import MenuFilter, MenuProduct, demo_menu, menu_page, showcase

NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)


def shown(
    number: int,
    *,
    name: str = "Vape",
    order: float | None = None,
    featured: bool = False,
    available: bool = True,
    ends_at: datetime | None = None,
) -> MenuProduct:
    view: dict[str, Any] = {
        "id": str(number),
        "name": name,
        "category": "Vapes",
        "available": available,
        "isFeatured": featured,
        "isOnSale": ends_at is not None,
    }
    if order is not None:
        view["sortOrder"] = order
    if ends_at:
        view |= {"salePrice": 1.0, "saleEndsAt": "soon", "saleBadgeText": "x", "discountId": "1"}
    return MenuProduct(view, ends_at)


def ids(menu: Iterable[MenuProduct]) -> list[str]:
    return [product.view["id"] for product in menu]


def test_merchants_order_comes_first_then_names_then_ids_as_numbers() -> None:
    menu = [shown(10), shown(9), shown(1, name="apple"), shown(2, order=5), shown(3, order=-1)]
    ordered = sorted(menu, key=lambda product: product.place)
    assert ids(ordered) == ["3", "2", "1", "9", "10"]


def test_a_sale_that_is_over_is_not_shown() -> None:
    product = shown(1, ends_at=NOW)
    assert product.at(NOW - timedelta(seconds=1)) is product
    over = product.at(NOW)
    assert over.view == shown(1).view
    assert over.sale_ends_at is None


def test_the_showcase_has_featured_stock_then_stock_then_the_rest() -> None:
    menu = [
        shown(1, available=False, featured=True),
        shown(2),
        shown(3, featured=True),
        shown(4, available=False),
    ]
    assert ids(showcase(menu, 9)) == ["3", "2", "1", "4"]
    assert len(showcase(menu, 2)) == 2


def test_demo_products_say_what_they_are() -> None:
    assert len(demo_menu()) == 12
    assert all(product.view["isDemo"] is True for product in demo_menu())


products = st.lists(
    st.builds(
        shown,
        st.integers(0, 50),
        name=st.sampled_from(["Apple", "apple", "Vape", ""]),
        order=st.none() | st.floats(-2, 2),
        ends_at=st.none() | st.just(NOW),
    ),
    max_size=25,
    unique_by=lambda product: str(product.view["id"]),
)


@given(products, st.integers(1, 7), st.sampled_from([None, True, False]), st.randoms())
def test_the_parts_are_the_whole_once_and_in_order(
    menu: list[MenuProduct], limit: int, on_sale: bool | None, random: Random
) -> None:
    # Given
    random.shuffle(menu)
    ordered = sorted(menu, key=lambda product: product.place)
    wanted = MenuFilter(on_sale=on_sale)

    # When it is read part by part
    found, after = menu_page(ordered, wanted, after=None, limit=limit)
    while after is not None:
        assert len(found) % limit == 0
        more, after = menu_page(ordered, wanted, after=after, limit=limit)
        assert more
        found += more

    # Then
    assert found == [product for product in ordered if wanted.fits(product)]
