"""The menu as everybody may see it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.public_menu import MenuFilter, MenuProduct, demo_menu, menu_page, showcase

NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)


def shown(
    number: int,
    *,
    name: str = "Vape",
    brand: str | None = None,
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
    if brand is not None:
        view["brand"] = brand
    return MenuProduct(view, ends_at)


def ids(menu: Iterable[MenuProduct]) -> list[str]:
    return [product.view["id"] for product in menu]


def test_merchants_order_comes_first_then_names_then_ids_as_numbers() -> None:
    menu = [
        shown(10),
        shown(9),
        shown(11, name="apple"),
        shown(12, name="Banana"),
        shown(2, order=5),
        shown(3, order=-1),
    ]
    ordered = sorted(menu, key=lambda product: product.place)
    assert ids(ordered) == ["3", "2", "11", "12", "9", "10"]


def test_a_merchant_may_put_products_before_at_and_behind_0() -> None:
    menu = [shown(1, order=0.5), shown(2, order=0), shown(3, order=-0.5), shown(4)]
    ordered = sorted(menu, key=lambda product: product.place)
    assert ids(ordered) == ["3", "2", "1", "4"]


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (MenuFilter(), True),
        (MenuFilter(category=" vapes "), True),
        (MenuFilter(category="Flower"), False),
        (MenuFilter(brand=" SAMPLE brand"), True),
        (MenuFilter(brand="Sample"), False),
        (MenuFilter(on_sale=True), True),
        (MenuFilter(on_sale=False), False),
        (MenuFilter(category="Vapes", brand="Sample Brand", on_sale=True), True),
        (MenuFilter(category="Flower", brand="Sample Brand", on_sale=True), False),
        (MenuFilter(category="Vapes", brand="Other", on_sale=True), False),
        (MenuFilter(category="Vapes", brand="Sample Brand", on_sale=False), False),
    ],
)
def test_a_product_is_shown_that_is_all_that_is_wanted(wanted: MenuFilter, fits: bool) -> None:
    assert wanted.fits(shown(1, brand="Sample Brand ", ends_at=NOW)) is fits


def test_a_product_without_a_brand_is_of_no_brand_that_is_wanted() -> None:
    assert not MenuFilter(brand="Sample Brand").fits(shown(1))
    assert MenuFilter(on_sale=False).fits(shown(1))


def test_a_sale_that_is_over_is_not_shown() -> None:
    product = shown(1, ends_at=NOW)
    assert product.at(NOW - timedelta(seconds=1)) is product
    over = product.at(NOW)
    assert over.view == shown(1).view
    assert over.sale_ends_at is None


def test_what_is_not_on_sale_stays_as_it_is() -> None:
    product = shown(1)
    assert product.at(NOW) is product


def test_the_showcase_has_featured_stock_then_stock_then_the_rest() -> None:
    menu = [
        shown(1, available=False, featured=True),
        shown(2),
        shown(3, featured=True),
        shown(4, available=False),
    ]
    assert ids(showcase(menu, 9)) == ["3", "2", "1", "4"]
    assert len(showcase(menu, 2)) == 2


def test_what_is_equally_prominent_keeps_the_order_of_the_menu() -> None:
    menu = [shown(10), shown(9), shown(2, name="apple"), shown(8, order=1)]
    assert ids(showcase(menu, 9)) == ["8", "2", "9", "10"]


def test_demo_products_say_what_they_are() -> None:
    assert len(demo_menu()) == 12
    assert all(product.view["isDemo"] is True for product in demo_menu())


def test_demo_products_are_plain_ones_in_stock_in_the_order_given() -> None:
    menu = demo_menu()
    assert ids(menu) == [f"demo-{n}" for n in range(1, 13)]
    for product in menu:
        view = product.view
        assert view["name"].startswith("Example ")
        assert not view["category"].startswith("Example ")
        assert isinstance(view["price"], float)
        assert (view["available"], view["isFeatured"], view["isOnSale"]) == (True, False, False)
        assert product.sale_ends_at is None


@pytest.mark.parametrize(
    ("limit", "parts"), [(1, ["1", "2", "3"]), (2, ["12", "3"]), (3, ["123"]), (4, ["123"])]
)
def test_a_part_holds_as_many_as_asked_for_and_the_last_one_says_so(
    limit: int, parts: list[str]
) -> None:
    # Given a menu of which one product is not wanted
    menu = [shown(1), shown(2), shown(3), shown(4, ends_at=NOW)]
    found, after = [], None
    for _ in parts:
        part_found, after = menu_page(menu, MenuFilter(on_sale=False), after=after, limit=limit)
        found.append("".join(ids(part_found)))
    assert found == parts
    assert after is None


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
        assert 0 < len(more) <= limit
        found += more

    # Then
    assert found == [product for product in ordered if wanted.fits(product)]
