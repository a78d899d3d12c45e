"""A retailer as large as the recorded one: its first sync and one of nothing new beside a naive
sync; then syncs, imports of its web shop's export and late sales in three orders, after each of
which every figure of every customer is held against pandas."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from deploy.local.paths import ROOT, STATE
from deploy.local.simulator.lightspeed.spec import RetailerSpec, large_retailer
from shared.errors import NotFound
from shared.services.reads.metrics import MetricsReads
from shared.store import metrics, paths
from shared.store.database import Database
from tests import retailer_figures
from tests.bench.baselines import Naive
from tests.bench.cloud import Cloud, Document, NotDone, Sync
from tests.bench.plain_lightspeed import naive_sync
from tests.bench.registry import Figures
from tests.bench.tables import number, seconds, table
from tests.simulated_lightspeed import SimulatedLightspeed
from tests.stored import StoredDocuments
from tests.stored_figures import FiguresCheck

TITLE = (
    "A retailer: 5,000 customers, 20,000 sales, 2,419 eCom orders; 240 ms per call to Lightspeed"
)

LATENCY_MS = 240
LARGE = large_retailer(seed=1)
QUICK = LARGE.model_copy(
    update={"customers": 300, "sales": 900, "ecom_orders": 150, "late": 50, "products": 40}
)
ROUNDS = 3
EVENTS = {
    "sync, import": ("sync", "import", "arrive", "sync"),
    "import, sync": ("import", "sync", "arrive", "sync", "import"),
    "by turns, twice": ("import", "import", "sync", "import", "arrive", "import", "sync"),
}
WITHIN = 900.0
FOLLOWS_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Round:
    """A retailer's syncs."""

    first: Sync
    spending_seconds: float
    """From the end of the first sync until every customer has spending and segment."""
    unchanged: Sync
    changed: Sync


@dataclass(frozen=True, slots=True)
class Proof:
    """What an order of events took; every figure was right in the end."""

    import_seconds: float
    """Of the first import."""
    report_seconds: float
    """Until the weekly metrics are there."""
    pandas_seconds: float
    customers: int
    imported: int
    superseded: int


class Retailer:
    """An org whose only location is a retailer of the spec."""

    def __init__(self, cloud: Cloud, spec: RetailerSpec) -> None:
        assert cloud.stack.lightspeed
        self._cloud = cloud
        self._spec = spec
        self.id = spec.id
        self.pos = SimulatedLightspeed(cloud.stack.lightspeed)
        self.pos.open(spec)
        self.location = self.pos.location(spec.id)
        cloud.client.document(f"{paths.LOCATIONS}/{spec.id}").set(self.location)

    def sync(self, run_id: str) -> Sync:
        return self._cloud.sync(self.id, run_id, within=WITHIN)

    def spending_done(self) -> datetime:
        """Wait until every customer's spending is computed; when it was."""
        cloud = self._cloud
        scale = paths.rfm_scale(self.id)
        cloud.wait("spending is computed", lambda: bool(cloud.document(scale)), FOLLOWS_SECONDS)
        return cloud.quiet("spending")

    def buy(self) -> None:
        """Somebody buys what was bought last."""
        sold = self.pos.newest_sale(self.id)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        times = dict.fromkeys(("created_at", "updated_at", "sale_date"), now)
        self.pos.add(self.id, "sales", {**sold, "id": f"{sold['id'][:-6]}0a1b2c", **times})

    def import_(self, file: Path) -> float:
        """Import the web shop's export by the operator's program; the seconds."""
        self.pos.export(self.id, file)
        stack = self._cloud.stack
        env = {
            "FIRESTORE_EMULATOR_HOST": stack.firestore,
            "PUBSUB_EMULATOR_HOST": stack.pubsub,
        }
        started = time.monotonic()
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "deploy.sam", "import-ecom", self.id, str(file)),
                *("--project", stack.project),
            ],
            cwd=ROOT,
            env={**os.environ, **env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=WITHIN,
            check=False,
        )
        if ended.returncode:
            raise NotDone(f"the import ended with {ended.returncode}: {ended.stderr[-500:]}")
        return time.monotonic() - started

    def report(self) -> tuple[bytes, datetime]:
        """The weekly metrics as of now: the report's file, and its moment."""
        reads = MetricsReads(Database(self._cloud.client))
        as_of = datetime.now(UTC).replace(microsecond=0)
        date = metrics.date_of(as_of)
        asked = {"orgId": self.id, "asOf": as_of.isoformat()}
        self._cloud.stack.publish("metrics", asked)

        def there() -> bool:
            try:
                return reads.get(self.id, date).as_of >= as_of
            except NotFound:
                return False

        self._cloud.wait("the weekly metrics are there", there, FOLLOWS_SECONDS)
        return b"".join(reads.csv(self.id, date)), as_of


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench."""
    spec, rounds = (QUICK, 1) if quick else (LARGE, ROUNDS)
    measured = []
    with _cloud() as cloud:
        for turn in range(rounds):
            org = _opened(cloud, spec, f"org-round-{turn}")
            measured.append(_round(cloud, org))
        with cloud.project("demo-naive") as other:
            naive, reads = naive_sync(org.location, other, org.id)
    console.print(_sync_table(measured, naive, reads))
    proofs = {}
    for name, events in EVENTS.items():
        # A cloud for each: the emulator needs some GiB for so many documents.
        with _cloud() as cloud:
            proofs[name] = _prove(cloud, _opened(cloud, spec, "org-proof"), events)
    console.print(_proof_table(proofs))
    return {
        "rounds": [_figures(each) for each in measured],
        "naive": {
            "seconds": round(naive.seconds, 2),
            "calls": naive.calls,
            "reads": reads,
            "writes": naive.writes,
        },
        "proofs": {name: _proof_figures(each) for name, each in proofs.items()},
    }


def _cloud() -> Cloud:
    return Cloud("org_sync", "spending", "metrics", latency_ms=LATENCY_MS)


def _opened(cloud: Cloud, spec: RetailerSpec, name: str) -> Retailer:
    return Retailer(cloud, spec.model_copy(update={"id": name}))


def _round(cloud: Cloud, org: Retailer) -> Round:
    first = org.sync("first")
    ended = datetime.now(UTC)
    spending_seconds = (org.spending_done() - ended) / timedelta(seconds=1)
    unchanged = org.sync("unchanged")
    org.buy()
    changed = org.sync("changed")
    cloud.quiet("spending")
    return Round(first, spending_seconds, unchanged, changed)


def _prove(cloud: Cloud, org: Retailer, events: Sequence[str]) -> Proof:
    """Have the events happen, and compare. Raises NotDone where a figure is another."""
    file = STATE / "bench-logs" / f"{org.id}.csv"
    imports: list[float] = []
    for turn, event in enumerate(events):
        match event:
            case "sync":
                org.sync(f"sync-{turn}")
            case "import":
                imports.append(org.import_(file))
            case _:
                org.pos.let_arrive(org.id, *org.pos.late_orders(org.id)[::2])
    org.pos.export(org.id, file)
    org.spending_done()
    started = time.monotonic()
    report, as_of = org.report()
    reported = time.monotonic()
    exported = retailer_figures.read_export(file)
    file.unlink()
    check = FiguresCheck(StoredDocuments(cloud.client), org.id, LARGE.timezone)
    data = org.pos.data(org.id)
    calculating = time.monotonic()
    expected = check.expected(data, exported, as_of)
    pandas_seconds = time.monotonic() - calculating
    if wrong := check.differences(expected, report):
        raise NotDone(f"after {', '.join(events)}:\n" + "\n".join(wrong))
    status = cloud.document(f"tenants/{org.id}/integrations/pos")["ecom"]
    return Proof(
        import_seconds=imports[0],
        report_seconds=reported - started,
        pandas_seconds=pandas_seconds,
        customers=len(expected),
        imported=status["imported"],
        superseded=status["superseded"],
    )


def _sync_table(rounds: Sequence[Round], naive: Naive, reads: int) -> Any:
    rows = []
    for name in ("first", "unchanged", "changed"):
        syncs: list[Sync] = [getattr(each, name) for each in rounds]
        took = [each.seconds for each in syncs]
        cost = [each.run["cost"] for each in syncs]
        cells = (
            seconds(median(took)),
            number(max(each.calls for each in syncs)),
            number(max(each["reads"] for each in cost)),
            number(max(each["writes"] for each in cost)),
            seconds(median(each.cpu_seconds for each in syncs)),
        )
        rows.append((name, *cells))
    spent = seconds(median(each.spending_seconds for each in rounds))
    rows += [
        (
            "naive, each time",
            *(seconds(naive.seconds), number(naive.calls), number(reads), number(naive.writes), ""),
        ),
        ("until all spending is computed", f"+ {spent}", "", "", "", ""),
    ]
    columns = ("seconds", "calls", "reads", "writes", "processor time")
    return table(f"Syncs (median of {len(rounds)})", columns, rows)


def _proof_table(proofs: dict[str, Proof]) -> Any:
    rows = [
        (
            name,
            *(number(each.customers), number(each.imported), number(each.superseded)),
            *(seconds(each.import_seconds), seconds(each.report_seconds)),
            seconds(each.pandas_seconds),
        )
        for name, each in proofs.items()
    ]
    columns = (
        *("customers as pandas has them", "imported", "superseded"),
        *("first import", "weekly metrics", "pandas"),
    )
    return table("Syncs and imports in any order", columns, rows)


def _figures(each: Round) -> Document:
    return {
        "first": _sync(each.first),
        "spendingSeconds": round(each.spending_seconds, 2),
        "unchanged": _sync(each.unchanged),
        "changed": _sync(each.changed),
    }


def _sync(sync: Sync) -> Document:
    return {
        "seconds": round(sync.seconds, 2),
        "cpuSeconds": round(sync.cpu_seconds, 2),
        "calls": sync.calls,
        "recordsWritten": sync.records_written,
        **sync.run["cost"],
    }


def _proof_figures(proof: Proof) -> Document:
    return {
        "importSeconds": round(proof.import_seconds, 2),
        "reportSeconds": round(proof.report_seconds, 2),
        "pandasSeconds": round(proof.pandas_seconds, 2),
        "customers": proof.customers,
        "imported": proof.imported,
        "superseded": proof.superseded,
    }
