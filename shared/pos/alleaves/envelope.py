"""The shapes in which Alleaves sends lists: one reader for all of them.

Seen are a plain array, an object whose keys are numbers as text, and an array under a name
(``customers``, ``orders``, ``data``; the others are as likely). The total stands beside the rows
or in every row.
"""

from collections.abc import Sequence

_NAMES = (
    *("customers", "orders", "inventory", "data"),
    *("discounts", "brands", "categories", "vendors", "locations"),
)
_TOTALS = ("total", "total_rows")


def rows_and_total(reply: object) -> tuple[Sequence[object], int | None]:
    """The rows of a reply, and the announced total where there is one.

    Raises ValueError for a reply that is no list of rows in any known shape.
    """
    match reply:
        case list():
            return reply, _total_of_rows(reply)
        case dict():
            rows, inner_total = _rows_of_object(reply)
            counts = [_count(reply.get(name)) for name in _TOTALS]
            return rows, next((count for count in counts if count is not None), inner_total)
        case _:
            raise ValueError("not a list of rows")


def _rows_of_object(reply: dict[str, object]) -> tuple[Sequence[object], int | None]:
    for name in _NAMES:
        if isinstance(reply.get(name), list | dict):
            return rows_and_total(reply[name])
    numbered = sorted((key for key in reply if key.isdecimal()), key=int)
    if not numbered and not reply.keys() <= set(_TOTALS):
        raise ValueError("not a list of rows")
    rows = [reply[key] for key in numbered]
    return rows, _total_of_rows(rows)


def _total_of_rows(rows: Sequence[object]) -> int | None:
    counts = (_count(row.get("total_rows")) for row in rows if isinstance(row, dict))
    return next((count for count in counts if count is not None), None)


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
