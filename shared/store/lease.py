"""The lease of an org's runs of one kind, and the fence: no commit is accepted without it.

Each commit also writes the lease document and requires the version that this worker last saw. The
next holder changes it, so that Firestore itself refuses the pending commits of a worker that was
suspended (docs/decisions/2026-11-21-fencing.md).

The lease document also names what is ``unsettled``: records whose documents commits have changed
since the manifests last said what is stored. Whoever takes the lease over trusts no manifest for
these (docs/decisions/2026-11-21-unsettled-records.md).
"""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from google.api_core.exceptions import GoogleAPICallError

from shared.domain.runs import Granted, Lease, ask
from shared.domain.runs import HeldByOtherRun as HeldByOtherRun
from shared.errors import Busy, LeaseLost
from shared.store.database import (
    Conflict,
    Contention,
    Database,
    Document,
    Write,
    WriteRefused,
    put_if_version,
)

ATTEMPTS = 5

log = structlog.get_logger(__name__)


class HeldLease:
    """A granted lease. Every method raises LeaseLost once it has expired or was taken over, and
    Contention where others keep writing the same documents: the lease may then still be held."""

    def __init__(
        self,
        database: Database,
        path: str,
        lease: Lease,
        version: datetime | None,
        granted_at: datetime,
        asked: float,
        ttl: timedelta,
        monotonic: Callable[[], float],
        unsettled: bytes = b"",
    ) -> None:
        self.unsettled = unsettled
        """As the worker before has left it."""
        self._database = database
        self._path = path
        self._lease = lease
        self._version = version
        self._ttl = ttl
        self._monotonic = monotonic
        self._granted_at = granted_at  # the server's clock: workers' clocks may differ
        self._granted = self._renewed = asked  # not now: this worker may have been suspended since
        self._commits = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()

    @property
    def epoch(self) -> int:
        return self._lease.epoch

    def commit(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None:
        """Write all of ``writes`` or nothing, and renew the lease with them. ``unsettled`` is what
        it is after this commit, None: as before."""
        self._commit(writes, self._lease, unsettled)

    def release(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None:
        """The run has ended: write its last documents and free the org."""
        self._commit(writes, replace(self._lease, holder=None, run_id=None), unsettled)
        self._ended.set()

    def hand_over(
        self,
        writes: Sequence[Write],
        unsettled: bytes | None = None,
        *,
        wait: timedelta = timedelta(0),
    ) -> None:
        """This worker stops, the run does not: only the same run may continue within the lease,
        which lasts longer by ``wait``."""
        self._commit(writes, replace(self._lease, holder=None), unsettled, wait)
        self._ended.set()

    def keep_alive(self) -> None:
        """Renew the lease until it has ended, unless commits do. For a thread of its own.

        Returns silently when the lease is lost: the next commit of the run raises. While Firestore
        cannot be reached it goes on trying.
        """
        third = self._ttl.total_seconds() / 3
        while not self._ended.wait(third / 2):
            if self._monotonic() - self._renewed >= third:
                try:
                    self.commit([])
                except LeaseLost:
                    return
                except (Contention, GoogleAPICallError) as error:
                    log.warning("lease_not_renewed", reason=type(error).__name__)

    def stop(self, *, hand_over: bool, last: Sequence[Write] = ()) -> None:
        """This worker is done. With ``hand_over``, for one that failed, another delivery of the
        run may continue at once, if Firestore can be reached and takes what it writes ``last``."""
        if hand_over and not self._ended.is_set():
            with contextlib.suppress(LeaseLost, Contention, GoogleAPICallError, WriteRefused):
                self.hand_over(last)
        self._ended.set()

    def _commit(
        self,
        writes: Sequence[Write],
        lease: Lease,
        unsettled: bytes | None,
        longer: timedelta = timedelta(0),
    ) -> None:
        with self._lock:
            if self._ended.is_set():
                raise LeaseLost("the lease has ended")
            for _ in range(ATTEMPTS):
                now = self._monotonic()
                if now - self._renewed >= self._ttl.total_seconds():
                    raise LeaseLost("the lease expired while this worker was not running")
                self._commits += 1
                server_time = self._granted_at + timedelta(seconds=now - self._granted)
                lease = replace(lease, expires_at=server_time + self._ttl + longer)
                guard = _guard(self._path, lease, self._commits, self._version, unsettled)
                if self._written([guard, *writes]):
                    self._renewed = now
                    return
            raise Contention("the lease document keeps changing under this worker")

    def _written(self, writes: Sequence[Write]) -> bool:
        """Whether the commit was accepted. False: an earlier one of this worker was, try again.

        A commit that ran out of time may have been accepted all the same, and the next conflicts
        with it: a conflict alone does not mean that another worker has the lease.
        """
        try:
            self._version = self._database.commit(writes)
        except Conflict as conflict:
            found = self._database.get(self._path)
            if found.version is None or found.fields.get("epoch") != self.epoch:
                raise LeaseLost("another worker has taken the lease over") from conflict
            self._version = found.version
            return bool(found.fields.get("commits") == self._commits)
        return True


def acquire(
    database: Database,
    path: str,
    *,
    run_id: str,
    holder: str,
    ttl: timedelta,
    first_writes: Callable[[str | None], Sequence[Write]],
    before_first: Callable[[], None] = lambda: None,
    monotonic: Callable[[], float] = time.monotonic,
) -> HeldLease | HeldByOtherRun:
    """Take the lease at ``path`` for a run, or return the other run that has it.

    ``first_writes`` are committed with the grant; their argument is the run whose worker died
    holding the lease, if any. ``before_first`` is called where nobody has ever had the lease; what
    it raises passes. Raises Busy while another worker has it for the same run.
    """
    for _ in range(ATTEMPTS):
        asked = monotonic()
        found = database.get(path)
        answer = ask(_lease(found), run_id=run_id, now=found.read_at)
        if not isinstance(answer, Granted):
            if isinstance(answer, HeldByOtherRun):
                return answer
            break
        if found.version is None:
            before_first()
        granted = Lease(answer.epoch, run_id, holder, found.read_at + ttl)
        guard = _guard(path, granted, 0, found.version)
        try:
            version = database.commit([guard, *first_writes(answer.abandoned)])
        except Conflict:
            continue
        return HeldLease(
            database,
            path,
            granted,
            version,
            found.read_at,
            asked,
            ttl,
            monotonic,
            found.fields.get("unsettled", b""),
        )
    raise Busy(f"another worker is at run {run_id}")


def running(database: Database, path: str) -> str | None:
    """The run that has the lease at ``path`` now, if one has."""
    found = database.get(path)
    lease = _lease(found)
    return lease.run_id if lease.alive(found.read_at) else None


def version(database: Database, path: str) -> object:
    """Differs after every commit under the lease at ``path``. One read."""
    return database.get_all([path], ["epoch"])[path].version


def look(database: Database, lease_paths: Sequence[str]) -> dict[str, Lease]:
    """The leases at these paths, by path."""
    found = database.get_all(lease_paths)
    return {path: _lease(document) for path, document in found.items()}


def _guard(
    path: str,
    lease: Lease,
    commits: int,
    version: datetime | None,
    unsettled: bytes | None = None,
) -> Write:
    """The write that Firestore accepts from the lease's holder only."""
    fields: dict[str, object] = {
        "epoch": lease.epoch,
        "runId": lease.run_id,
        "holder": lease.holder,
        "expiresAt": lease.expires_at,
        "commits": commits,
    }
    if unsettled is not None:
        fields["unsettled"] = unsettled or None
    return put_if_version(path, fields, version)


def _lease(found: Document) -> Lease:
    return Lease(
        epoch=found.fields.get("epoch", 0),
        run_id=found.fields.get("runId"),
        holder=found.fields.get("holder"),
        expires_at=found.fields.get("expiresAt"),
    )
