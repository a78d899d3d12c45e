"""Figures side by side."""

from collections.abc import Sequence

from rich.table import Table


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """``columns`` are what the figures of a row are, after what the row is about."""
    found = Table(title=title, title_justify="left", title_style="bold")
    found.add_column("")
    for column in columns:
        found.add_column(column, justify="right")
    for row in rows:
        found.add_row(*row)
    return found


def seconds(value: float) -> str:
    return f"{value:,.2f} s"


def milliseconds(value: float) -> str:
    return f"{value:,.1f} ms"


def number(value: float) -> str:
    return f"{value:,.0f}"


def mib(value: float) -> str:
    return f"{value:,.0f} MiB"
