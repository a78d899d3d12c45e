"""A sink that lets nothing in: it notes what each write would have changed."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from shared.domain.differences import Kind, changed_fields, kind_of
from shared.store import paths
from shared.store.database import Database, Put, Write
from shared.store.writes import outcome

CHANGES = 50
"""Changes of a stream that are told in full."""
CHANGES_BYTES = 100_000
"""What these may come to, as JSON: the report is one document of 1 MiB at the most."""


@dataclass(slots=True)
class StreamChanges:
    """What would happen to one stream's records: all by kind, the first of them in full."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    quarantine: list[dict[str, str]] = field(default_factory=list)
    _bytes: int = 0

    def note(
        self, record_id: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> None:
        """Take a write into account; of a record's second write only what it adds."""
        kind = kind_of(before, after)
        if kind is Kind.REWRITTEN:
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
        told = sum(1 for kind in self.kinds.values() if kind is not Kind.REWRITTEN)
        return {
            **{kind.value: counts[kind] for kind in Kind},
            "changes": list(self.changes.values()),
            "changesLeftOut": told - len(self.changes),
            "quarantine": self.quarantine,
        }


class ReportSink:
    """Stands where a sync has its lease (session.Sink). Reads what each write concerns."""

    def __init__(self, database: Database, org_id: str) -> None:
        self._database = database
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

    def commit(self, writes: Sequence[Write]) -> None:
        """Note the records among the writes; manifests, cursors and the like are no records."""
        records = [w for w in writes if _collection(w) in self._stream_of]
        stored = self._database.get_all(sorted({write.path for write in records}))
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

    release = hand_over = commit

    def keep_alive(self) -> None:
        """There is nothing to keep alive."""

    def stop(self, *, hand_over: bool) -> None:
        """There is nothing to let go."""

    def stream(self, name: str) -> StreamChanges:
        """What would happen to a stream's records."""
        return self._streams.setdefault(name, StreamChanges())


def _collection(write: Write) -> str:
    return write.path.rpartition("/")[0]
