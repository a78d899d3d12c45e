"""Every form that one version hands to another: how it is written, and what it says when read.

``write`` makes a message or documents of fixed content, ``read`` says what is in such. Both call
the product's own code. Add an entry here for a new form, then ``python -m
tests.unit.compatibility.keep``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from pydantic_core import to_jsonable_python

from shared.bus.messages import (
    AgeSegments,
    ComputeSpending,
    CronTick,
    Loyalty,
    Message,
    PosSync,
    ReportMetrics,
    VerifyOrg,
)
from shared.domain.catalogue import PricedProduct
from shared.domain.changes import HASH_BYTES
from shared.domain.customer_metrics import PurchaseHistory, Taken
from shared.domain.customer_ranges import CustomerRange
from shared.domain.inventory import BatchDetail, BatchStock
from shared.domain.loyalty import ProviderAnswer, ProviderStatus
from shared.domain.loyalty_work import LoyaltyEntry, LoyaltyWork, Review
from shared.domain.metrics_csv import ReportedCustomer
from shared.domain.runs import RunState, StreamCounts
from shared.domain.spending import Spending
from shared.store import (
    inventory,
    lease,
    loyalty_runs,
    manifest,
    metrics,
    packed_map,
    paths,
    runs,
    spending_requests,
    status,
)
from shared.store.database import Write
from shared.store.loyalty_runs import LoyaltyProgress, LoyaltyRun
from shared.store.manifest import Manifest
from shared.store.metrics import MetricsProgress, MetricsReport, ReportUnderWay
from shared.store.packed_map import Facts, PackedMap
from shared.store.runs import Hold, Position, ProviderWork, Run, RunError
from shared.store.spending_requests import SpendingRequest
from shared.store.status import RecordCounts, SyncProgress
from tests.unit.store.test_packed_map import Kept

ORG, RUN = "org_harbor", "cron-1"
AT = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
FINGERPRINT = bytes(range(HASH_BYTES))

Documents = Mapping[str, Mapping[str, Any]]
"""Fields by path."""


class Memory(Kept):
    """A Firestore of a few documents that takes commits, without their preconditions."""

    def commit(self, writes: Iterable[Write]) -> datetime:
        self.apply(list(writes))
        return AT


@dataclass(frozen=True, slots=True)
class Format:
    """A form: a message as its JSON object, or Documents."""

    write: Callable[[], Any]
    read: Callable[[Any], Any]


def plain(value: object) -> Any:
    """What was read, as JSON has it."""
    return to_jsonable_python(value, by_alias=True, bytes_mode="hex")


def _message(message: Message) -> Format:
    kind = type(message)
    return Format(message.to_json, lambda sent: plain(kind.parse(sent)))


def _documents(write: Callable[[Memory], object], read: Callable[[Memory], object]) -> Format:
    def written() -> Documents:
        memory = Memory()
        write(memory)
        return memory.documents

    def found(documents: Documents) -> Any:
        memory = Memory()
        memory.documents = {path: dict(fields) for path, fields in documents.items()}
        return plain(read(memory))

    return Format(written, found)


def _manifest(memory: Memory) -> None:
    marks = Manifest(ORG, "orders", {})
    for order_id in ("1", "2", "3", "4"):
        marks.put(order_id, FINGERPRINT)
    marks.listed("2", AT)
    marks.skip("3", FINGERPRINT)
    marks.skip("8", FINGERPRINT)
    marks.wait_for("8", "77", AT)
    marks.remove("4")
    marks.announce("5")
    marks.quarantine("6", FINGERPRINT, now=AT)
    marks.announce_quarantine("7")
    marks.miss("1", held=False)
    marks.miss("2", held=True)
    memory.keep(marks)


def _read_manifest(memory: Memory) -> object:
    marks = manifest.load(memory, ORG, "alleaves", {"orders": 1})["orders"]
    return {
        "marks": dict(marks.items()),
        "created": dict(marks.created()),
        "has": marks.has("1", FINGERPRINT),
        "skipped": marks.skipped("3"),
        "waiting": dict(marks.waiting()),
        "quarantined": [marks.quarantined("6"), marks.quarantined("7")],
        "missing": [marks.missing(held=False), marks.missing(held=True)],
    }


def _large_map(memory: Memory) -> None:
    """Several shards of a second generation, and a log that is newer than they are."""
    facts = PackedMap[Facts](ORG, "prices", {})
    facts.shard_bytes = 20
    for number in range(6):
        facts.set_entry(str(number), ["a", number, None])
    memory.keep(facts)
    facts.set_entry("1", ["b", 1, None])
    facts.drop_entry("2")
    with patch.object(packed_map, "REWRITTEN_AT_ONCE", 0):
        memory.keep(facts)


def _lease(memory: Memory) -> None:
    marks = Manifest(ORG, "orders", {"1": manifest.STORED + FINGERPRINT})
    marks.unsettle("1")
    held = lease.acquire(
        memory,
        paths.lease(ORG),
        run_id=RUN,
        holder="worker",
        ttl=timedelta(seconds=60),
        first_writes=lambda abandoned: [],
        monotonic=lambda: 0.0,
    )
    assert isinstance(held, lease.HeldLease)
    held.commit([], manifest.unsettled({"orders": marks}))


def _read_lease(memory: Memory) -> object:
    path = paths.lease(ORG)
    marks = {"orders": Manifest(ORG, "orders", {"1": manifest.STORED + FINGERPRINT})}
    manifest.distrust(marks, memory.get(path).fields["unsettled"])
    return {"lease": lease.look(memory, [path])[path], "distrusted": dict(marks["orders"].items())}


REQUEST = SpendingRequest(
    id="ask",
    org_id=ORG,
    run_id=RUN,
    customers=2,
    customer_ids=("1", "2"),
    since=AT,
    asked_at=AT,
)
PART = REQUEST.model_copy(
    update={
        "id": "part",
        "customer_ids": None,
        "step": "groups",
        "range": CustomerRange("1", "5", ("3",)),
        "part_of": "ask",
        "fillers": ("555",),
    }
)


def _requests(memory: Memory) -> None:
    memory.apply([spending_requests.put(REQUEST), spending_requests.put(PART)])


def _read_requests(memory: Memory) -> object:
    return [spending_requests.read(memory, ORG, each.id) for each in (REQUEST, PART)]


HOLD = Hold(reason="20 of 60 are missing", count=20, id="5f2a", record_ids=["1", "2"], proven=False)
UNDER_WAY = Run(
    state=RunState.RUNNING,
    trigger="cron",
    started_at=AT,
    invocations=2,
    tries=1,
    streams={"orders": StreamCounts(fetched=3, created=1, skipped=2, skipped_reasons={"x": 2})},
    done=["customers"],
    reset=True,
    customers_at=Position(account=1, page=4),
    provider="alleaves",
    errors=[
        RunError(
            code="provider_busy",
            owner="provider",
            message="429",
            stream="products",
            provider="alleaves",
        )
    ],
    warnings=["a warning"],
    holds={"products": HOLD},
)
PROGRESS = SyncProgress(
    shards={"orders": 2},
    customers_complete_at=AT,
    metadata_at=AT,
    last_success_at=AT,
    counts=RecordCounts(customers=5, orders=9, menu_products=2, orders_skipped=1, quarantined=3),
    error=RunError(code="sync_paused", owner="org", message="Paused.", provider="alleaves"),
    credential_failures=2,
    next_try_at=AT,
    holds={"products": HOLD},
    incidents=["sync_paused"],
    pending_recompute=["1"],
    pending_notifications=["lightspeed_s1"],
    recompute_all=True,
)
LOYALTY_RUN = LoyaltyRun(state=RunState.RUNNING, started_at=AT, everybody=True, marked=True)
LOYALTY_PROGRESS = LoyaltyProgress(marked_at=AT, account="1700", rules="r", last_run_id=RUN)


def _runs(memory: Memory) -> None:
    memory.apply(
        [
            runs.put(ORG, RUN, UNDER_WAY),
            status.put_progress(ORG, "alleaves", PROGRESS),
            loyalty_runs.put(ORG, RUN, LOYALTY_RUN),
            loyalty_runs.put_progress(ORG, LOYALTY_PROGRESS),
        ]
    )


def _read_runs(memory: Memory) -> object:
    return {
        "run": runs.read(memory, ORG, RUN),
        "progress": status.read_progress(memory, ORG, "alleaves"),
        "loyaltyRun": loyalty_runs.read(memory, ORG, RUN),
        "loyaltyProgress": loyalty_runs.read_progress(memory, ORG),
    }


MIXED = Run(
    state=RunState.RUNNING,
    trigger="cron",
    started_at=AT,
    provider="lightspeed",
    streams={"orders": StreamCounts(fetched=4)},
    customers_at=Position(page=700),
    earlier={
        "alleaves": ProviderWork(
            streams={"orders": StreamCounts(fetched=3)},
            done=["orders"],
            holds={"products": HOLD},
        )
    },
)


def _mixed(memory: Memory) -> None:
    """What an org has of another provider than Alleaves, and a run of both."""
    marks = Manifest(ORG, "lightspeed_orders", {})
    marks.put("lightspeed_b1", FINGERPRINT)
    batches = inventory.BatchStore(ORG, "lightspeed_batches", {})
    batches.put([replace(BATCH, batch_id="b1")])
    prices = inventory.PriceList(ORG, "lightspeed_prices", {})
    prices.put(PRICED)
    for each in (marks, batches, prices):
        memory.keep(each)
    memory.apply(
        [
            runs.put(ORG, "mixed", MIXED),
            status.put_progress(ORG, "lightspeed", SyncProgress(metadata_at=AT)),
        ]
    )


def _read_mixed(memory: Memory) -> object:
    marks = manifest.load(memory, ORG, "lightspeed", {"orders": 1})["orders"]
    return {
        "run": runs.read(memory, ORG, "mixed"),
        "progress": status.read_progress(memory, ORG, "lightspeed"),
        "marks": dict(marks.items()),
        "batches": inventory.load_batches(memory, ORG, "lightspeed").all(),
        "prices": dict(inventory.load_prices(memory, ORG, "lightspeed").items()),
    }


BATCH = BatchStock(
    batch_id="b1",
    location_id="1000",
    item_id="77",
    quantity=Decimal("12.50"),
    cost_cents=410,
    vendor="Fern Farms",
    expires_on="2026-09-01",
    received_on=None,
    package_tag="1A4",
    detail=BatchDetail("2026-09-02", "1A4", "2026-01-01", None, None),
    looked_up_at=AT,
)
PRICED = PricedProduct("77", "Flower", None, "Fern", 3500, 410, AT, FINGERPRINT, on_menu=False)
LOYAL = LoyaltyEntry(
    work=LoyaltyWork.CALCULATE,
    looked_up=739_000,
    answer=ProviderAnswer(ProviderStatus.FOUND, 475, "u1"),
    spent_cents=12_345,
    orders=3,
    equity=True,
    ledger=b"ledger",
    review=Review.REPORTED,
)


def _maps(memory: Memory) -> None:
    batches = inventory.BatchStore(ORG, "batches", {})
    batches.put([BATCH])
    prices = inventory.PriceList(ORG, "prices", {})
    prices.put(PRICED)
    state = loyalty_runs.load_state(memory, ORG)
    state.put("1", LOYAL)
    for each in (batches, prices, state):
        memory.keep(each)


def _read_maps(memory: Memory) -> object:
    return {
        "batches": inventory.load_batches(memory, ORG, "alleaves").all(),
        "prices": dict(inventory.load_prices(memory, ORG, "alleaves").items()),
        "loyalty": loyalty_runs.load_state(memory, ORG).get("1"),
    }


BOUGHT = Spending(120_50, 2, AT - timedelta(days=100), AT)
REPORTED = ReportedCustomer(
    id="1",
    name="Ada Lovelace",
    email="ada@example.com",
    phone="518-555-0123",
    history=PurchaseHistory(Spending(), BOUGHT, (Taken(AT, 70_00), Taken(AT, -5_00))),
    duplicate_ids=("2",),
)
BUSY = replace(REPORTED, id="2", duplicate_ids=(), duplicate_of="1")
REPORT_PROGRESS = MetricsProgress(
    as_of=AT,
    since=AT,
    parts=1,
    under_way=ReportUnderWay(as_of=AT + timedelta(days=7), since=AT, parts=1, after="1"),
)


def _metrics(memory: Memory) -> None:
    part = metrics.encoded_part(metrics.StatePart([REPORTED, BUSY], frozenset({"2"})), "1\r\n2\r\n")
    report = MetricsReport(
        date=metrics.date_of(AT), as_of=AT, customers=2, parts=1, completed_at=AT
    )
    memory.apply(
        [
            *metrics.put_part(ORG, AT, 0, part, AT),
            metrics.put_report(ORG, report),
            metrics.StoredProgress(MetricsProgress(), None).put(ORG, REPORT_PROGRESS),
        ]
    )


def _read_metrics(memory: Memory) -> object:
    report = metrics.read_report(memory, ORG, metrics.date_of(AT))
    assert report is not None
    return {
        "progress": metrics.read_progress(memory, ORG).progress,
        "report": report,
        "csv": (metrics.read_csv(memory, ORG, report, 0) or b"").decode(),
        "state": metrics.read_state(memory, ORG, AT, 0),
    }


FORMATS = {
    "message-cron-tick": _message(CronTick(job="pos-sync", org_id=ORG, spread_seconds=1500)),
    "message-pos-sync": _message(
        PosSync(
            org_id=ORG,
            run_id=RUN,
            trigger="webhook",
            full=True,
            allow_deletions=True,
            approved_removals=("5f2a",),
            dry_run=True,
            streams=("customers", "orders", "products", "discounts", "metadata"),
            requested_by="ada",
            as_stored=True,
            if_active=True,
            provider="lightspeed",
        )
    ),
    "message-pos-sync-of-records": _message(
        PosSync(
            org_id=ORG,
            run_id=RUN,
            trigger="continuation",
            customer_ids=("1",),
            order_ids=("2",),
            product_ids=("3",),
            provider="lightspeed",
        )
    ),
    "message-spending": _message(
        ComputeSpending(
            org_id=ORG, request_id="ask", part_of="whole", run_id=RUN, customer_ids=("1", "2")
        )
    ),
    "message-segments": _message(AgeSegments(org_id=ORG)),
    "message-verify": _message(VerifyOrg(org_id=ORG, night=AT.date())),
    "message-metrics": _message(ReportMetrics(org_id=ORG, as_of=AT)),
    "message-loyalty": _message(Loyalty(org_id=ORG, run_id=RUN, customer_ids=("1",), full=True)),
    "manifest": _documents(_manifest, _read_manifest),
    "packed-map": _documents(
        _large_map, lambda memory: dict(packed_map.load(memory, ORG, "prices").items())
    ),
    "packed-maps-of-records": _documents(_maps, _read_maps),
    "lease": _documents(_lease, _read_lease),
    "spending-requests": _documents(_requests, _read_requests),
    "metrics": _documents(_metrics, _read_metrics),
    "runs": _documents(_runs, _read_runs),
    "mixed": _documents(_mixed, _read_mixed),
}
