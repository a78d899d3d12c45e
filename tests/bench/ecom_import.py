"""An export of the web shop with 1,000,000 rows: read and imported, beside a program that reads all
of it into memory and then writes one order after the other.

The Firestore is the strict one, with its documents in memory: Google's emulator would need more
than the machine has.
"""

import csv
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console

from deploy.local.clients import firestore_client
from deploy.local.paths import ROOT, STATE
from tests.bench.cloud import Cloud, NotDone
from tests.bench.processes import PeakMemory
from tests.bench.registry import Figures
from tests.bench.tables import mib, number, seconds, table
from tests.ecom_export import ExportedLine, ExportedOrder, export
from tests.strict_firestore import process

TITLE = "An eCom export of 1,000,000 rows"

ORG = "org_bench_ecom"
ORDERS, QUICK_ORDERS = 500_000, 2_500
"""Of two lines each."""
CUSTOMERS = 1_000
NAIVE_ORDERS = 5_000
"""So many of the orders the naive program writes; it would take hours for all of them."""
ALLOWED_MIB = 100
WITHIN = 4 * 3600.0
_AT_ONCE = 1_000


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench."""
    orders = QUICK_ORDERS if quick else ORDERS
    logs = STATE / "bench-logs"
    logs.mkdir(parents=True, exist_ok=True)
    file = logs / "ecom_orders_export.csv"
    _write(file, orders)
    try:
        with (
            process.running(None, logs / "refused.log") as strict,
            Cloud("dead_letter", firestore=strict.host) as cloud,
        ):
            project = cloud.stack.project
            env = {
                "FIRESTORE_EMULATOR_HOST": strict.host,
                "PUBSUB_EMULATOR_HOST": cloud.stack.pubsub,
            }
            _add_customers(cloud)
            sam = ("-m", "deploy.sam", "import-ecom", ORG, str(file))
            command = (*sam, "--project", project)
            loaded = _measured(env, "-c", "import deploy.sam.app")
            dry = _measured(env, *command, "--dry-run")
            first = _measured(env, *command)
            again = _measured(env, *command)
            naive = _measured(env, "-m", "tests.bench.ecom_import", str(file), project)
    finally:
        file.unlink()
    rows = [
        ("import", *_cells(first, orders)),
        ("the same again", *_cells(again, orders)),
        ("dry run", *_cells(dry, orders)),
        ("naive", *_cells(naive, min(orders, NAIVE_ORDERS))),
    ]
    columns = ("seconds", "orders", "orders a second", "peak memory")
    console.print(table(f"{2 * orders:,} rows, {orders:,} orders", columns, rows))
    console.print(
        f"Of the memory {mib(loaded['peakMib'])} are the program itself, with Google's libraries;"
        f" allowed for an export: {ALLOWED_MIB} MiB."
    )
    return {
        "orders": orders,
        "loadedMib": loaded["peakMib"],
        "dryRun": dry,
        "first": first,
        "again": again,
        "naive": naive,
    }


def _write(file: Path, orders: int) -> None:
    lines = (ExportedLine(), ExportedLine("Gummies", 2, 12_50))
    with file.open("w", encoding="utf-8-sig", newline="") as text:
        for start in range(0, orders, _AT_ONCE):
            part = export(
                ExportedOrder(
                    n + 1,
                    email=f"p{n % (2 * CUSTOMERS)}@example.com",
                    phone="518-555-0123",
                    lines=lines,
                )
                for n in range(start, min(start + _AT_ONCE, orders))
            )
            text.write(part if start == 0 else part.partition("\r\n")[2])


def _add_customers(cloud: Cloud) -> None:
    """Half of the buyers are known."""
    cloud.client.document(f"tenants/{ORG}").set({"name": "Bench"})
    for n in range(CUSTOMERS):
        found = {"id": f"c{n}", "email": f"p{n}@example.com"}
        cloud.client.document(f"tenants/{ORG}/customers/c{n}").set(found)


def _measured(env: dict[str, str], *arguments: str) -> dict[str, Any]:
    """A program's seconds and memory."""
    started = time.monotonic()
    running = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with PeakMemory(running.pid) as memory:
        status = running.wait(WITHIN)
    if status:
        raise NotDone(f"{' '.join(arguments[:2])} ended with {status}")
    return {"seconds": round(time.monotonic() - started, 1), "peakMib": memory.mib}


def _cells(figures: dict[str, Any], orders: int) -> Iterator[str]:
    yield seconds(figures["seconds"])
    yield number(orders)
    yield number(orders / figures["seconds"])
    yield mib(figures["peakMib"])


def naive(file: Path, project: str) -> None:
    """Read everything, then write one order after the other."""
    text = file.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))
    orders: dict[str, dict[str, Any]] = {}
    for row in rows:
        found = orders.setdefault(row["order_number"], {**row, "items": []})
        found["items"].append({"name": row["name"], "price": row["price"]})
    with closing(firestore_client(os.environ["FIRESTORE_EMULATOR_HOST"], project)) as client:
        for order_number in list(orders)[:NAIVE_ORDERS]:
            client.document(f"tenants/naive/orders/{order_number}").set(orders[order_number])


if __name__ == "__main__":
    naive(Path(sys.argv[1]), sys.argv[2])
