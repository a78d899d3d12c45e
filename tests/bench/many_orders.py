"""An org of 100,000 orders: memory while it is synced, alone and four of them at once in one
process, and a sync made of short invocations."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rich.console import Console

from deploy.manifest import Manifest
from tests.bench.cloud import Cloud, Sync
from tests.bench.processes import PeakMemory
from tests.bench.registry import Figures
from tests.bench.tables import mib, number, seconds, table

TITLE = "Orgs with 100,000 orders"

ACCOUNT = "org_bench_many"
ORDERS, CUSTOMERS = 100_000, 500
QUICK_ORDERS = 10_000
SHORT_SECONDS = 20
WITHIN = 1200.0
FUNCTION = Manifest.read().functions["org_sync"]


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench."""
    orders = QUICK_ORDERS if quick else ORDERS
    whole = _measure(orders, {})
    short = _measure(orders, {"SYNC_SECONDS": str(SHORT_SECONDS)})
    at_once = _measure(orders, {}, orgs=FUNCTION.concurrency)
    rows = [
        _row("one invocation, as long as it takes", whole),
        _row(f"invocations of {SHORT_SECONDS} s", short),
        _row(f"{FUNCTION.concurrency} orgs at once in one process", at_once),
    ]
    columns = ("seconds", "invocations", "orders stored", "calls", "peak memory", "allowed")
    console.print(table(f"{orders:,} orders of {CUSTOMERS} customers", columns, rows))
    return {"whole": whole, f"invocationsOf{SHORT_SECONDS}s": short, "atOnce": at_once}


def _measure(orders: int, env: dict[str, str], *, orgs: int = 1) -> dict[str, Any]:
    """The first sync of so many orgs at once; where they differ the figures of the slowest."""
    with Cloud("org_sync", env=env) as cloud, ThreadPoolExecutor(orgs) as pool:
        sizes = {"customers": CUSTOMERS, "orders": orders, "products": 50, "rows": 55}
        cloud.pos.control("POST", "orgs", {"id": ACCOUNT, "seed": 1, **sizes})
        names = [f"org_many_{number}" for number in range(orgs)]
        for name in names:
            cloud.connect(ACCOUNT, name)
        with PeakMemory(cloud.stack.pids["org_sync"]) as memory:
            asked = [pool.submit(cloud.sync, name, "first", within=WITHIN * orgs) for name in names]
            syncs: list[Sync] = [each.result() for each in asked]
        status = cloud.document(f"tenants/{names[-1]}/integrations/pos")
    slowest = max(syncs, key=lambda sync: sync.seconds)
    listed = slowest.run["streams"]["orders"]
    return {
        "seconds": round(slowest.seconds, 1),
        "invocations": slowest.run["invocations"],
        "created": listed["created"],
        "stored": status["ordersCount"],
        "skipped": status["ordersSkipped"],
        "calls": slowest.calls,
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
        f"{FUNCTION.memory_mb} MiB",
    )
