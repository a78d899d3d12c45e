"""The shapes in which lists come."""

import pytest

from shared.pos.alleaves.parse import rows_and_total


@pytest.mark.parametrize(
    ("reply", "rows", "total"),
    [
        ([], [], None),
        ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 2}], None),
        ([{"a": 1, "total_rows": 7}], [{"a": 1, "total_rows": 7}], 7),
        ([{"a": 1, "total_rows": "7"}], [{"a": 1, "total_rows": "7"}], 7),
        (["odd", {"total_rows": 3}], ["odd", {"total_rows": 3}], 3),
        ({}, [], None),
        ({"0": {"a": 1}, "1": {"a": 2}}, [{"a": 1}, {"a": 2}], None),
        ({"10": "k", "9": "j", "0": "a"}, ["a", "j", "k"], None),
        ({"0": {"a": 1}, "total": 9}, [{"a": 1}], 9),
        ({"customers": [{"a": 1}], "total": 4}, [{"a": 1}], 4),
        ({"orders": [], "total": 0}, [], 0),
        ({"data": [{"a": 1, "total_rows": 5}]}, [{"a": 1, "total_rows": 5}], 5),
        ({"data": {"0": {"a": 1}}}, [{"a": 1}], None),
        ({"orders": [{"a": 1}], "total": "many"}, [{"a": 1}], None),
        ({"orders": [{"a": 1}], "total": True}, [{"a": 1}], None),
        ({"orders": [{"a": 1}], "total": -1}, [{"a": 1}], None),
    ],
)
def test_every_known_shape_is_a_list_of_rows(
    reply: object, rows: list[object], total: int | None
) -> None:
    assert rows_and_total(reply) == (rows, total)


@pytest.mark.parametrize(
    "reply",
    [None, 7, "text", {"error": "Something went wrong"}, {"data": None}, {"customers": "none"}],
)
def test_anything_else_is_not_taken_for_an_empty_list(reply: object) -> None:
    with pytest.raises(ValueError, match="not a list of rows"):
        rows_and_total(reply)
