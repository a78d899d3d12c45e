"""From a page of records to writes: compare with what was last written, write what differs."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from shared.domain.changes import fingerprint, fingerprint_and_size
from shared.domain.wording import counted
from shared.errors import ProviderError
from shared.pos.port import RAW_LIMIT, Page, Rejected
from shared.services.sync.session import Session, WriteGroup
from shared.store import quarantine
from shared.store.database import Put, Write
from shared.store.documents import StoredVersion
from shared.store.manifest import ANNOUNCED, SKIPPED, STORED
from shared.store.writes import size_of

TOLERATED_SHARE = 0.05
TOLERATED_COUNT = 10

LARGEST = 1_000_000
"""Bytes of a record's fields: a document may have 1 MiB, its name and the fields that are not the
POS's included."""
MEASURED_FROM = 200_000
"""Bytes of a record as JSON; where it has fewer its document is below LARGEST: no value takes five
times as much in Firestore as in JSON."""

OVERTAKING = timedelta(minutes=10)
"""How long before a page was asked for a webhook may have stored a newer version than it has."""


class TooManyUnreadable(ProviderError):
    """So many records are unreadable that the POS, not the records, must be wrong."""

    code = "too_many_unreadable"


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it is to be stored. ``fields`` are the POS's own; ``customer_id`` is the customer
    whose spending it may change; ``version`` is when the POS says it last changed, if it does."""

    id: str
    fields: Mapping[str, Any]
    customer_id: str | None = None
    version: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """A record that differs from what was last written; ``first`` when it never was."""

    record: Record
    fingerprint: bytes
    first: bool


PutRecord = Callable[[Changed], Iterable[Write]]


def _undo_nothing(_: Changed) -> None: ...


class StreamRecords:
    """One stream's records in one invocation.

    A record that Firestore cannot take is put in quarantine, under the fingerprint of its fields:
    it is not tried again as it is, but by a ``full`` run and when its document is to be renewed.
    """

    def __init__(self, session: Session, stream: str) -> None:
        self.stream = stream
        self.manifest = session.manifests[stream]
        self.tally = session.run.tally(stream)
        self._session = session
        self._rejected: set[str] = set()

    def count_page(self, page: Page[Any], *, expected: int | None) -> None:
        """Count a page and quarantine its unreadable records.

        ``expected`` is how many records the stream should have; None for records asked for one by
        one, which have no limit. Raises TooManyUnreadable before anything of the page that passes
        the limit is stored.
        """
        tally = self.tally
        tally.fetched += page.rows
        tally.requests += page.requests
        # Windows overlap: what was rejected on an earlier page is not one more.
        known = self._rejected
        tally.quarantined += sum(quarantine.key_of(r) not in known for r in page.rejected)
        base = max(tally.fetched, expected or 0, page.total or 0)
        too_many = tally.quarantined >= TOLERATED_COUNT
        if expected is not None and too_many and tally.quarantined > TOLERATED_SHARE * base:
            raise TooManyUnreadable(
                f"{tally.quarantined:,} of {counted(base, self.stream)} could not be read, more"
                f" than {TOLERATED_SHARE:.0%}: none of the rest is stored"
            )
        self.quarantine(page.rejected)

    def quarantine(
        self, rejected: Iterable[Rejected], fingerprints: Mapping[str, bytes] | None = None
    ) -> None:
        """Put records in quarantine; one that is there for the same reason costs nothing.
        ``fingerprints`` are those of mapped records, by id.

        New ones are announced first: should this worker die before the manifest has them, and the
        POS send them no more, the next run still knows that they are to be released.
        """
        found = list(rejected)
        keys = {quarantine.key_of(each) for each in found}
        new = {key for key in keys if self.manifest.quarantined(key) is None}
        for key in new:
            self.manifest.announce_quarantine(key)
        if new:
            self._session.checkpoint()
        known = fingerprints or {}
        self._session.store(
            write
            for each, key in ((each, quarantine.key_of(each)) for each in found)
            if key not in self._rejected  # the first of several rows under one id stands for all
            for write in self._quarantine(each, key, known.get(key))
        )

    def release_others(self) -> None:
        """After a complete listing: release the records that it did not reject."""
        for key in set(self.manifest.in_quarantine()) - self._rejected:
            self._release(key)

    def release_unmet(self) -> None:
        """Of a stream that is never listed whole: release the records that no list has had for
        quarantine.UNMET."""
        since = self._session.now() - quarantine.UNMET
        unmet = [
            k for k in self.manifest.in_quarantine() if self.manifest.quarantined_before(k, since)
        ]
        for key in unmet:
            self.release(key)

    def changed(self, records: Iterable[Record]) -> list[Changed]:
        """Those of the records that are to be written. What is too large goes to quarantine."""
        changed = []
        too_large: dict[str, tuple[Record, bytes]] = {}
        for record in records:
            found, size = fingerprint_and_size(record.fields)
            in_quarantine = self.manifest.quarantined(record.id)
            if in_quarantine == found and not self._tried_again(record.id):
                self.tally.quarantined += record.id not in self._rejected
                self._rejected.add(record.id)
                continue
            if size >= MEASURED_FROM and size_of(record.fields) > LARGEST:
                too_large[record.id] = record, found
                continue
            if in_quarantine is not None:
                self.release(record.id)
            if self.manifest.has(record.id, found):
                self.tally.unchanged += 1
            else:
                first = self.manifest.mark(record.id) in (None, SKIPPED, ANNOUNCED)
                changed.append(Changed(record, found, first))
        if too_large:
            self.tally.quarantined += len(too_large.keys() - self._rejected)
            self.quarantine(
                [
                    _unstorable(record, "too_large", "The record is larger than Firestore takes.")
                    for record, _ in too_large.values()
                ],
                {record_id: found for record_id, (_, found) in too_large.items()},
            )
        return changed

    def newer(
        self, changed: Iterable[Changed], stored: Mapping[str, StoredVersion]
    ) -> list[Changed]:
        """Without the records that are older than the ``stored`` versions (by id) where those were
        written a moment ago: a webhook has overtaken the listing. Else the POS is right, though it
        says that the record changed earlier. A ``full`` run writes them all the same."""
        newer = []
        since = self._session.now() - OVERTAKING
        for change in changed:
            version, known = change.record.version, stored.get(change.record.id)
            older = version and known and version < known.changed_at and known.written_at > since
            if older and not self._session.run.reset:
                self.tally.unchanged += 1
            else:
                newer.append(change)
        return newer

    def announce(self, changed: Iterable[Changed]) -> None:
        """Note in the manifest that new records are about to be stored. For streams whose records
        are removed: should this worker die before the manifest has them, and the POS drop them
        meanwhile, the next run still knows that they may be there."""
        new = [c.record.id for c in changed if self.manifest.mark(c.record.id) != STORED]
        for record_id in new:
            self.manifest.announce(record_id)
        if new:
            self._session.checkpoint()

    def may_be_stored(self) -> set[str]:
        """Ids of the records that are stored, and of those that may be."""
        return {*self.manifest.ids(STORED), *self.manifest.ids(ANNOUNCED)}

    def store(
        self,
        changed: Sequence[Changed],
        put: PutRecord,
        undo: Callable[[Changed], None] = _undo_nothing,
    ) -> None:
        """Write the changed records. ``undo`` takes back what ``put`` has noted, where Firestore
        refuses a record's writes."""
        groups: list[WriteGroup] = []
        for change in changed:
            before = self.manifest.get(change.record.id)
            refused = partial(self._refuse, change, before, undo)
            groups.append(WriteGroup(tuple(put(change)), refused))
            self.manifest.put(change.record.id, change.fingerprint)
        created = sum(change.first for change in changed)
        self.tally.created += created
        self.tally.updated += len(changed) - created
        customer_ids = {c.record.customer_id for c in changed if c.record.customer_id}
        self._session.store_groups(groups, customer_ids=customer_ids)

    def _refuse(
        self, change: Changed, before: bytes | None, undo: Callable[[Changed], None]
    ) -> None:
        """Firestore refuses the record: it is as it was ``before`` by the manifest."""
        record = change.record
        if not self.manifest.has(record.id, change.fingerprint):
            return  # a later version of it was stored since
        undo(change)
        if before is None:
            self.manifest.drop_entry(record.id)
        else:
            self.manifest.set_entry(record.id, before)
        self.tally.created -= change.first
        self.tally.updated -= not change.first
        self.tally.quarantined += 1
        rejected = _unstorable(
            record, "refused_by_firestore", "Firestore does not take the record as it is."
        )
        for put in self._quarantine(rejected, record.id, change.fingerprint):
            self.manifest.quarantine(record.id, change.fingerprint, put, now=self._session.now())

    def _quarantine(
        self, rejected: Rejected, key: str, fields: bytes | None = None
    ) -> Iterable[Put]:
        self._rejected.add(key)
        found = fields or fingerprint({"raw": rejected.raw, "code": rejected.code})
        before = self.manifest.quarantined(key)
        if before != found or self._expires(key):
            now = self._session.now()
            self.manifest.quarantine(key, found, now=now)
            yield quarantine.put(
                self._session.org_id,
                self.stream,
                rejected,
                run_id=self._session.run_id,
                now=now,
                first=not before,
                provider=self._session.provider,
            )

    def _tried_again(self, record_id: str) -> bool:
        return self._session.run.reset or self._expires(record_id)

    def _expires(self, key: str) -> bool:
        """Whether the document of a record in quarantine is to be written again."""
        return self.manifest.quarantined_before(key, self._session.now() - quarantine.RENEWED)

    def release(self, record_id: str) -> None:
        """Release a record that could be read."""
        if record_id not in self._rejected:
            self._release(record_id)

    def _release(self, key: str) -> None:
        if self.manifest.quarantined(key) is not None:
            self.manifest.leave_quarantine(key)
            self._session.store([quarantine.remove(self._session.org_id, self.stream, key)])


def _unstorable(record: Record, code: str, message: str) -> Rejected:
    """The rejection of a record that was read and cannot be stored."""
    raw = json.dumps(record.fields, default=str, separators=(",", ":"))
    return Rejected(record.id, code, message, raw[:RAW_LIMIT])
