"""The org as large as the recorded one: its first sync, one of nothing new, one of one order."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

from google.cloud import firestore
from rich.console import Console

from shared.bootstrap.pos import PosSettings
from shared.store import customers, paths
from shared.store.database import Database
from shared.store.writes import Put
from tests.bench import baselines
from tests.bench.baselines import Naive
from tests.bench.cloud import Cloud, Document, Sync
from tests.bench.plain_pos import PlainPos
from tests.bench.registry import Figures
from tests.bench.tables import number, seconds, table

TITLE = "The large org: 2,527 customers, 2,689 orders, 374 products; 240 ms per call to the POS"

LATENCY_MS = 240
ACCOUNT = "org_large"
ROUNDS = 3
AT_ONCE = int(PosSettings.model_fields["pos_concurrency"].default)
FOLLOWS_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Round:
    """One org's three syncs and what they are held against."""

    first: Sync
    spending_seconds: float
    """From the end of the first sync until every customer has spending and segment."""
    pos_seconds: float
    """The first sync's calls alone, as many at once as allowed."""
    writes_per_second: float
    unchanged: Sync
    changed: Sync
    changed_writes: int
    """Those of the sync and of the spending that follows."""
    follows_seconds: float
    """From asking for the sync of the changed order until its customer's figures are right."""
    naive: Naive
    load: float

    @property
    def write_seconds(self) -> float:
        """What the first sync wrote, at the emulator's own rate."""
        return float(self.first.run["cost"]["writes"]) / self.writes_per_second

    @property
    def times_the_floor(self) -> float:
        """The first sync over the longer of its calls and its writes alone."""
        return self.first.seconds / max(self.pos_seconds, self.write_seconds)


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench."""
    with Cloud("org_sync", "spending", latency_ms=LATENCY_MS) as cloud:
        rounds = [_round(cloud, number) for number in range(1 if quick else ROUNDS)]
    console.print(_first_table(rounds), _later_table(rounds))
    return {"rounds": [_figures(each) for each in rounds]}


def _round(cloud: Cloud, number: int) -> Round:
    org_id = f"org_round_{number}"
    location = cloud.connect(ACCOUNT, org_id)
    cloud.pos.reset_calls()
    first = cloud.sync(org_id, "first")
    ended = datetime.now(UTC)
    calls = cloud.pos.calls(ACCOUNT)
    load = os.getloadavg()[0]
    stored = list(_stored(cloud.client, org_id))
    cloud.wait(
        "spending is computed",
        lambda: bool(cloud.document(paths.rfm_scale(org_id))),
        FOLLOWS_SECONDS,
    )
    spending_seconds = (cloud.quiet("spending") - ended).total_seconds()
    pos = PlainPos(location)
    with cloud.project(f"demo-floor-{number}") as other:
        rate = baselines.write_rate(Database(other), stored)
    pos_seconds = baselines.calls_at_once(pos, calls, AT_ONCE)
    unchanged = cloud.sync(org_id, "unchanged")
    changed, changed_writes, follows_seconds = _change_an_order(cloud, org_id, number)
    with cloud.project("demo-naive") as other:
        naive = baselines.naive_sync(pos, other, org_id)
    return Round(
        first=first,
        spending_seconds=spending_seconds,
        pos_seconds=pos_seconds,
        writes_per_second=rate,
        unchanged=unchanged,
        changed=changed,
        changed_writes=changed_writes,
        follows_seconds=follows_seconds,
        naive=naive,
        load=load,
    )


def _stored(client: firestore.Client, org_id: str) -> Iterator[Put]:
    """What a first sync has written of records."""
    for collection, fields in (
        (paths.customers(org_id), customers.CUSTOMER.owned),
        (paths.orders(org_id), None),
        (paths.products(org_id), None),
        (paths.menu_items(org_id), None),
    ):
        found = client.collection(collection)
        for document in (found.select(list(fields)) if fields else found).stream():
            yield Put(f"{collection}/{document.id}", document.to_dict() or {})


def _change_an_order(cloud: Cloud, org_id: str, number: int) -> tuple[Sync, int, float]:
    """The sync, the writes it and the spending after it made, and how long both took."""
    orders = cloud.pos.data(ACCOUNT)["orders"]
    bought = [o for o in orders if o.get("status") == "completed" and o["id_customer"]]
    order = sorted(bought, key=lambda o: str(o["date_created"]))[-1 - number]
    customer = f"{paths.customers(org_id)}/{order['id_customer']}"
    spent = cloud.document(customer)["totalSpent"]
    started = datetime.now(UTC)
    fields = {"total": order["total"] + 100, "date_updated": started.isoformat()}
    cloud.pos.change(ACCOUNT, "orders", order["id_order"], **fields)
    changed = cloud.sync(org_id, "changed")
    cloud.wait(
        "the customer's spending follows",
        lambda: bool(cloud.document(customer)["totalSpent"] != spent),
        FOLLOWS_SECONDS,
    )
    follows_seconds = (datetime.now(UTC) - started).total_seconds()
    by_spending = _written_since(cloud.client, org_id, started)
    return changed, changed.run["cost"]["writes"] + by_spending, follows_seconds


def _written_since(client: firestore.Client, org_id: str, moment: datetime) -> int:
    """Documents that spending has written: it writes each once."""
    written = [client.document(paths.rfm_scale(org_id)).get()]
    for collection in (paths.customers(org_id), paths.customer_spending(org_id)):
        written += client.collection(collection).select([]).stream()
    return sum(bool(d.update_time and d.update_time > moment) for d in written)


def _first_table(rounds: Sequence[Round]) -> Any:
    calls, writes = rounds[0].first.calls, rounds[0].first.run["cost"]["writes"]
    naive = rounds[0].naive
    columns = ("measured", "naive sync", "floor", "allowed")
    middle = _median(rounds, "first", "seconds"), _median(rounds, "naive", "seconds")
    rows = [
        ("on emulators just started", seconds(rounds[0].first.seconds), "", "", "15 s"),
        (f"median of {len(rounds)}", seconds(middle[0]), seconds(middle[1]), "", "15 s"),
        (
            f"calls to the POS ({AT_ONCE} at once)",
            number(calls),
            number(naive.calls),
            seconds(median(r.pos_seconds for r in rounds)),
            "",
        ),
        (
            f"writes ({median(r.writes_per_second for r in rounds):,.0f} a second)",
            number(writes),
            number(naive.writes),
            seconds(median(r.write_seconds for r in rounds)),
            "",
        ),
        (
            "times the greater floor, median",
            f"{median(r.times_the_floor for r in rounds):.2f}",
            "",
            "1.00",
            "1.50",
        ),
        ("processor time of org_sync", seconds(_median(rounds, "first", "cpu_seconds")), *_NONE),
        (
            "until all spending is computed",
            f"+ {seconds(median(r.spending_seconds for r in rounds))}",
            *_NONE,
        ),
    ]
    return table("First sync", columns, rows)


_NONE = ("", "", "")


def _later_table(rounds: Sequence[Round]) -> Any:
    naive = seconds(_median(rounds, "naive", "seconds"))
    calls, rewritten = number(rounds[0].naive.calls), number(rounds[0].naive.writes)
    unchanged = [each.unchanged for each in rounds]
    cost: list[Document] = [each.run["cost"] for each in unchanged]
    rows = [
        ("unchanged", seconds(_median(rounds, "unchanged", "seconds")), naive, "3 s"),
        ("  records written", str(max(u.records_written for u in unchanged)), rewritten, "0"),
        ("  all writes", str(max(c["writes"] for c in cost)), rewritten, "6"),
        ("  reads", str(max(c["reads"] for c in cost)), "0", "25"),
        ("  calls to the POS", number(max(u.calls for u in unchanged)), calls, ""),
        ("  processor time", seconds(_median(rounds, "unchanged", "cpu_seconds")), "", ""),
        ("one changed order", seconds(_median(rounds, "changed", "seconds")), naive, ""),
        (
            "  all writes, spending included",
            str(max(each.changed_writes for each in rounds)),
            rewritten,
            "13",
        ),
        (
            "  until the customer's figures follow",
            seconds(median(each.follows_seconds for each in rounds)),
            "",
            "",
        ),
    ]
    return table("Afterwards", ("measured", "naive sync", "allowed"), rows)


def _median(rounds: Sequence[Round], what: str, figure: str) -> float:
    return float(median(getattr(getattr(each, what), figure) for each in rounds))


def _figures(each: Round) -> Document:
    return {
        "load": round(each.load, 1),
        "first": _sync(each.first),
        "spendingSeconds": round(each.spending_seconds, 2),
        "posSecondsAtOnce": round(each.pos_seconds, 2),
        "writesPerSecond": round(each.writes_per_second),
        "writeSecondsAtThatRate": round(each.write_seconds, 2),
        "timesTheGreaterFloor": round(each.times_the_floor, 2),
        "unchanged": _sync(each.unchanged),
        "changed": _sync(each.changed),
        "changedWritesWithSpending": each.changed_writes,
        "changedFollowsSeconds": round(each.follows_seconds, 2),
        "naive": {
            "seconds": round(each.naive.seconds, 2),
            "calls": each.naive.calls,
            "writes": each.naive.writes,
        },
    }


def _sync(sync: Sync) -> Document:
    return {
        "seconds": round(sync.seconds, 2),
        "cpuSeconds": round(sync.cpu_seconds, 2),
        "calls": sync.calls,
        "recordsWritten": sync.records_written,
        **sync.run["cost"],
    }
