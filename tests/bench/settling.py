"""An org of 25,000 customers: from its first sync until the last of them has figures."""

from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from shared.store import paths
from tests.bench.cloud import Cloud, NotDone
from tests.bench.processes import PeakMemory, cpu_seconds
from tests.bench.registry import Figures
from tests.bench.tables import mib, number, seconds, table

TITLE = "An org of 25,000 customers and 70,000 orders until all its figures are right"

ACCOUNT, ORG = "org_bench_settling", "org_settling"
CUSTOMERS, ORDERS = 25_000, 70_000
QUICK_CUSTOMERS, QUICK_ORDERS = 12_000, 20_000
WITHIN = 1200.0
ALLOWED = 2.0


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench."""
    customers, orders = (QUICK_CUSTOMERS, QUICK_ORDERS) if quick else (CUSTOMERS, ORDERS)
    with Cloud("org_sync", "spending", "order_recompute") as cloud:
        sizes = {"customers": customers, "orders": orders, "products": 50, "rows": 55}
        cloud.pos.control("POST", "orgs", {"id": ACCOUNT, "seed": 1, **sizes})
        cloud.connect(ACCOUNT, ORG)
        sync = cloud.sync(ORG, "first", within=WITHIN)
        ended = datetime.now(UTC)
        pid = cloud.stack.pids["spending"]
        with PeakMemory(pid) as memory:
            cloud.wait("every customer has figures", lambda: _settled(cloud), WITHIN, look=0.5)
            settled = cloud.quiet("spending", within=WITHIN)
        cpu = cpu_seconds(pid)
        without = _without_figures(cloud)
    if without:
        raise NotDone(f"{without} customers have no figures")
    after = (settled - ended).total_seconds()
    figures: dict[str, Any] = {
        "customers": customers,
        "orders": orders,
        "syncSeconds": round(sync.seconds, 1),
        "spendingSeconds": round(after, 1),
        "timesTheSync": round((sync.seconds + after) / sync.seconds, 2),
        "spendingCpuSeconds": round(cpu, 1),
        "spendingPeakMib": memory.mib,
    }
    rows = [
        ("first sync", seconds(sync.seconds), ""),
        ("until the last customer's figures", f"+ {seconds(after)}", ""),
        ("both, times the sync", f"{figures['timesTheSync']:.2f}", f"{ALLOWED:.2f}"),
        ("peak memory of spending", mib(memory.mib), ""),
    ]
    title = f"{number(customers)} customers, {number(orders)} orders"
    console.print(table(title, ("measured", "", "allowed"), rows))
    return figures


def _settled(cloud: Cloud) -> bool:
    """Whether nothing more is asked for, and the quantiles are those of the figures."""
    asked = cloud.client.collection(paths.spending_requests(ORG)).limit(1).get()
    return not asked and bool(cloud.document(paths.rfm_scale(ORG)))


def _without_figures(cloud: Cloud) -> int:
    found = cloud.client.collection(paths.customers(ORG)).select(["orderCount"]).stream()
    return sum("orderCount" not in (document.to_dict() or {}) for document in found)
