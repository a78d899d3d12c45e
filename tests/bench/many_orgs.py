"""Many small orgs through one tick: how many a second, and how long of that the POS took."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from rich.console import Console

from shared.store import paths
from tests.bench.cloud import Cloud
from tests.bench.processes import cpu_seconds
from tests.bench.registry import Figures
from tests.bench.tables import number, seconds, table

TITLE = "Many small orgs through one tick; 240 ms per call to the POS"

LATENCY_MS = 240
ORGS, QUICK_ORGS = 1_000, 50
INSTANCES = 8
"""For so many the one ``org_sync`` process stands: of the hundred that the manifest allows, those
for which two cores suffice."""
WITHIN_PER_ORG = 1.0
AT_ONCE = 100
NEVER = datetime.min.replace(tzinfo=UTC)


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench."""
    return ticks(console, QUICK_ORGS if quick else ORGS)


def ticks(console: Console, orgs: int) -> Figures:
    """Two ticks of so many orgs: everything is new at the first, nothing at the second."""
    functions = ("cron_fanout", "org_sync", "spending")
    with Cloud(*functions, latency_ms=LATENCY_MS, instances=INSTANCES) as cloud:
        cloud.pos.control("POST", "orgs", {"generated": orgs})
        known = [f"org_{n:05}" for n in range(1, orgs + 1)]
        for location in cloud.locations():
            if location["orgId"] in known:
                cloud.client.document(f"locations/{location['orgId']}").set(location)
        first = _tick(cloud, known, expected=1)
        second = _tick(cloud, known, expected=2)
    rows = [_row("first tick, all is new", first), _row("second tick, nothing is", second)]
    columns = ("seconds", "orgs a second", "waiting for the POS", "processor time an org", "runs")
    title = f"{orgs:,} orgs, one org_sync process for {INSTANCES} instances"
    console.print(table(title, columns, rows))
    return {"orgs": orgs, "instances": INSTANCES, "first": first, "second": second}


def _tick(cloud: Cloud, orgs: list[str], *, expected: int) -> dict[str, Any]:
    pid = cloud.stack.pids["org_sync"]
    cloud.pos.reset_calls()
    begun = datetime.now(UTC)
    cpu = cpu_seconds(pid)
    cloud.stack.publish("cron-tick", {"job": "pos-sync"})
    waiting, within = list(orgs), 60 + len(orgs) * WITHIN_PER_ORG

    def all_ended() -> bool:
        waiting[:] = _not_ended(cloud, waiting, begun)
        return not waiting

    cloud.wait(f"all orgs have run {expected} times", all_ended, within, look=1.0)
    used = cpu_seconds(pid) - cpu
    runs = [d.to_dict() or {} for d in cloud.client.collection_group("sync_runs").stream()]
    newest = sorted(runs, key=lambda each: str(each["startedAt"]))[-len(orgs) :]
    took = (max(each["endedAt"] for each in newest) - begun).total_seconds()
    spans = sum((each["endedAt"] - each["startedAt"]).total_seconds() for each in newest)
    requests = cloud.pos.control("GET", "requests")
    busy = sum(each["busySeconds"] for each in requests["orgs"].values())
    costs = [each["cost"] for each in newest]
    return {
        "seconds": round(took, 1),
        "orgsPerSecond": round(len(orgs) / took, 2),
        "secondsPerRun": round(spans / len(newest), 2),
        "posShare": round(busy / spans, 2),
        "cpuSecondsPerOrg": round(used / len(orgs), 3),
        "calls": requests["total"],
        "readsPerOrg": round(sum(cost["reads"] for cost in costs) / len(newest), 1),
        "writesPerOrg": round(sum(cost["writes"] for cost in costs) / len(newest), 1),
        "runs": len(runs),
        "succeeded": sum(each["state"] == "succeeded" for each in newest),
        "twiceAtOnce": _overlaps(runs),
    }


def _not_ended(cloud: Cloud, orgs: list[str], begun: datetime) -> list[str]:
    """Those of the orgs whose status has no run since; only some are asked for at once."""
    asked, rest = orgs[:AT_ONCE], orgs[AT_ONCE:]
    references = [cloud.client.document(paths.pos_status(org)) for org in asked]
    found = {d.reference.path: d.to_dict() or {} for d in cloud.client.get_all(references)}
    late = [
        org for org in asked if (found[paths.pos_status(org)].get("lastSyncAt") or NEVER) < begun
    ]
    return [*late, *rest]


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
