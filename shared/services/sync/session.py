"""What the streams of one invocation share: one order of commits, one checkpoint.

Records are written first, in the background while the next page is on its way. A checkpoint waits
for them and for the stored requests for the spending of the customers they concern, sends the
messages of these, and only then commits the manifests that say all is stored, and last the cursors.
A crash at any point, between two of these commits too, repeats work and loses none.

Each commit of records also says, in the lease document, which records are unsettled: what the
manifests say of these may be older than what is stored. A worker that takes the org over writes
them again.

A commit that Firestore refuses is halved until the refused writes are alone; the others are stored.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from threading import RLock
from typing import Any, Protocol, Self, TypeVar

import structlog

from shared.bus.messages import STREAMS, ComputeSpending
from shared.clock import Clock, Deadline
from shared.domain.erasure import NOBODY, ErasedPeople
from shared.domain.order_windows import OrderCursor
from shared.errors import SyncSamError
from shared.services.ecom.linking import EcomLinks, figures
from shared.services.runs.failure import run_error
from shared.services.spending.requests import in_parts, message_of, of_all
from shared.store import erasures, manifest, spending_requests
from shared.store import status as status_store
from shared.store.database import (
    WRITES_PER_COMMIT,
    Database,
    Write,
    WriteRefused,
    commits_of,
    joined,
    weight,
)
from shared.store.manifest import STORED
from shared.store.packed_map import PackedMap
from shared.store.runs import Hold, Run
from shared.store.spending_requests import SpendingRequest

COMMITS_WAITING = 2
CHECKPOINT_SECONDS = 10.0
CHECKPOINT_WRITES = 8_000
MANY_CUSTOMERS = 200
"""From here on, and from a quarter of an org's customers on, three scans beat look-ups."""

SETTLED = b""
"""Nothing is unsettled: the manifests say what is stored."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class DocumentRefused(SyncSamError):
    """Firestore refuses a document that is no record of the POS."""

    code = "document_refused"


@dataclass(frozen=True, slots=True)
class WriteGroup:
    """Writes that are stored together or not at all. Where Firestore refuses them ``refused`` is
    called under the session's lock; without it that is an error of the run."""

    writes: Sequence[Write]
    refused: Callable[[], None] | None = None


class RunWriter(Protocol):
    """A run and where its writes go: an ActiveRun, or a dry run's report, which stores nothing."""

    org_id: str
    run_id: str
    run: Run
    database: Database

    @property
    def unsettled(self) -> bytes: ...

    def commit(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None: ...

    def checkpoint(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None: ...

    def hand_over(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None: ...

    def end(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None: ...


class SpendingRequests(Protocol):
    """Where requests to compute spending go: a Publisher, or a dry run's count of them."""

    def publish(self, messages: Iterable[ComputeSpending]) -> int: ...


class Session:
    """One invocation's work on a sync run at one of the org's providers: a context manager. Its
    manifests and progress are that provider's. Streams may use it from several threads under
    ``lock``.

    One session is over before the next begins: only one provider's records are unsettled at a
    time.
    """

    def __init__(
        self,
        writer: RunWriter,
        *,
        provider: str,
        spending: SpendingRequests,
        clock: Clock,
        deadline: Deadline,
    ) -> None:
        self.org_id, self.run_id, self.run = writer.org_id, writer.run_id, writer.run
        self.run.work_at(provider)
        self.provider = provider
        self.database = writer.database
        self.progress = status_store.read_progress(self.database, self.org_id, provider)
        self.erased = self._read_erased()
        shards = {stream: self.progress.shards.get(stream, 1) for stream in STREAMS}
        self.manifests = manifest.load(self.database, self.org_id, provider, shards)
        manifest.distrust(self.manifests, writer.unsettled)
        self.ecom = EcomLinks(self.database, self.org_id, self.run_id, self.progress)
        self.now = clock
        self.deadline = deadline
        self.lock = RLock()
        self._writer = writer
        self._kept: list[PackedMap[Any]] = []
        self._spending = spending
        self._buffer: list[WriteGroup] = []
        self._buffered = 0
        self._unread: set[str] = set()
        self._waiting: deque[Future[list[WriteGroup]]] = deque()
        self._refused: list[WriteGroup] = []
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._pending_recompute: set[str] = set(self.progress.pending_recompute)
        self._since_checkpoint = 0
        self._checkpoint_at = time.monotonic()

    def _read_erased(self) -> ErasedPeople:
        """Who is to be left out. One read where somebody was erased, or the provider is new."""
        known = self.progress.customers_complete_at is not None
        if known and not self.progress.erased:
            return NOBODY
        return erasures.read_people(self.database, self.org_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._committer.shutdown(wait=True, cancel_futures=True)

    def keep(self, state: PackedMap[Any]) -> None:
        """Commit this state along with the manifests from now on, after the records that it is
        about. It may be changed under ``lock`` only."""
        with self.lock:
            self._kept.append(state)

    def store(self, writes: Iterable[Write], *, customer_ids: Iterable[str] = ()) -> None:
        """Write in the background. ``customer_ids`` are those whose spending it may change.

        An earlier write that failed raises here or at the next checkpoint.
        """
        self.store_groups([WriteGroup((write,)) for write in writes], customer_ids=customer_ids)

    def store_groups(
        self, groups: Sequence[WriteGroup], *, customer_ids: Iterable[str] = ()
    ) -> None:
        """``store``, for writes that belong together."""
        with self.lock:
            self._buffer.extend(groups)
            self._buffered += sum(map(_weight, groups))
            self._unread.update(write.path for group in groups for write in group.writes)
            self._pending_recompute.update(customer_ids)
            if self._buffered >= WRITES_PER_COMMIT:
                *full, rest = self._parts()
                self._buffer, self._buffered = rest, sum(map(_weight, rest))
                for part in full:
                    self._commit_behind(part)
                if self._buffered >= WRITES_PER_COMMIT:
                    self._buffer, self._buffered = [], 0
                    self._commit_behind(rest)

    def add_pending_recompute(self, customer_ids: Iterable[str]) -> None:
        """Have spending computed for customers that the records stored next no longer name. It is
        stored with those records, so that a worker that takes over knows."""
        with self.lock:
            pending = {*self.progress.pending_recompute, *customer_ids}
            if len(pending) > len(self.progress.pending_recompute):
                self.progress.pending_recompute = sorted(pending)
                put = status_store.put_pending_recompute
                self.store([put(self.org_id, self.provider, sorted(pending))])
                self._pending_recompute.update(pending)

    def add_pending_notifications(self, order_ids: Iterable[str]) -> None:
        """Have the org told of orders that are stored next: a worker that takes over knows."""
        with self.lock:
            known = set(self.progress.pending_notifications)
            if new := [each for each in order_ids if each not in known]:
                self.progress.pending_notifications += new
                put, pending = (
                    status_store.put_pending_notifications,
                    self.progress.pending_notifications,
                )
                self.store([put(self.org_id, self.provider, pending)])

    def hold(self, stream: str, hold: Hold | None) -> None:
        """Note the removal of the stream's records that waits for a person; None: that none does.
        One that a person does not want waits for nobody: it is told as a warning."""
        if hold is not None and self.progress.refused.get(stream) == hold.id:
            self.run.warn([_kept_as_wanted(stream, hold)])
            hold = None
        for holds in (self.run.holds, self.progress.holds):
            if hold is None:
                holds.pop(stream, None)
            else:
                holds[stream] = hold

    def flush(self) -> None:
        """Wait until everything given to ``store`` can be read, but for what was refused."""
        with self.lock:
            parts = list(self._parts())
            self._buffer, self._buffered = [], 0
            for part in parts:
                self._commit_behind(part)
            while self._waiting:
                self._refused += self._waiting.popleft().result()
            self._unread.clear()
            refused, self._refused = self._refused, []
            self._refuse(refused)

    def flush_documents(self, paths: Iterable[str]) -> None:
        """Wait until what was given to ``store`` for these documents can be read."""
        with self.lock:
            if not self._unread.isdisjoint(paths):
                self.flush()

    def checkpoint_if_due(self) -> None:
        """Checkpoint when enough has gathered."""
        elapsed = time.monotonic() - self._checkpoint_at
        unsettled = sum(len(m.unsettled) for m in self.manifests.values())
        much = max(self._since_checkpoint, unsettled) >= CHECKPOINT_WRITES
        if much or elapsed >= CHECKPOINT_SECONDS:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Keep what is done: from here on a crash repeats none of it."""
        with self.lock:
            self._keep(self._writer.checkpoint)

    def hand_over(self) -> None:
        """Keep what is done and leave the rest of the run to its continuation."""
        with self.lock:
            self._keep(self._writer.hand_over)

    def end(self, last: Callable[[], Sequence[Write]] = tuple) -> None:
        """The run is over: keep what is done, with the ``last`` writes in the same commit, and
        free the org. ``last`` is called once it is known what was refused, and again where one of
        these documents is."""
        with self.lock:
            self._keep(self._writer.end, last, ended=True)

    def close(self, last: Callable[[], Sequence[Write]] = tuple) -> None:
        """The run is done with this provider and goes on with the next one: as ``end``, but the
        org stays the run's."""
        with self.lock:
            self._keep(self._writer.checkpoint, last, ended=True)

    def fail(self, error: SyncSamError, stream: str | None = None) -> None:
        """Note on the run that this provider, or a stream of it, failed."""
        self.run.errors.append(run_error(error, stream, self.provider))

    def distrust_what_is_stored(self, streams: Iterable[str]) -> None:
        """Write every record of the streams again and walk all orders anew (``full``). Kept at
        once: every record would be unsettled."""
        for stream in streams:
            self.manifests[stream].forget_fingerprints()
            self.progress.forget_versions(stream)
            if stream == "orders":
                self.progress.orders = OrderCursor()
        self.run.reset = True
        self.checkpoint()

    def _keep(
        self,
        commit: Callable[[Sequence[Write], bytes], None],
        last: Callable[[], Sequence[Write]] = tuple,
        *,
        ended: bool = False,
    ) -> None:
        """Wait for the records, link the eCom orders among them, ask for spending; commit what says
        that all is done."""
        self._link_ecom(ended=ended)
        asked = self._spending_requests(ended=ended)
        messages = list(map(message_of, asked))
        # In the last commit of the records, or after it: not before what is to be computed.
        self.store(map(spending_requests.put, asked))
        self.flush()
        self._spending.publish(messages)
        # Manifests last: what they call stored need not be right in the other states again.
        states = [*self._kept, *self.manifests.values()]
        groups = [group for state in states for group in state.take_writes(end=ended)]
        self.progress.shards = {name: m.shards for name, m in self.manifests.items()}
        self._since_checkpoint = 0
        self._checkpoint_at = time.monotonic()

        def closing() -> list[Write]:
            own = last()
            return [*own, status_store.put_progress(self.org_id, self.provider, self.progress)]

        last_of_all = closing()
        *parts, final = joined([*groups, last_of_all])
        accepted = [self._commit_state(part) for part in parts]
        if not all(accepted):
            final = [*final[: -len(last_of_all)], *closing()]
        try:
            commit(final, SETTLED)
        except WriteRefused:
            self._refuse(self._commit([WriteGroup((write,)) for write in final[:-1]]))
            commit(closing(), SETTLED)

    def _link_ecom(self, *, ended: bool) -> None:
        """Link the imported eCom orders that waited for what was stored; once the run has ``ended``
        those of an import since the last run, and count them where any has changed."""
        ecom = self.ecom
        if not (ecom.noted or (ended and (ecom.to_settle or self.progress.ecom_changed))):
            return
        self.flush()
        if ecom.noted:
            linked = ecom.look()
            self.add_pending_recompute(linked.losers)
            self.store(linked.writes, customer_ids=linked.customer_ids)
            if self.progress.ecom_linked is None and ecom.to_settle:
                self.store([status_store.clear_ecom_linked(self.org_id, self.provider)])
        if ended and ecom.to_settle:
            linked = ecom.settle()
            self.add_pending_recompute(linked.losers)
            self.store(linked.writes, customer_ids=linked.customer_ids)
        if ended and self.progress.ecom_changed:
            self.flush()
            self.store([status_store.put_ecom(self.org_id, figures(self.database, self.org_id))])
            self.progress.ecom_changed = False

    def _commit_state(self, writes: Sequence[Write]) -> bool:
        """Commit a part of what describes the records; False where Firestore refuses any of it,
        which is then an error of the run."""
        try:
            self._writer.commit(writes)
        except WriteRefused:
            self._refuse(self._commit([WriteGroup((write,)) for write in writes]))
            return False
        return True

    def _spending_requests(self, *, ended: bool) -> list[SpendingRequest]:
        """Requests for the spending of the customers concerned; for all customers where that is
        cheaper, but only once, when the run has ``ended``: it reads all orders of the org."""
        now = self.now()
        asked: list[SpendingRequest] = []
        known = self.manifests["customers"].count(STORED)
        if len(self._pending_recompute) >= max(MANY_CUSTOMERS, known // 4):
            self.progress.recompute_all = True
        if not self.progress.recompute_all:
            pending = sorted(self._pending_recompute)
            asked = list(in_parts(self.org_id, self.run_id, pending, since=now, now=now))
        elif ended:
            asked = [of_all(self.org_id, self.run_id, known, now)]
            self.progress.recompute_all = False
        self._pending_recompute.clear()
        self.progress.pending_recompute = []
        return asked

    def _parts(self) -> Iterator[list[WriteGroup]]:
        return commits_of(self._buffer, lambda group: group.writes)

    def _commit_behind(self, groups: list[WriteGroup]) -> None:
        self._since_checkpoint += sum(len(group.writes) for group in groups)
        # The thread outlives the trace's parts: each commit belongs to the one that asked for it.
        run, unsettled = copy_context().run, manifest.unsettled(self.manifests)
        self._waiting.append(self._committer.submit(run, self._commit, groups, unsettled))
        while len(self._waiting) > COMMITS_WAITING:
            self._refused += self._waiting.popleft().result()

    def _commit(self, groups: list[WriteGroup], unsettled: bytes | None = None) -> list[WriteGroup]:
        """Write; returns the groups that Firestore refuses."""
        try:
            self._writer.commit([write for group in groups for write in group.writes], unsettled)
        except WriteRefused as error:
            if len(groups) == 1:
                reason = type(error.__cause__).__name__
                log.warning("write_refused", path=groups[0].writes[0].path, reason=reason)
                return groups
            half = len(groups) // 2
            return [
                *self._commit(groups[:half], unsettled),
                *self._commit(groups[half:], unsettled),
            ]
        return []

    def _refuse(self, groups: Iterable[WriteGroup]) -> None:
        for group in groups:
            if group.refused:
                group.refused()
            elif not any(
                error.code == DocumentRefused.code and error.concerns(self.provider)
                for error in self.run.errors
            ):
                kind = group.writes[0].path.split("/")[2]
                error = DocumentRefused(f"Firestore refuses a document of {kind}; the rest is in")
                self.fail(error)


def _kept_as_wanted(stream: str, hold: Hold) -> str:
    return (
        f"{hold.count} {stream} that the POS does not list any more are kept, as somebody has"
        " decided. Once the POS's list differs, it is asked again."
    )


def _weight(group: WriteGroup) -> int:
    return weight(group.writes)


def settle_others(writer: RunWriter, provider: str) -> None:
    """Have the manifests of another provider say which of its records a worker before has left
    unsettled: the lease is to name those of ``provider`` from now on."""
    left = manifest.unsettled_provider(writer.unsettled)
    if left in (None, provider):
        return
    database, org_id = writer.database, writer.org_id
    shards = status_store.read_progress(database, org_id, left).shards
    manifests = manifest.load(database, org_id, left, {s: shards.get(s, 1) for s in STREAMS})
    manifest.distrust(manifests, writer.unsettled)
    *groups, last = joined([*(g for m in manifests.values() for g in m.take_writes()), []])
    for group in groups:
        writer.commit(group)
    writer.commit(last, SETTLED)
    log.info("others_settled", pos_provider=left)
