"""An org of 100,000 orders: memory while it is synced, and a sync made of short invocations."""

from typing import Any

from rich.console import Console

from tests.bench.cloud import Cloud, Sync
from tests.bench.processes import PeakMemory
from tests.bench.registry import Figures
from tests.bench.tables import mib, number, seconds, table

TITLE = "One org with 100,000 orders"

ACCOUNT = "org_bench_many"
ORDERS, CUSTOMERS = 100_000, 500
QUICK_ORDERS = 10_000
SHORT_SECONDS = 20
WITHIN = 1200.0


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench."""
    orders = QUICK_ORDERS if quick else ORDERS
    whole = _measure(orders, {})
    short = _measure(orders, {"SYNC_SECONDS": str(SHORT_SECONDS)})
    rows = [
        _row("one invocation, as long as it takes", whole),
        _row(f"invocations of {SHORT_SECONDS} s", short),
    ]
    columns = ("seconds", "invocations", "orders stored", "calls", "peak memory", "allowed")
    console.print(table(f"{orders:,} orders of {CUSTOMERS} customers", columns, rows))
    return {"whole": whole, f"invocationsOf{SHORT_SECONDS}s": short}


def _measure(orders: int, env: dict[str, str]) -> dict[str, Any]:
    with Cloud("org_sync", env=env) as cloud:
        sizes = {"customers": CUSTOMERS, "orders": orders, "products": 50, "rows": 55}
        cloud.pos.control("POST", "orgs", {"id": ACCOUNT, "seed": 1, **sizes})
        cloud.connect(ACCOUNT, "org_many")
        with PeakMemory(cloud.stack.pids["org_sync"]) as memory:
            sync: Sync = cloud.sync("org_many", "first", within=WITHIN)
        status = cloud.document("tenants/org_many/integrations/pos")
    listed = sync.run["streams"]["orders"]
    return {
        "seconds": round(sync.seconds, 1),
        "invocations": sync.run["invocations"],
        "created": listed["created"],
        "stored": status["ordersCount"],
        "skipped": status["ordersSkipped"],
        "calls": sync.calls,
        "memoryBeforeMib": memory.before_mib,
        "peakMib": memory.mib,
    }


def _row(name: str, figures: dict[str, Any]) -> tuple[str, ...]:
    stored = f"{number(figures['stored'])} + {number(figures['skipped'])} skipped"
    return (
        name,
        seconds(figures["seconds"]),
        str(figures["invocations"]),
        stored,
        number(figures["calls"]),
        mib(figures["peakMib"]),
        "512 MiB",
    )
