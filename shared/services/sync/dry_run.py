"""What a sync would do, without doing it: ``dryRun: true``.

A dry run is a sync whose session writes to a report. Every record is fetched, mapped, compared and
matched, removals are decided on and unreadable records counted; what would be written ends in the
report. It takes no lease, keeps neither manifests nor cursors nor a status, and sends no message:
it sees the org as it is while other runs may be changing it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import structlog

from shared.bus.messages import ComputeSpending
from shared.clock import Clock, Deadline, OutOfTime
from shared.domain.changes import ChangeKind, change_kind, changed_fields
from shared.services.sync.commands import PreviewSync, SyncOrg
from shared.services.sync.org import new_run, providers_left, sync_records
from shared.services.sync.pos_locations import OpenPos, read_org
from shared.services.sync.run_end import set_last_state
from shared.services.sync.session import Session
from shared.store import paths, runs
from shared.store.database import Database, Put, Write
from shared.store.runs import Run
from shared.store.writes import outcome

CHANGES = 50
"""Changes of a stream that the report shows in full."""
CHANGES_BYTES = 100_000
"""What these may come to, as JSON: the report is one document of 1 MiB at the most."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DryRun:
    """Reports what a sync would do. ``seconds`` is how long it may work. It has no continuation:
    the report of an org too large for that says that it is not complete."""

    database: Database
    open_pos: OpenPos
    clock: Clock
    seconds: float

    def __call__(self, command: PreviewSync) -> None:
        """Write the report, unless it is written already. Raises whatever was not foreseen: the
        message is then to be delivered again."""
        database, sync = self.database.metered(), command.sync
        if runs.report_exists(database, sync.org_id, sync.run_id):
            return
        run = new_run(sync, self.clock())
        recorder, spending = ChangeRecorder(database, sync, run), CountedRequests()
        complete, deadline = True, Deadline(self.seconds)
        org = read_org(database, sync.org_id)
        for provider in providers_left(sync, org, run):
            if not complete:
                break
            with Session(
                recorder, provider=provider, spending=spending, clock=self.clock, deadline=deadline
            ) as session:
                try:
                    sync_records(sync, org, session, self.open_pos)
                except OutOfTime:
                    complete = False
                session.end()
        set_last_state(run, now=self.clock())
        report = runs.put_report(
            sync.org_id,
            sync.run_id,
            run,
            {name: recorder.stream(name).document() for name in run.totals},
            complete=complete,
            spending_of=spending.customers,
        )
        self.database.commit([report])
        log.info(
            "dry_run_ended",
            state=run.state,
            complete=complete,
            duration_seconds=run.duration_seconds,
            reads=database.meter.reads,
        )


class CountedRequests:
    """Counts the customers whose spending would be asked for; None stands for all of them."""

    def __init__(self) -> None:
        self.customers: int | None = 0

    def publish(self, messages: Iterable[ComputeSpending]) -> int:
        """Take note of the requests, send none."""
        asked = list(messages)
        for message in asked:
            if message.customer_ids is None or self.customers is None:
                self.customers = None
            else:
                self.customers += len(message.customer_ids)
        return len(asked)


@dataclass(slots=True)
class StreamChanges:
    """What would happen to one stream's records: all by kind, the first of them in full."""

    kinds: dict[str, ChangeKind] = field(default_factory=dict)
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    quarantine: list[dict[str, str]] = field(default_factory=list)
    _bytes: int = 0

    def note(
        self, record_id: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> None:
        """Take a write into account; of a record's second write only what it adds."""
        kind = change_kind(before, after)
        if kind is ChangeKind.REWRITTEN:
            self.kinds.setdefault(record_id, kind)
            return
        self.kinds[record_id] = kind
        fields = changed_fields(before, after)
        known = self.changes.get(record_id)
        if known is not None:
            known["fields"] |= fields
            return
        size = len(json.dumps(fields, default=str))
        if len(self.changes) < CHANGES and self._bytes + size <= CHANGES_BYTES:
            self.changes[record_id] = {"id": record_id, "kind": kind.value, "fields": fields}
            self._bytes += size

    def put_in_quarantine(self, record_id: str, fields: Mapping[str, Any]) -> None:
        """Note a record that could not be used."""
        if len(self.quarantine) < CHANGES:
            why = {name: str(fields[name]) for name in ("errorCode", "message")}
            self.quarantine.append({"id": record_id, **why})

    def document(self) -> dict[str, Any]:
        """How the report shows it."""
        counts = Counter(self.kinds.values())
        shown = sum(1 for kind in self.kinds.values() if kind is not ChangeKind.REWRITTEN)
        return {
            **{kind.value: counts[kind] for kind in ChangeKind},
            "changes": list(self.changes.values()),
            "changesLeftOut": shown - len(self.changes),
            "quarantine": self.quarantine,
        }


class ChangeRecorder:
    """A RunWriter that stores nothing: it reads what each write concerns and notes the change."""

    unsettled = b""

    def __init__(self, database: Database, sync: SyncOrg, run: Run) -> None:
        self.org_id, self.run_id, self.run = sync.org_id, sync.run_id, run
        self.database = database
        org_id = sync.org_id
        self._stream_of = {
            paths.customers(org_id): "customers",
            paths.orders(org_id): "orders",
            paths.products(org_id): "products",
            paths.discounts(org_id): "discounts",
            paths.metadata(org_id): "metadata",
        }
        self._quarantine = paths.quarantine(org_id)
        self._streams: dict[str, StreamChanges] = {}
        self._lock = Lock()

    def commit(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None:
        """Note the records among the writes; manifests, cursors and the like are no records."""
        records = [w for w in writes if _collection(w) in self._stream_of]
        stored = self.database.get_all(sorted({write.path for write in records}))
        with self._lock:
            for write in records:
                found = stored[write.path]
                before = found.fields if found.exists else None
                stream = self.stream(self._stream_of[_collection(write)])
                stream.note(found.id, before, outcome(write, before))
            for write in writes:
                if _collection(write) == self._quarantine and isinstance(write, Put):
                    key = write.path.rpartition("/")[2]
                    self.stream(write.fields["stream"]).put_in_quarantine(key, write.fields)

    checkpoint = hand_over = end = commit

    def stream(self, name: str) -> StreamChanges:
        """What would happen to a stream's records."""
        return self._streams.setdefault(name, StreamChanges())


def _collection(write: Write) -> str:
    return write.path.rpartition("/")[0]
