"""Every benchmark, in the order in which they run. Its name is that of its module."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol, cast

from rich.console import Console

Figures = Mapping[str, Any]
"""What was measured, as ``.local/bench.json`` keeps it: JSON values by name."""

NAMES = (
    "large_org",
    "settling",
    "many_orders",
    "many_orgs",
    "customers",
    "menu",
    "loyalty",
    "lightspeed",
    "webhooks",
    "ecom_import",
    "verification",
    "cold_start",
)

ON_REQUEST = ("huge_org", "fleet")
"""They take long: only where they are named."""


class Bench(Protocol):
    """A benchmark's module."""

    TITLE: str

    def run(self, console: Console, *, quick: bool) -> Figures:
        """Measure, print a table, return the figures. ``quick``: smaller and once, to see that it
        works; its figures say little."""
        ...


def load(name: str) -> Bench:
    """The benchmark of that name; the others need not even be importable."""
    return cast(Bench, import_module(f"tests.bench.{name}"))
