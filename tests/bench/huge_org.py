"""An org of 1,000,000 orders and 250,000 customers, synced and its spending computed to the end.

Its Firestore is the strict one, with its documents in memory: Google's emulator would need more
than the machine has. Even so it needs several GiB and the better part of an hour.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

from google.cloud.firestore import Client
from rich.console import Console

from deploy.local.paths import STATE
from deploy.local.simulator.truth import Figures as Spent
from deploy.local.simulator.truth import Truth
from shared.store import paths
from shared.store.database import Database
from tests.bench.cloud import Cloud, NotDone, Sync
from tests.bench.processes import PeakMemory, cpu_seconds
from tests.bench.registry import Figures
from tests.bench.tables import mib, number, seconds, table
from tests.strict_firestore import process

TITLE = "One org with 1,000,000 orders of 250,000 customers"

ACCOUNT, ORG = "org_bench_huge", "org_huge"
SIZES = {"customers": 250_000, "orders": 1_000_000, "products": 1_500, "rows": 1_600}
QUICK_SIZES = {"customers": 2_500, "orders": 10_000, "products": 150, "rows": 160}
FUNCTIONS = ("org_sync", "spending")
WITHIN = 6 * 3600.0
ASIDE = ("customers", "orders", "customer_spending", "skipped_orders", "quarantine")


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench."""
    sizes = QUICK_SIZES if quick else SIZES
    logs = STATE / "bench-logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (
        process.running(None, logs / "refused.log") as strict,
        Cloud(*FUNCTIONS, firestore=strict.host) as cloud,
    ):
        cloud.pos.control("POST", "orgs", {"id": ACCOUNT, "seed": 1, **sizes})
        cloud.connect(ACCOUNT, ORG)
        first = _measured(cloud, "first")
        unchanged = _measured(cloud, "unchanged")
        stored = {name: _count(cloud.client, name) for name in ASIDE}
        refused = [str(each) for each in strict.refusals()]
        wrong = list(_wrong(cloud))
    rows = [_row("first sync", first), _row("unchanged sync", unchanged)]
    columns = (
        *("sync", "invocations", "spending after it", "calls", "writes"),
        *("peak org_sync", "peak spending", "allowed"),
    )
    title = f"{sizes['orders']:,} orders of {sizes['customers']:,} customers"
    console.print(table(title, columns, rows))
    console.print(f"stored: {stored}; refused by Firestore: {len(refused)}; wrong: {len(wrong)}")
    return {
        "sizes": sizes,
        "first": first,
        "unchanged": unchanged,
        "stored": stored,
        "refused": refused[:20],
        "wrong": wrong[:20],
    }


def _measured(cloud: Cloud, run_id: str) -> dict[str, Any]:
    """One run, and the spending that it asks for, to the last request."""
    pids = cloud.stack.pids
    before = {name: cpu_seconds(pids[name]) for name in FUNCTIONS}
    with ExitStack() as watching:
        peaks = {name: watching.enter_context(PeakMemory(pids[name])) for name in FUNCTIONS}
        sync: Sync = cloud.sync(ORG, run_id, within=WITHIN)
        ended = time.monotonic()
        cloud.wait("spending is computed", lambda: _is_computed(cloud), WITHIN, look=1.0)
        spending_seconds = time.monotonic() - ended
    for name in FUNCTIONS:
        if cloud.stack.pids[name] != pids[name]:
            raise NotDone(f"{name} died on the way")
    return {
        "seconds": round(sync.seconds, 1),
        "spendingSeconds": round(spending_seconds, 1),
        "invocations": sync.run["invocations"],
        "streams": sync.run["streams"],
        "cost": sync.run["cost"],
        "calls": sync.calls,
        "cpuSeconds": {n: round(cpu_seconds(pids[n]) - before[n], 1) for n in FUNCTIONS},
        "peakMib": {name: each.mib for name, each in peaks.items()},
        "memoryBeforeMib": {name: each.before_mib for name, each in peaks.items()},
    }


def _is_computed(cloud: Cloud) -> bool:
    outstanding = _count(cloud.client, "spending_requests")
    return outstanding == 0 and bool(cloud.document(paths.rfm_scale(ORG)))


def _count(client: Client, collection: str) -> int:
    return Database(client).totals(f"{paths.tenant(ORG)}/{collection}").count


def _wrong(cloud: Cloud) -> Iterator[str]:
    """Customers whose stored figures are not those of the POS's own data."""
    truth: Mapping[int, Spent] = Truth(cloud.pos.data(ACCOUNT), "America/New_York").figures
    fields = ["totalSpent", "orderCount"]
    found = cloud.client.collection(paths.customers(ORG)).select(fields).stream()
    kept = {each.id: each.to_dict() or {} for each in found}
    for customer, figures in truth.items():
        stored = kept.pop(str(customer), {})
        wanted = (figures.spent, len(figures.moments))
        if (Decimal(str(stored.get("totalSpent", "NaN"))), stored.get("orderCount")) != wanted:
            yield f"customers/{customer}: {stored}, not {wanted}"
    yield from (f"customers/{each} is nobody's" for each in kept)


def _row(name: str, figures: dict[str, Any]) -> tuple[str, ...]:
    peaks = figures["peakMib"]
    return (
        name,
        seconds(figures["seconds"]),
        str(figures["invocations"]),
        seconds(figures["spendingSeconds"]),
        number(figures["calls"]),
        number(figures["cost"]["writes"]),
        mib(peaks["org_sync"]),
        mib(peaks["spending"]),
        "512 MiB",
    )
