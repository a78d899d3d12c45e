"""The lists of Alleaves, in all their shapes."""

from collections import Counter
from collections.abc import Iterable, Sequence

from shared.pos.rows import TOTAL_OF_LIST

SOURCE = "alleaves"
"""Names the provider in what is stored."""
_MOST_DIGITS = 18
_LISTS = (
    *("customers", "orders", "products", "inventory", "data"),
    *("discounts", "brands", "categories", "vendors", "locations", "areas"),
)
_TOTALS = ("total", TOTAL_OF_LIST)


def rows_and_total(reply: object) -> tuple[Sequence[object], int | None]:
    """The rows of a reply, and the total announced beside them or in every row, if there is one.

    Known shapes: an array, an object whose keys are numbers as text, and one of these under a name
    (``customers``, ``orders`` and ``data`` were seen). Raises ValueError for any other.
    """
    match reply:
        case list():
            return reply, _total_of_rows(reply)
        case dict():
            rows, inner_total = _rows_of_object(reply)
            return rows, _first_count((*map(reply.get, _TOTALS), inner_total))
        case _:
            raise ValueError("not a list of rows")


def _rows_of_object(reply: dict[str, object]) -> tuple[Sequence[object], int | None]:
    for name in _LISTS:
        if isinstance(reply.get(name), list | dict):
            return rows_and_total(reply[name])
    numbered = sorted((key for key in reply if key.isdecimal()), key=int)
    if not numbered and not reply.keys() <= set(_TOTALS):
        raise ValueError("not a list of rows")
    rows = [reply[key] for key in numbered]
    return rows, _total_of_rows(rows)


def _total_of_rows(rows: Sequence[object]) -> int | None:
    """What most of the rows say: one of them may be wrong."""
    said = (_count(row.get(TOTAL_OF_LIST)) for row in rows if isinstance(row, dict))
    ranked = Counter(total for total in said if total is not None).most_common(1)
    return ranked[0][0] if ranked else None


def _first_count(values: Iterable[object]) -> int | None:
    return next((count for each in values if (count := _count(each)) is not None), None)


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) <= _MOST_DIGITS:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return None
