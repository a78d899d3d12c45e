"""How a run begins: the org's lease, and the session that works under it."""

import time
import uuid
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Protocol

from shared.bus.messages import STREAMS, ComputeSpending, PosSync
from shared.clock import Clock
from shared.domain.runs import SHORT_RUNS
from shared.services.deadline import Deadline
from shared.services.spending.compute import requests
from shared.services.sync import ending
from shared.services.sync.session import Session, Sink
from shared.store import lease as leases
from shared.store import manifest, paths, progress, runs
from shared.store.database import Database, Put
from shared.store.lease import HeldByOtherRun, HeldLease
from shared.store.manifest import STORED
from shared.store.runs import Run

MANY_CUSTOMERS = 200
"""From here on, and from a quarter of an org's customers on, three scans beat look-ups."""
LOOK_AGAIN_SECONDS = 0.25


class SpendingRequests(Protocol):
    """Where requests to compute spending go: a Publisher."""

    def publish(self, messages: Iterable[ComputeSpending]) -> int: ...


def acquire(
    database: Database, message: PosSync, run: Run, *, clock: Clock, ttl: timedelta
) -> HeldLease | HeldByOtherRun:
    """Take the org's lease for the message's run, or tell which other run has it. Raises Busy
    while another worker has it for the same run."""
    org_id = message.org_id

    def first_writes(abandoned: str | None) -> list[Put]:
        closed = ending.close_abandoned(database, org_id, abandoned, clock()) if abandoned else []
        return [*closed, runs.put(org_id, message.run_id, run)]

    return leases.acquire(
        database,
        paths.lease(org_id),
        run_id=message.run_id,
        holder=uuid.uuid4().hex,
        ttl=ttl,
        first_writes=first_writes,
    )


def acquire_after_short_runs(
    take: Callable[[], HeldLease | HeldByOtherRun],
    seconds: float,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> HeldLease | HeldByOtherRun:
    """What ``take`` gives, once no run of a few seconds is in the way. After so many seconds one
    may still be."""
    end = monotonic() + seconds
    while True:
        held = take()
        in_the_way = isinstance(held, HeldByOtherRun) and held.run_id.startswith(SHORT_RUNS)
        if not in_the_way or monotonic() >= end:
            return held
        sleep(LOOK_AGAIN_SECONDS)


def open_session(
    database: Database,
    message: PosSync,
    sink: Sink,
    run: Run,
    *,
    spending: SpendingRequests,
    clock: Clock,
    deadline: Deadline,
) -> Session:
    """The session of one invocation, with all that is known of the org's records. What it writes
    goes to ``sink``."""
    kept = progress.read(database, message.org_id)
    shards = {stream: kept.shards.get(stream, 1) for stream in STREAMS}
    session = Session(
        org_id=message.org_id,
        run_id=message.run_id,
        database=database,
        sink=sink,
        run=run,
        progress=kept,
        manifests=manifest.load(database, message.org_id, shards),
        ask_spending=partial(_ask_spending, spending, message),
        clock=clock,
        deadline=deadline,
    )
    if message.full and not run.reset:
        session.distrust_what_is_stored(message.streams or STREAMS)
    return session


def _ask_spending(
    spending: SpendingRequests,
    message: PosSync,
    session: Session,
    customer_ids: set[str],
    *,
    ended: bool,
) -> None:
    """Ask for the customers' spending; for everybody's where that is the cheaper way, but only
    once, when the run has ``ended``: it reads all orders of the org."""
    ask = ComputeSpending(org_id=message.org_id, run_id=message.run_id)
    known = session.manifest("customers").count(STORED)
    if len(customer_ids) >= max(MANY_CUSTOMERS, known // 4):
        session.progress.everybody_owed = True
    if not session.progress.everybody_owed:
        spending.publish(requests(ask, sorted(customer_ids)))
    elif ended:
        spending.publish([ask])
        session.progress.everybody_owed = False
