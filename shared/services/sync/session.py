"""What the streams of one invocation share: one order of commits, one checkpoint.

Records are written first, in the background while the next page is on its way. A checkpoint
waits for them, asks for the spending of the customers they concern, and only then commits the
manifests and cursors that call them done. A crash at any point repeats work, it loses none.

Doing a stream's work: once in a run, and so that its failure is noted and the others go on.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self, TypeVar

import structlog

from shared.clock import Clock
from shared.domain.order_windows import OrderCursor
from shared.errors import OrgError, ProviderError
from shared.services.deadline import Deadline
from shared.services.sync import ending
from shared.store import progress as progress_store
from shared.store import runs
from shared.store.database import Database, Put, Write
from shared.store.manifest import Manifest
from shared.store.progress import SyncProgress
from shared.store.runs import Run

WRITES_PER_COMMIT = 400
"""Below the 500 of the emulator and of older servers, with room for the lease."""
COMMITS_WAITING = 2
CHECKPOINT_SECONDS = 10.0
CHECKPOINT_WRITES = 8_000


class PackedState(Protocol):
    """Something that speaks of the records written, and is therefore committed after them."""

    def take_writes(self) -> list[Put]:
        """Writes that make what is stored of it equal to it."""
        ...


class Sink(Protocol):
    """Where a session's writes go: the org's lease, which lets them in only while it is held; or
    the report of a dry run, which lets none in. See store.lease.HeldLease."""

    def commit(self, writes: Sequence[Write]) -> None: ...

    def release(self, writes: Sequence[Write]) -> None: ...

    def hand_over(self, writes: Sequence[Write]) -> None: ...

    def keep_alive(self) -> None: ...

    def stop(self, *, hand_over: bool) -> None: ...


class AskSpending(Protocol):
    """Asks for the spending of customers, or keeps in mind that everybody's is to be asked for
    when the run has ``ended``."""

    def __call__(self, session: "Session", customer_ids: set[str], *, ended: bool) -> None: ...


class Session:
    """One invocation's work on a run. Streams may use it from several threads under ``lock``."""

    def __init__(
        self,
        *,
        org_id: str,
        run_id: str,
        database: Database,
        sink: Sink,
        run: Run,
        progress: SyncProgress,
        manifests: dict[str, Manifest],
        ask_spending: AskSpending,
        clock: Clock,
        deadline: Deadline,
    ) -> None:
        self.org_id = org_id
        self.run_id = run_id
        self.database = database
        self.run = run
        self.progress = progress
        self.deadline = deadline
        self.lock = threading.RLock()
        self._sink = sink
        self._manifests = manifests
        self._books: list[PackedState] = []
        self._ask_spending = ask_spending
        self._clock = clock
        self._buffer: list[Write] = []
        self._waiting: deque[Future[None]] = deque()
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._customers: set[str] = set(progress.owed)
        self._since_checkpoint = 0
        self._checkpoint_at = time.monotonic()
        self._cost_before = run.cost
        self._keep_alive = threading.Thread(target=sink.keep_alive, daemon=True)

    def __enter__(self) -> Self:
        self._keep_alive.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._committer.shutdown(wait=True, cancel_futures=True)
        self._sink.stop(hand_over=error is not None)

    def now(self) -> datetime:
        return self._clock()

    def manifest(self, stream: str) -> Manifest:
        """The stream's manifest; an empty one for a stream never synced."""
        with self.lock:
            if stream not in self._manifests:
                self._manifests[stream] = Manifest(self.org_id, stream, {}, shards=1)
            return self._manifests[stream]

    def keep(self, book: PackedState) -> None:
        """Have a book of records kept along with the manifests, from now on. It is to be changed
        under ``lock`` only."""
        with self.lock:
            self._books.append(book)

    def store(self, writes: Iterable[Write], *, customer_ids: Iterable[str] = ()) -> None:
        """Write in the background. ``customer_ids`` are those whose spending it may move.

        An earlier write that failed raises here or at the next checkpoint.
        """
        with self.lock:
            self._buffer.extend(writes)
            self._customers.update(customer_ids)
            while len(self._buffer) >= WRITES_PER_COMMIT:
                self._commit_behind(self._buffer[:WRITES_PER_COMMIT])
                del self._buffer[:WRITES_PER_COMMIT]

    def owe(self, customer_ids: Iterable[str]) -> None:
        """Have spending asked for customers of whom the records that are stored next will tell
        nothing any more: a worker that goes on after this one died must know of them."""
        with self.lock:
            owed = {*self.progress.owed, *customer_ids}
            if len(owed) > len(self.progress.owed):
                self.progress.owed = sorted(owed)
                self.store([progress_store.put_owed(self.org_id, self.progress.owed)])
                self._customers.update(owed)

    def settle(self) -> None:
        """Wait until everything given to ``store`` can be read."""
        with self.lock:
            self._drain()

    def checkpoint_if_due(self) -> None:
        """Keep what is done, when enough of it has gathered."""
        elapsed = time.monotonic() - self._checkpoint_at
        if self._since_checkpoint >= CHECKPOINT_WRITES or elapsed >= CHECKPOINT_SECONDS:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Keep what is done: from here on a crash repeats none of it."""
        with self.lock:
            self._sink.commit(self._settled())

    def hand_over(self) -> None:
        """Keep what is done and leave the rest of the run to its continuation."""
        with self.lock:
            self._sink.hand_over(self._settled())

    def end(self, *, wanted: Sequence[str], provider: str | None) -> None:
        """The run is over: keep what is done, tell how it went, free the org."""
        with self.lock:
            ending.end(self.run, wanted=wanted, now=self.now())
            if not self.run.errors:
                self.progress.last_success_at = self.run.ended_at
            last = ending.status_of(
                self.org_id, self.run_id, self.run, self.progress, self._manifests, provider
            )
            self._sink.release([*self._settled(more_writes=1, ended=True), last])

    def close(self, more: Sequence[Write]) -> None:
        """The run is over and says nothing of the org as a whole: keep what is done, free the
        org. ``more`` says that it is done, and is written along."""
        with self.lock:
            self._sink.release([*self._settled(more_writes=len(more), ended=True), *more])

    def distrust_what_is_stored(self, streams: Iterable[str]) -> None:
        """Write every record of the streams again and walk all orders anew (``full``)."""
        for stream in streams:
            self.manifest(stream).forget_fingerprints()
            if stream == "orders":
                self.progress.orders = OrderCursor()
        self.run.reset = True

    def _settled(self, more_writes: int = 0, *, ended: bool = False) -> list[Write]:
        """Wait for the records, ask for spending; the writes that call both done.

        ``more_writes`` go along in the same commit: the bill that it carries counts them.
        """
        self._drain()
        self._ask_spending(self, self._customers, ended=ended)
        self._customers.clear()
        self.progress.owed = []
        books = [*self._manifests.values(), *self._books]
        manifests = [write for book in books for write in book.take_writes()]
        self.progress.shards = {name: m.shards for name, m in self._manifests.items()}
        self._since_checkpoint = 0
        self._checkpoint_at = time.monotonic()
        self._count_cost(own_writes=len(manifests) + 3 + more_writes)
        return [
            *manifests,
            progress_store.put(self.org_id, self.progress),
            runs.put(self.org_id, self.run_id, self.run),
        ]

    def _count_cost(self, own_writes: int) -> None:
        """The bill so far, the commit that carries it (with its lease) included."""
        meter, before = self.database.meter, self._cost_before
        self.run.cost = runs.Cost(
            reads=before.reads + meter.reads,
            writes=before.writes + meter.writes + own_writes,
            deletes=before.deletes + meter.deletes,
        )

    def _drain(self) -> None:
        if self._buffer:
            self._commit_behind(self._buffer)
            self._buffer = []
        while self._waiting:
            self._waiting.popleft().result()

    def _commit_behind(self, writes: list[Write]) -> None:
        self._since_checkpoint += len(writes)
        self._waiting.append(self._committer.submit(self._sink.commit, writes))
        while len(self._waiting) > COMMITS_WAITING:
            self._waiting.popleft().result()


T = TypeVar("T")

log = structlog.get_logger(__name__)


class NotProvided(Exception):
    """The POS has no such thing for this account: the stream is neither done nor failed."""


@dataclass(frozen=True, slots=True)
class StreamAttempts:
    """The attempts of one invocation at the streams that are wanted."""

    session: Session
    wanted: Collection[str]

    def __call__(self, stream: str, work: Callable[[], T]) -> T | None:
        """Do the work, if the stream is wanted and the run has not done it yet. None where it was
        not, or failed, which is then noted on the run."""
        run = self.session.run
        if stream not in self.wanted or stream in run.done:
            return None
        started = time.monotonic()
        result: T | None = None
        try:
            result = work()
        except NotProvided:
            log.info("stream_not_given", stream=stream)
            return None
        except (OrgError, ProviderError) as error:
            log.warning("stream_failed", stream=stream, code=error.code, owner=error.owner)
            run.errors.append(ending.run_error(error, stream))
        finally:
            run.tally(stream).seconds += time.monotonic() - started
        run.done.append(stream)
        log.info("stream_done", stream=stream, **run.tally(stream).model_dump(by_alias=False))
        return result
