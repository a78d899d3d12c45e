"""The life of a run: at most one of a kind works on an org at a time, and a crash loses nothing.

``open_run`` takes the org's lease and writes the run's document in one commit. The invocation then
works through an ActiveRun and leaves it in one of three ways:

    end         the last documents are written and the lease is freed
    hand_over   a continuation does the rest; until it comes only the same run may take the lease
    a crash     the lease expires; the next delivery of the message goes on with the run, and any
                other run that takes the lease first ends the dead one as abandoned. After an error
                the lease is free for the next delivery, in the commit that tells the cause

Every commit is fenced by the lease (store/lease.py): a worker that lost it writes nothing more.
"""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Generic, Self, TypeVar

from google.api_core.exceptions import GoogleAPICallError, RetryError

from shared import tracing
from shared.clock import Clock
from shared.domain.runs import SHORT_RUNS
from shared.errors import SyncSamError
from shared.services.runs.failure import (
    LoyaltyRunAbandoned,
    RunAbandoned,
    fail,
    failed_delivery,
    run_error,
)
from shared.store import lease as leases
from shared.store import locations, loyalty_runs, paths, runs
from shared.store.database import Database, Put, Remove, Write
from shared.store.lease import HeldByOtherRun, HeldLease
from shared.store.loyalty_runs import LoyaltyRun
from shared.store.runs import Cost, Run, StoredRun

LOOK_AGAIN_SECONDS = 0.25

R = TypeVar("R", bound=StoredRun)


@dataclass(frozen=True, slots=True)
class RunKind(Generic[R]):
    """Where runs of a kind and their org's lease are stored; ``abandoned`` is the error of one
    whose worker died. ``failed_delivery`` are the writes after an invocation that ends by an
    error (failure.py)."""

    lease_path: Callable[[str], str]
    read: Callable[[Database, str, str], R | None]
    put: Callable[[str, str, R], Put]
    abandoned: type[SyncSamError]
    failed_delivery: Callable[
        [Database, str, str, R, BaseException | None, datetime], Sequence[Write]
    ]


SYNC: RunKind[Run] = RunKind(paths.lease, runs.read, runs.put, RunAbandoned, failed_delivery)
LOYALTY: RunKind[LoyaltyRun] = RunKind(
    paths.loyalty_lease,
    loyalty_runs.read,
    loyalty_runs.put,
    LoyaltyRunAbandoned,
    # Its error is kept from one invocation to the next.
    lambda database, org_id, run_id, run, error, now: (),
)


class ActiveRun(Generic[R]):
    """One invocation's work on a run: a context manager that keeps the lease alive meanwhile and
    lets another delivery go on at once after a failure. Its writes raise LeaseLost once the lease
    has expired or was taken over."""

    def __init__(
        self,
        kind: RunKind[R],
        org_id: str,
        run_id: str,
        run: R,
        *,
        database: Database,
        lease: HeldLease,
        recorded: bool,
        clock: Clock,
    ) -> None:
        self.org_id = org_id
        self.run_id = run_id
        self.run = run
        self.database = database
        self._kind = kind
        self._lease = lease
        self._recorded = recorded
        self._clock = clock
        self._cost_before = run.cost
        self._span = tracing.span("run", org_id=org_id, run_id=run_id)

    def __enter__(self) -> Self:
        self._span.__enter__()
        threading.Thread(target=self._lease.keep_alive, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._lease.stop(hand_over=error is not None, last=self._of_failure(error))
            tracing.note(state=self.run.state.value, invocations=self.run.invocations)
        finally:
            self._span.__exit__(kind, error, trace)

    @property
    def unsettled(self) -> bytes:
        """What the worker before has left unsettled (store/lease.py)."""
        return self._lease.unsettled

    def commit(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None:
        """Write all or nothing. ``unsettled`` as in HeldLease.commit."""
        self._lease.commit(writes, unsettled)

    def checkpoint(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None:
        """Write, with the run's document as it is now: a crash repeats nothing before this."""
        self._lease.commit(self._with_document(writes), unsettled)

    def hand_over(
        self,
        writes: Sequence[Write],
        unsettled: bytes | None = None,
        *,
        wait: timedelta = timedelta(0),
    ) -> None:
        """Write, and leave the rest of the run to a continuation that comes after ``wait``."""
        self.run.tries = 0
        self._lease.hand_over(self._with_document(writes), unsettled, wait=wait)

    def end(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None:
        """Write the last documents and free the org."""
        self.run.tries = 0
        self._lease.release(self._with_document(writes), unsettled)

    def _of_failure(self, error: BaseException | None) -> Sequence[Write]:
        if error is None or not self._recorded:
            return ()
        run, now = self.run, self._clock()
        with suppress(GoogleAPICallError, RetryError):  # the lease is to be freed all the same
            return self._kind.failed_delivery(
                self.database, self.org_id, self.run_id, run, error, now
            )
        return ()

    def _with_document(self, writes: Sequence[Write]) -> Sequence[Write]:
        """The cost that the document states includes this commit, its lease and itself."""
        if not self._recorded:
            return writes
        meter, before = self.database.meter, self._cost_before
        removals = sum(isinstance(write, Remove) for write in writes)
        self.run.cost = Cost(
            reads=before.reads + meter.reads,
            writes=before.writes + meter.writes + len(writes) - removals + 2,
            deletes=before.deletes + meter.deletes + removals,
        )
        return [*writes, self._kind.put(self.org_id, self.run_id, self.run)]


def open_run(
    kind: RunKind[R],
    database: Database,
    org_id: str,
    run_id: str,
    found: R,
    *,
    clock: Clock,
    lease_ttl: timedelta,
    recorded: bool = True,
    patience_seconds: float = 0.0,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> ActiveRun[R] | HeldByOtherRun:
    """Take the org's lease and go on with the run as ``found``, or return which other run has it.

    A run of a few seconds that has the lease is waited for, ``patience_seconds`` at most. A run
    that is not ``recorded`` has no document. Raises Busy while another worker is at the same run,
    and InvalidMessage for an unknown org: an org is looked up before its first run only.
    """
    run = found.begun(clock())

    def first_writes(abandoned: str | None) -> list[Put]:
        closed = _close_abandoned(kind, database, org_id, abandoned, clock()) if abandoned else []
        return [*closed, *([kind.put(org_id, run_id, run)] if recorded else [])]

    until = monotonic() + patience_seconds
    while True:
        held = leases.acquire(
            database,
            kind.lease_path(org_id),
            run_id=run_id,
            holder=uuid.uuid4().hex,
            ttl=lease_ttl,
            first_writes=first_writes,
            before_first=lambda: locations.require_known(database, org_id),
        )
        if isinstance(held, HeldLease):
            return ActiveRun(
                kind,
                org_id,
                run_id,
                run,
                database=database,
                lease=held,
                recorded=recorded,
                clock=clock,
            )
        if not held.run_id.startswith(SHORT_RUNS) or monotonic() >= until:
            return held
        sleep(LOOK_AGAIN_SECONDS)


def _close_abandoned(
    kind: RunKind[R], database: Database, org_id: str, run_id: str, now: datetime
) -> list[Put]:
    """The write that ends a run whose worker died, if it has not ended."""
    run = kind.read(database, org_id, run_id)
    if run is None or run.state.ended:
        return []
    fail(run, run_error(kind.abandoned("the run's worker stopped without notice")), now)
    return [kind.put(org_id, run_id, run)]
