"""The dashboard's reads of the large org: each route and page, kept by the instance and not."""

import gzip
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from shared.store import paths
from shared.store.database import Database
from tests.bench.cloud import Cloud
from tests.bench.latency import latency
from tests.bench.registry import Figures
from tests.bench.tables import milliseconds, table
from tests.emulator.dashboard.client import DashboardClient
from tests.fakes import SteppingClock

TITLE = "Dashboard reads of 2,527 customers"

ACCOUNT, ORG = "org_large", "org_reads"
CALLS, QUICK_CALLS = 100, 10
COMPUTED_SECONDS = 300.0
ALLOWED = {"customers": ("100 ms", "10 ms")}
PAGE_ALLOWED = ("500 ms", "100 ms", "60 KB")
PAGES = ("customers", "orders", "menu", "loyalty", "analytics")
FIRST_PAGE = [("totalSpent", "DESCENDING"), ("__name__", "DESCENDING")]


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench."""
    calls = QUICK_CALLS if quick else CALLS
    with Cloud("org_sync", "spending") as cloud:
        cloud.connect(ACCOUNT, ORG)
        cloud.sync(ORG, "first")
        computed = paths.rfm_scale(ORG)
        cloud.wait("spending is computed", lambda: bool(cloud.document(computed)), COMPUTED_SECONDS)
        cloud.quiet("spending")
        database = Database(cloud.client)
        figures = {
            name: _route(database, path, query, calls)
            for name, (path, query) in _questions(database).items()
        }
        pages = {name: _page(database, name, calls) for name in _pages(database)}
        baselines = {
            "the same page, asked of Firestore alone": latency(
                lambda: list(database.query(paths.customers(ORG), order_by=FIRST_PAGE, limit=51)),
                calls,
            ),
            "all customers read, sorted and cut in memory": latency(
                lambda: _all_in_memory(database), max(3, calls // 10)
            ),
        }
    console.print(_table(figures), _page_table(pages), _baseline_table(baselines))
    return {"milliseconds": {**figures, "baselines": baselines}, "pages": pages}


def _questions(database: Database) -> dict[str, tuple[str, Mapping[str, object]]]:
    [buyer] = database.query(paths.customers(ORG), order_by=FIRST_PAGE, limit=1)
    last_name = str(buyer.fields["lastName"])
    return {
        "customers": ("customers", {}),
        "customers, of a segment": ("customers", {"segment": "churned"}),
        "customers, by last order": ("customers", {"sort": "-lastOrderDate"}),
        "customers, searched by name": ("customers", {"q": last_name}),
        "one customer": (f"customers/{buyer.id}", {}),
        "a customer's orders": (f"customers/{buyer.id}/orders", {}),
        "orders": ("orders", {}),
        "segments": ("segments", {}),
    }


def _route(
    database: Database, path: str, query: Mapping[str, object], calls: int
) -> dict[str, dict[str, float]]:
    clock = SteppingClock()
    dashboard = DashboardClient(database, ORG, clock)

    def uncached() -> None:
        clock.advance(3600)
        dashboard.get(path, **query)

    return {
        "uncached": latency(uncached, calls),
        "cached": latency(lambda: dashboard.get(path, **query), calls),
    }


def _pages(database: Database) -> list[str]:
    [buyer] = database.query(paths.customers(ORG), order_by=FIRST_PAGE, limit=1)
    return [*PAGES, f"customers/{buyer.id}"]


def _page(database: Database, path: str, calls: int) -> dict[str, Any]:
    """Milliseconds of a page of the console, and its kilobytes as they travel."""
    clock = SteppingClock()
    dashboard = DashboardClient(database, ORG, clock)

    def uncached() -> None:
        clock.advance(3600)
        dashboard.page(path)

    return {
        "uncached": latency(uncached, calls),
        "cached": latency(lambda: dashboard.page(path), calls),
        "kilobytes": round(len(gzip.compress(dashboard.page(path).encode())) / 1000, 1),
    }


def _all_in_memory(database: Database) -> list[Any]:
    everybody = list(database.query(paths.customers(ORG)))
    everybody.sort(key=lambda each: each.fields.get("totalSpent", 0), reverse=True)
    return everybody[:50]


def _table(figures: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Any:
    rows = [
        (
            f"GET {name}",
            *(milliseconds(each["uncached"][share]) for share in ("p50", "p95")),
            ALLOWED.get(name, ("", ""))[0],
            *(milliseconds(each["cached"][share]) for share in ("p50", "p95")),
            ALLOWED.get(name, ("", ""))[1],
        )
        for name, each in figures.items()
    ]
    columns = ("uncached p50", "p95", "allowed", "kept p50", "p95", "allowed")
    return table("Answers, 50 to a page", columns, rows)


def _page_table(pages: Mapping[str, Mapping[str, Any]]) -> Any:
    uncached, kept, size = PAGE_ALLOWED
    rows = [
        (
            f"/orgs/…/{name.partition('/')[0]}{'/…' if '/' in name else ''}",
            *(milliseconds(each["uncached"][share]) for share in ("p50", "p95")),
            uncached,
            *(milliseconds(each["cached"][share]) for share in ("p50", "p95")),
            kept,
            f"{each['kilobytes']} KB",
            size,
        )
        for name, each in pages.items()
    ]
    columns = (
        *("uncached p50", "p95", "allowed", "kept p50", "p95", "allowed"),
        *("compressed", "allowed"),
    )
    return table("Pages", columns, rows)


def _baseline_table(baselines: Mapping[str, Mapping[str, float]]) -> Any:
    rows = [
        (name, milliseconds(each["p50"]), milliseconds(each["p95"]))
        for name, each in baselines.items()
    ]
    return table("Against", ("p50", "p95"), rows)
