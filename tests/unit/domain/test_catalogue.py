"""Stock rows to products."""

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.catalogue import (
    CatalogueResult,
    LocationStock,
    Product,
    StrainType,
    clean_category,
    products_from_rows,
)
from shared.domain.inventory import InventoryRow
from shared.domain.pricing import CASCADE, HIGHEST_PRICE_CENTS, PriceSource

ROW = InventoryRow(
    item_id="2001",
    batch_id="1001",
    location_id="1000",
    name="Sample Vape 1g",
    brand="Sample Brand",
    vendor="Sample Vendor",
    category_path="Category > Vapes",
    strain=None,
    on_hand=Decimal(12),
    available=Decimal(10),
    sellable=True,
    prices=(("price_otd_adult_use", 3955), ("price_retail_adult_use", 3500), ("price_otd", 0)),
    cost_cents=1100,
    batch_cost_cents=None,
    thc_percent=Decimal(70),
    cbd_percent=None,
    date_expire="2026-07-01",
)


def catalogue(
    *rows: InventoryRow,
    markups: dict[str, Decimal] | None = None,
    locations: tuple[str, ...] = ("1000", "1001"),
) -> CatalogueResult:
    return products_from_rows(rows, location_ids_in_order=locations, markups=markups)


def only(*rows: InventoryRow) -> Product:
    (product,) = catalogue(*rows).products
    return product


def codes(*rows: InventoryRow) -> list[str]:
    return [problem.code for problem in catalogue(*rows).problems]


def test_one_row_is_one_product_with_every_field() -> None:
    # Given / When
    product = only(ROW)
    # Then
    assert product == Product(
        id="2001",
        name="Sample Vape 1g",
        brand="Sample Brand",
        category="Vapes",
        subcategory=None,
        price_cents=3955,
        price_source=PriceSource.OTD,
        cost_cents=1100,
        batch_cost_cents=None,
        thc_percent=Decimal(70),
        cbd_percent=None,
        strain_type=None,
        strain_inferred=False,
        available=True,
        quantity=Decimal(10),
        on_hand=Decimal(12),
        stock=(LocationStock("1000", available=True, quantity=Decimal(10), price_cents=3955),),
    )
    assert codes(ROW) == []


def test_a_product_has_what_only_some_rows_tell() -> None:
    # Given
    row = replace(
        ROW,
        category_path="Flower > Eighths",
        batch_cost_cents=900,
        thc_percent=None,
        cbd_percent=Decimal(2),
    )
    # When
    product = only(row)
    # Then
    assert (product.category, product.subcategory) == ("Flower", "Eighths")
    assert (product.cost_cents, product.batch_cost_cents) == (1100, 900)
    assert (product.thc_percent, product.cbd_percent) == (None, Decimal(2))


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_fact_is_none_and_the_next_row_tells_it(blank: str) -> None:
    # Given: the leading batch has no names
    leading = replace(ROW, batch_id="1", name=blank, brand=blank, category_path=blank, strain=blank)
    telling = replace(ROW, name=" Sample Rose ", brand=" Sample Brand ", strain=" Sativa ")
    # When
    product = only(leading, telling)
    # Then
    assert (product.name, product.brand) == ("Sample Rose", "Sample Brand")
    assert product.category == "Vapes"
    assert product.strain_type is StrainType.SATIVA


def test_a_product_of_which_no_row_tells_anything_is_nameless_and_uncategorized() -> None:
    # Given / When
    product = only(replace(ROW, name=" ", brand=None, category_path=" ", strain=None))
    # Then
    assert (product.name, product.brand) == ("", None)
    assert (product.category, product.subcategory) == ("Uncategorized", None)


def test_rows_of_one_item_are_summed_and_only_sellable_ones_can_be_bought() -> None:
    # Given: a second batch, and damaged units
    rows = (
        ROW,
        replace(ROW, batch_id="1002", on_hand=Decimal("2.5"), available=Decimal("0.1")),
        replace(ROW, sellable=False, on_hand=Decimal(4), available=Decimal(4)),
    )
    # When
    product = only(*rows)
    # Then
    assert product.quantity == Decimal("10.1")
    assert product.on_hand == Decimal("18.5")


def test_an_item_without_sellable_rows_is_kept_but_not_available() -> None:
    # Given / When
    product = only(replace(ROW, sellable=False))
    # Then
    assert (product.available, product.price_cents) == (False, 3955)
    assert product.quantity == 0


def test_an_oversold_location_counts_as_empty_and_takes_nothing_from_another() -> None:
    # Given
    rows = (
        replace(ROW, available=Decimal(-3)),
        replace(ROW, location_id="1001", available=Decimal(2)),
    )
    # When
    product = only(*rows)
    # Then
    assert [(s.location_id, s.quantity, s.available) for s in product.stock] == [
        ("1000", Decimal(0), False),
        ("1001", Decimal(2), True),
    ]
    assert product.quantity == 2
    assert product.available


def test_the_lowest_batch_decides_and_numbers_are_read_as_numbers() -> None:
    # Given: batch 99 comes before 1001 as a number, after it as text
    newer = replace(ROW, name="New name", brand="New brand")
    older = replace(
        ROW, batch_id="99", name="Old name", brand=None, prices=(("price_retail", 2000),)
    )
    # When
    product = only(newer, older)
    # Then: each fact comes from the first row that has it
    assert (product.name, product.brand) == ("Old name", "New brand")
    assert (product.price_cents, product.price_source) == (2000, PriceSource.RETAIL)


@pytest.mark.parametrize("batch_id", ["1001", "B2"])
def test_a_row_that_names_a_batch_goes_before_one_that_names_none(batch_id: str) -> None:
    # Given
    named = replace(ROW, batch_id=batch_id)
    # When / Then
    assert only(replace(ROW, batch_id=None, name="No batch"), named).name == "Sample Vape 1g"


def test_rows_of_one_batch_give_one_product_whichever_comes_first() -> None:
    # Given: one batch in two areas, under two names
    rows = (replace(ROW, name="A"), replace(ROW, name="B"))
    # When / Then
    assert only(*rows) == only(*reversed(rows))


def test_a_listed_price_of_a_damaged_batch_does_not_outrank_the_cost_of_one_that_is_sold() -> None:
    # Given
    sold = replace(ROW, prices=())
    damaged = replace(ROW, batch_id="1002", sellable=False, prices=(("price_otd", 100),))
    # When
    product = only(sold, damaged)
    # Then
    assert (product.price_cents, product.price_source) == (2200, PriceSource.MARKUP)


def test_a_damaged_batch_sets_no_price_where_another_is_sold() -> None:
    # Given
    damaged = replace(ROW, batch_id="1", sellable=False, prices=(("price_otd", 100),))
    # When / Then
    assert only(ROW, damaged).price_cents == 3955


def test_the_first_location_that_sells_a_product_sets_its_price() -> None:
    # Given: the org's order, not that of the rows or batches, says which location is first
    second = replace(ROW, location_id="1001", batch_id="1", prices=(("price_otd", 4520),))
    # When
    product = only(second, ROW)
    # Then
    assert product.price_cents == 3955
    assert [(s.location_id, s.price_cents) for s in product.stock] == [
        ("1000", 3955),
        ("1001", 4520),
    ]


def test_locations_come_as_the_org_orders_them_and_unknown_ones_follow_by_number() -> None:
    # Given: the rows of locations that the org orders against their numbers, and of two others
    prices = {"999": 100, "1000": 200, "1001": 300, "2000": 400}
    rows = [
        replace(ROW, location_id=location, prices=(("price_otd", cents),))
        for location, cents in prices.items()
    ]
    # When
    (product,) = catalogue(*rows, locations=("1001", "1000")).products
    # Then
    assert [s.location_id for s in product.stock] == ["1001", "1000", "999", "2000"]
    assert product.price_cents == 300


@pytest.mark.parametrize(
    ("quantity", "available"), [("-1", False), ("0", False), ("0.1", True), ("1", True)]
)
def test_a_product_is_available_while_any_of_it_is_left(quantity: str, available: bool) -> None:
    # Given / When
    product = only(replace(ROW, available=Decimal(quantity)))
    # Then
    assert product.available is available
    assert product.stock[0].available is available


def test_a_location_that_only_has_damaged_units_decides_nothing_where_another_sells() -> None:
    # Given
    damaged = replace(ROW, sellable=False, name="Old name")
    second = replace(ROW, location_id="1001", prices=(("price_otd", 4520),))
    # When
    product = only(damaged, second)
    # Then
    assert (product.name, product.price_cents) == ("Sample Vape 1g", 4520)


def test_without_a_price_the_cost_is_marked_up_by_category() -> None:
    # Given
    row = replace(ROW, prices=(("price_otd", 0),))
    # When
    (own,) = catalogue(row, markups={"vape": Decimal(3)}).products
    # Then
    assert (only(row).price_cents, only(row).price_source) == (2200, PriceSource.MARKUP)
    assert own.price_cents == 3300
    assert only(replace(row, cost_cents=None, batch_cost_cents=900)).price_cents == 1800


def test_the_subcategory_decides_on_the_markup_where_the_category_does_not() -> None:
    # Given / When
    product = only(replace(ROW, prices=(), category_path="Cannabis > Beverages"))
    # Then
    assert product.price_cents == 2640


def test_without_price_and_cost_a_product_is_kept_and_reported() -> None:
    # Given
    row = replace(ROW, prices=(), cost_cents=0)
    # When
    product = only(row)
    # Then
    assert (product.price_cents, product.price_source, product.available) == (None, None, False)
    assert product.quantity == 10
    assert codes(row) == ["no_price"]


def test_negative_and_absurd_amounts_are_passed_over_and_reported() -> None:
    # Given
    row = replace(
        ROW,
        prices=(("price_otd_adult_use", -3955), ("price_otd", 999_999_999), ("price_retail", 900)),
        cost_cents=-1,
    )
    # When
    product = only(row)
    # Then
    assert (product.price_cents, product.cost_cents) == (900, None)
    assert codes(row) == ["implausible_price", "implausible_cost"]
    assert {problem.product_id for problem in catalogue(row).problems} == {"2001"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Category > Vapes", ("Vapes", None)),
        ("Flower > Eighths", ("Flower", "Eighths")),
        ("Category > Flower > Eighths", ("Flower", "Eighths")),
        ("Flower > Eighths > Indoor", ("Flower", "Eighths > Indoor")),
        ("Uncategorized", ("Uncategorized", None)),
        ("", ("Uncategorized", None)),
        (" > ", ("Uncategorized", None)),
        ("Category", ("Uncategorized", None)),
        ("Category>Edibles", ("Edibles", None)),
    ],
)
def test_a_category_path_is_cleaned(path: str, expected: tuple[str, str | None]) -> None:
    # Given / When / Then
    assert clean_category(path) == expected


def test_the_strain_type_is_marked_where_it_is_inferred() -> None:
    # Given / When
    stated = only(replace(ROW, strain="Hybrid"))
    inferred = only(replace(ROW, name="Sample Sativa 1g"))
    # Then
    assert (stated.strain_type, stated.strain_inferred) == (StrainType.HYBRID, False)
    assert (inferred.strain_type, inferred.strain_inferred) == (StrainType.SATIVA, True)


def test_a_strain_type_is_inferred_from_the_name_before_the_category() -> None:
    # Given / When
    product = only(replace(ROW, name="Sample Sativa 1g", category_path="Flower > Indica"))
    # Then
    assert (product.strain_type, product.strain_inferred) == (StrainType.SATIVA, True)


def test_a_picture_is_that_of_the_first_row_that_has_one() -> None:
    # Given
    plain, *pictured = (
        replace(ROW, batch_id=str(number), image_url=url)
        for number, url in enumerate((None, "a", "b"))
    )
    # When / Then
    assert only(*pictured, plain).image_url == "a"
    assert only(plain).image_url is None


def test_products_come_in_the_natural_order_of_their_ids() -> None:
    # Given
    rows = [replace(ROW, item_id=item_id) for item_id in ("10", "9", "abc", "0", "007", "7")]
    # When / Then
    assert [p.id for p in catalogue(*rows).products] == ["0", "007", "7", "9", "10", "abc"]


amount = st.one_of(st.none(), st.integers(-(10**9), 10**9), st.integers(0, 10_000))
quantity = st.decimals(Decimal(-100), Decimal(1000), places=3)
rows_of_anything = st.lists(
    st.builds(
        InventoryRow,
        item_id=st.sampled_from(["1", "2", "10"]),
        batch_id=st.sampled_from([None, "", "9", "10", "B2", "²"]),
        location_id=st.sampled_from(["1000", "1001", "elsewhere"]),
        name=st.sampled_from(["", " A ", "B Indica", "C"]),
        brand=st.sampled_from([None, "", "X", "Y"]),
        vendor=st.none(),
        category_path=st.sampled_from(["", "Category > Vapes", "Flower > Eighths", ">"]),
        strain=st.sampled_from([None, "", "Sativa", "Harbor Haze"]),
        on_hand=quantity,
        available=quantity,
        sellable=st.booleans(),
        prices=st.lists(st.tuples(st.sampled_from(CASCADE), amount), max_size=3).map(tuple),
        cost_cents=amount,
        batch_cost_cents=amount,
        thc_percent=st.none() | st.just(Decimal(20)),
        cbd_percent=st.none(),
        date_expire=st.none(),
    ),
    max_size=8,
)


@given(rows_of_anything, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_never_matters(rows: list[InventoryRow], random: Random) -> None:
    # Given
    shuffled = list(rows)
    random.shuffle(shuffled)
    # When / Then
    assert catalogue(*shuffled) == catalogue(*rows)


@given(rows_of_anything)
def test_every_item_comes_out_once_with_believable_figures(rows: list[InventoryRow]) -> None:
    # When
    result = catalogue(*rows)
    # Then
    assert sorted(p.id for p in result.products) == sorted({row.item_id for row in rows})
    for product in result.products:
        prices = [product.price_cents, *(s.price_cents for s in product.stock)]
        assert all(price is None or 0 < price <= HIGHEST_PRICE_CENTS for price in prices)
        assert product.quantity == sum(s.quantity for s in product.stock)
        assert min((s.quantity for s in product.stock), default=0) >= 0
        assert product.available == any(s.available for s in product.stock)
        assert not (product.available and product.price_cents is None)
        assert (product.price_cents is None) == (
            (product.id, "no_price") in {(p.product_id, p.code) for p in result.problems}
        )
