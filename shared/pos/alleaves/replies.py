"""The shapes in which Alleaves sends lists: one reader for all of them.

Seen are a plain array, an object whose keys are numbers as text, and an array under a name
(``customers``, ``orders``, ``data``). The total stands beside a named array or in every row.
"""

from collections.abc import Sequence

_NAMES = ("customers", "orders", "inventory", "data")
_TOTALS = ("total", "total_rows")


def rows_and_total(reply: object) -> tuple[Sequence[object], int | None]:
    """The rows of a reply, and the announced total where there is one.

    Raises ValueError for a reply that is no list of rows in any known shape.
    """
    if isinstance(reply, list):
        return reply, _total_of_rows(reply)
    if not isinstance(reply, dict):
        raise ValueError("not a list of rows")  # noqa: TRY004
    total = next((found for key in _TOTALS if (found := _count(reply.get(key))) is not None), None)
    for name in _NAMES:
        if isinstance(reply.get(name), list | dict):
            rows, own_total = rows_and_total(reply[name])
            return rows, own_total if total is None else total
    numbered = {key: row for key, row in reply.items() if key not in _TOTALS}
    if not all(key.isdecimal() for key in numbered):
        raise ValueError("not a list of rows")
    rows = [numbered[key] for key in sorted(numbered, key=int)]
    return rows, _total_of_rows(rows) if total is None else total


def _total_of_rows(rows: Sequence[object]) -> int | None:
    return next((_count(row.get("total_rows")) for row in rows if isinstance(row, dict)), None)


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
