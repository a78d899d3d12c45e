"""Bodies of the search style, joined from the records' stored texts."""

from collections.abc import Iterable

from deploy.local.simulator.listing import Slice


def numbered(rows: Iterable[bytes]) -> bytes:
    """An object with numeric-string keys, ``{"0": {…}, "1": {…}}``, as customers come."""
    return b"{" + b",".join(b'"%d":%b' % (i, row) for i, row in enumerate(rows)) + b"}"


def counted(part: Slice) -> bytes:
    """An array whose every row carries ``total_rows``, as orders and inventory come."""
    ending = b',"total_rows":%d}' % part.total
    rows = (row[:-1] + ending if row.endswith(b"}") else row for row in part.rows)
    return b"[" + b",".join(rows) + b"]"
