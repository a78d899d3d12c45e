"""When a paged listing ends, and when its end is not believed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import ListingIncomplete
from tests.unit.pos.listings import Service, rows_of


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(0, 130),
    size=st.integers(1, 12),
    in_flight=st.integers(1, 9),
    announces=st.booleans(),
    expected=st.none() | st.integers(0, 200),
)
def test_every_row_comes_once_and_in_order(
    rows: int, size: int, in_flight: int, announces: bool, expected: int | None
) -> None:
    service = Service(range(rows), size=size, total=rows if announces else None)

    pages = service.pages(in_flight=in_flight, expected=expected)

    assert rows_of(pages) == list(range(rows))
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert service.most_at_once <= in_flight


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 130),
    size=st.integers(1, 12),
    in_flight=st.integers(1, 9),
    missing=st.integers(1, 130),
)
def test_a_listing_that_ends_without_an_error_was_complete(
    rows: int, size: int, in_flight: int, missing: int
) -> None:
    service = Service(range(max(rows - missing, 0)), size=size, total=rows)

    with pytest.raises(ListingIncomplete):
        service.pages(in_flight=in_flight)


def test_an_empty_first_page_is_a_complete_empty_listing() -> None:
    service = Service([])

    pages = service.pages()

    assert [(page.rows, page.last) for page in pages] == [(0, True)]
    assert service.asked == [1]


def test_a_short_page_ends_the_listing() -> None:
    service = Service(range(25))

    pages = service.pages(in_flight=1)

    assert [page.rows for page in pages] == [10, 10, 5]
    assert service.asked == [1, 2, 3]


def test_the_announced_total_ends_the_listing_on_a_full_page() -> None:
    service = Service(range(30), total=30)

    service.pages()

    assert sorted(service.asked) == [1, 2, 3]


def test_a_listing_beyond_its_total_is_read_to_its_real_end() -> None:
    service = Service(range(47), total=15)

    assert rows_of(service.pages()) == list(range(47))


def test_a_total_below_the_pages_own_rows_is_no_total() -> None:
    service = Service(range(25), total=0)

    assert rows_of(service.pages()) == list(range(25))


def test_a_short_page_against_the_total_is_asked_for_again() -> None:
    service = Service(
        range(35),
        total=35,
        distort=lambda number, time, page: page[:4] if number == 2 and time < 3 else page,
    )

    pages = service.pages()

    assert rows_of(pages) == list(range(35))
    assert service.asked.count(2) == 3
    assert pages[1].requests == 3


def test_a_page_short_of_the_total_three_times_is_an_incomplete_listing() -> None:
    service = Service(
        range(2689),
        size=100,
        total=2689,
        distort=lambda number, _, page: [] if number == 4 else page,
    )

    with pytest.raises(ListingIncomplete) as raised:
        service.pages()

    assert str(raised.value) == ("The POS at pos.example.com announced 2,689 orders but sent 300.")
    assert service.asked.count(4) == 3


def test_a_repeated_page_against_the_total_is_asked_for_again() -> None:
    service = Service(
        range(40),
        total=40,
        distort=lambda number, time, page: (
            list(range(10, 20)) if number == 3 and time == 1 else page
        ),
    )

    assert rows_of(service.pages()) == list(range(40))


def test_a_page_repeated_for_good_is_an_incomplete_listing() -> None:
    service = Service(
        range(40),
        total=40,
        distort=lambda number, _, page: list(range(10, 20)) if number == 3 else page,
    )

    with pytest.raises(ListingIncomplete, match="announced 40 orders but sent 20"):
        service.pages()


def test_a_service_that_ignores_paging_is_asked_once_more_and_then_believed() -> None:
    service = Service(range(30), distort=lambda _number, _time, _page: list(range(30)))

    pages = service.pages(in_flight=1)

    assert rows_of(pages) == list(range(30))
    assert service.asked == [1, 2, 2]


def test_without_a_total_a_cut_page_is_noticed_by_the_page_after_it() -> None:
    cut_once = Service(
        range(65),
        distort=lambda number, time, page: page[:3] if number == 4 and time == 1 else page,
    )
    cut_for_good = Service(
        range(65), distort=lambda number, _, page: page[:3] if number == 4 else page
    )

    assert rows_of(cut_once.pages()) == list(range(65))
    with pytest.raises(ListingIncomplete, match="page 4 was cut short, and more came after"):
        cut_for_good.pages()


def test_without_a_total_a_repeated_page_is_noticed_by_the_page_after_it() -> None:
    service = Service(
        range(65), distort=lambda number, _, page: list(range(10)) if number == 2 else page
    )

    with pytest.raises(ListingIncomplete):
        service.pages()


def test_a_record_that_comes_up_meanwhile_is_no_loss() -> None:
    service = Service(range(35), total=35)

    def one_more_in_front(number: int, _time: int, page: list[int]) -> list[int]:
        if number == 1:
            return page
        service.total = 36
        rows = [-1, *range(35)]
        return rows[(number - 1) * 10 : number * 10]

    service.distort = one_more_in_front

    assert rows_of(service.pages(in_flight=1)) == list(range(35))


def test_rows_of_earlier_pages_are_dropped_and_not_counted() -> None:
    service = Service(
        range(25), distort=lambda number, _, page: [9, *page[1:]] if number == 2 else page
    )

    pages = service.pages(in_flight=1)

    assert [page.rows for page in pages] == [10, 9, 5]
    assert rows_of(pages).count(9) == 1


def test_a_row_listed_twice_on_a_page_comes_once_but_counts_towards_the_total() -> None:
    service = Service([1, 2, 2, 3], total=4)

    pages = service.pages()

    assert rows_of(pages) == [1, 2, 3]
    assert pages[0].rows == 4


def test_a_listing_taken_up_again_starts_at_its_page() -> None:
    service = Service(range(45), total=45)

    pages = service.pages(start_page=3)

    assert [page.number for page in pages] == [3, 4, 5]
    assert rows_of(pages) == list(range(20, 45))


def test_a_listing_taken_up_beyond_its_end_is_over() -> None:
    service = Service(range(45))

    pages = service.pages(start_page=9)

    assert [(page.number, page.rows, page.last) for page in pages] == [(9, 0, True)]
