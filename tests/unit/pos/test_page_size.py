"""Services that give fewer rows at once than they are asked for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import ListingIncomplete
from shared.outbound.failures import StatusRefused
from tests.unit.pos.listings import Service, rows_of


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(0, 130),
    at_most=st.integers(1, 12),
    expected=st.none() | st.integers(0, 200),
    start_page=st.integers(1, 4),
)
def test_where_a_total_is_announced_everything_comes(
    rows: int, at_most: int, expected: int | None, start_page: int
) -> None:
    service = Service(range(rows), size=12, at_most=at_most, total=rows)

    pages = service.pages(expected=expected, start_page=start_page)

    assert rows_of(pages) == list(range((start_page - 1) * at_most, rows))


@pytest.mark.parametrize("at_most", [10, 20, 25, 50])
@pytest.mark.parametrize("rest", [0, 7])
def test_without_a_total_a_usual_limit_is_recognised(at_most: int, rest: int) -> None:
    rows = range(3 * at_most + rest)
    service = Service(rows, size=100, at_most=at_most)

    assert rows_of(service.pages()) == list(rows)


def test_as_many_rows_as_a_usual_limit_and_no_more_cost_one_call_more() -> None:
    service = Service(range(50), size=100)

    pages = service.pages()

    assert rows_of(pages) == list(range(50))
    assert service.asked == [1, 2]
    assert [page.requests for page in pages] == [2]


def test_a_service_that_refuses_the_page_behind_its_end_is_believed() -> None:
    def refuse_behind_the_end(number: int) -> None:
        if number > 1:
            raise StatusRefused("there is no such page")

    service = Service(range(50), size=100, before=refuse_behind_the_end)

    assert rows_of(service.pages()) == list(range(50))


def test_a_first_page_cut_short_is_not_taken_for_a_small_one() -> None:
    service = Service(
        range(35),
        total=35,
        distort=lambda number, time, page: page[:4] if number == 1 and time == 1 else page,
    )

    assert rows_of(service.pages()) == list(range(35))


def test_pages_that_grow_were_cut_short() -> None:
    service = Service(
        range(300),
        size=100,
        distort=lambda number, _, page: page[:50] if number < 3 else page,
    )

    with pytest.raises(ListingIncomplete, match="page 1 was cut short, and more came after"):
        service.pages()


def test_a_listing_taken_up_again_knows_how_many_rows_went_before() -> None:
    service = Service(
        range(45),
        size=10,
        at_most=5,
        total=45,
        distort=lambda number, _, page: page[:2] if number == 7 else page,
    )

    with pytest.raises(ListingIncomplete, match="announced 45 orders but sent 32"):
        service.pages(start_page=5)
