"""1,000 small orgs through one tick: how many a second, and how long of that the POS took."""

import time
from itertools import pairwise
from typing import Any

from google.cloud.firestore_v1.base_query import FieldFilter
from rich.console import Console

from tests.bench.cloud import ENDED, Cloud
from tests.bench.processes import cpu_seconds
from tests.bench.registry import Figures
from tests.bench.tables import number, seconds, table

TITLE = "Many small orgs through one tick; 240 ms per call to the POS"

LATENCY_MS = 240
ORGS, QUICK_ORGS = 1_000, 50
WITHIN = 1800.0


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench. Two ticks: everything is new at the first, nothing at the second."""
    orgs = QUICK_ORGS if quick else ORGS
    with Cloud("cron_fanout", "org_sync", "spending", latency_ms=LATENCY_MS) as cloud:
        cloud.pos("POST", "orgs", {"generated": orgs})
        known = [f"org_{n:05}" for n in range(1, orgs + 1)]
        for location in cloud.locations():
            if location["orgId"] in known:
                cloud.client.document(f"locations/{location['orgId']}").set(location)
        first = _tick(cloud, known, expected=1)
        second = _tick(cloud, known, expected=2)
    rows = [_row("first tick, all is new", first), _row("second tick, nothing is", second)]
    columns = ("seconds", "orgs a second", "waiting for the POS", "processor time an org", "runs")
    console.print(table(f"{orgs:,} orgs, one org_sync process", columns, rows))
    return {"orgs": orgs, "first": first, "second": second}


def _tick(cloud: Cloud, orgs: list[str], *, expected: int) -> dict[str, Any]:
    pid = cloud.stack.pids["org_sync"]
    started, cpu = time.monotonic(), cpu_seconds(pid)
    cloud.stack.publish("cron-tick", {"job": "pos-sync"})
    cloud.wait(
        f"all orgs have run {expected} times",
        lambda: _ended(cloud) >= expected * len(orgs),
        WITHIN,
        look=2.0,
    )
    took, used = time.monotonic() - started, cpu_seconds(pid) - cpu
    runs = [d.to_dict() or {} for d in cloud.client.collection_group("sync_runs").stream()]
    newest = sorted(runs, key=lambda each: str(each["startedAt"]))[-len(orgs) :]
    spans = sum((each["endedAt"] - each["startedAt"]).total_seconds() for each in newest)
    calls = sum(s["requests"] for each in newest for s in each["streams"].values())
    return {
        "seconds": round(took, 1),
        "orgsPerSecond": round(len(orgs) / took, 2),
        "posShare": round(min(1.0, calls * LATENCY_MS / 1000 / spans), 2),
        "cpuSecondsPerOrg": round(used / len(orgs), 3),
        "calls": calls,
        "runs": len(runs),
        "succeeded": sum(each["state"] == "succeeded" for each in newest),
        "twiceAtOnce": _overlaps(runs),
    }


def _ended(cloud: Cloud) -> int:
    runs = cloud.client.collection_group("sync_runs").select([])
    return len(list(runs.where(filter=FieldFilter("state", "in", list(ENDED))).stream()))


def _overlaps(runs: list[dict[str, Any]]) -> int:
    """How often two runs of one org were under way at once."""
    by_org: dict[str, list[dict[str, Any]]] = {}
    for each in sorted(runs, key=lambda run: str(run["startedAt"])):
        by_org.setdefault(each["orgId"], []).append(each)
    return sum(
        later["startedAt"] < earlier["endedAt"]
        for mine in by_org.values()
        for earlier, later in pairwise(mine)
    )


def _row(name: str, figures: dict[str, Any]) -> tuple[str, ...]:
    return (
        name,
        seconds(figures["seconds"]),
        f"{figures['orgsPerSecond']:.1f}",
        f"{figures['posShare']:.0%}",
        seconds(figures["cpuSecondsPerOrg"]),
        f"{number(figures['succeeded'])} succeeded, {figures['twiceAtOnce']} at once",
    )
