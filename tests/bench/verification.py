"""Verifications: of the org as large as the recorded one beside its calls alone and a naive one,
and of one of 100,000 orders for its memory."""

import json
import subprocess
import sys
import time
from typing import Any

from rich.console import Console

from deploy.local.paths import ROOT
from deploy.manifest import Manifest
from shared.store import paths
from tests.bench import baselines
from tests.bench.cloud import Cloud
from tests.bench.large_org import ACCOUNT, AT_ONCE, LATENCY_MS
from tests.bench.plain_pos import PlainPos
from tests.bench.registry import Figures
from tests.bench.tables import mib, number, seconds, table

TITLE = "Verifying: 2,527 customers, 2,689 orders at 240 ms per call; 100,000 orders"

MANY_ORDERS, QUICK_ORDERS = 100_000, 10_000
WITHIN = 1200.0
COLLECTIONS = (paths.customers, paths.orders, paths.products, paths.menu_items)


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench."""
    with Cloud("org_sync", "spending", latency_ms=LATENCY_MS) as cloud:
        org_id = "org_verified"
        location = cloud.connect(ACCOUNT, org_id)
        _sync(cloud, org_id)
        cloud.pos.reset_calls()
        verified = _verify(cloud, org_id)
        calls = cloud.pos.calls(ACCOUNT)
        alone = baselines.calls_at_once(PlainPos(location), calls, AT_ONCE)
        naive = _naive(cloud, PlainPos(location), org_id)
    rows = [
        (
            f"verified, of that {verified['cpuSeconds']} s of a processor",
            *(seconds(verified["seconds"]), number(verified["reads"])),
        ),
        (f"its {sum(calls.values())} calls alone, {AT_ONCE} at once", seconds(alone), ""),
        ("both sides read one after the other, nothing compared", seconds(naive), ""),
    ]
    console.print(table("The large org", ("seconds", "documents read"), rows))
    many = _many(QUICK_ORDERS if quick else MANY_ORDERS)
    allowed = f"{Manifest.read().functions['verify'].memory_mb} MiB"
    row = (seconds(many["seconds"]), number(many["orders"]), mib(many["peakMib"]), allowed)
    columns = ("seconds", "orders", "peak memory", "allowed")
    console.print(table("An org of many orders", columns, [("verified", *row)]))
    return {
        "large": {
            **verified,
            "callsAloneSeconds": round(alone, 2),
            "naiveSeconds": round(naive, 2),
        },
        "many": many,
    }


def _sync(cloud: Cloud, org_id: str) -> None:
    cloud.sync(org_id, "first", within=WITHIN)
    scale = paths.rfm_scale(org_id)
    cloud.wait("spending is computed", lambda: bool(cloud.document(scale)), WITHIN)
    cloud.quiet("spending", within=WITHIN)


def _verify(cloud: Cloud, org_id: str) -> dict[str, Any]:
    command = (sys.executable, "-m", "tests.bench.verifying")
    place = (cloud.stack.firestore, cloud.stack.project, org_id)
    done = subprocess.run(
        (*command, *place), cwd=ROOT, check=True, capture_output=True, text=True, timeout=WITHIN
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _naive(cloud: Cloud, pos: PlainPos, org_id: str) -> float:
    """Seconds for reading both sides, one call and one collection after the other."""
    started = time.monotonic()
    baselines.fetch_all(pos)
    for path in (*(named(org_id) for named in COLLECTIONS), paths.customer_spending(org_id)):
        for document in cloud.client.collection(path).stream():
            document.to_dict()
    return time.monotonic() - started


def _many(orders: int) -> dict[str, Any]:
    account = "org_bench_verified"
    with Cloud("org_sync", "spending") as cloud:
        sizes = {"customers": 500, "orders": orders, "products": 50, "rows": 55}
        cloud.pos.control("POST", "orgs", {"id": account, "seed": 1, **sizes})
        cloud.connect(account, account)
        _sync(cloud, account)
        return _verify(cloud, account)
