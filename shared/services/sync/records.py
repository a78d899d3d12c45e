"""From a page of records to writes: compare with what was last written, write what differs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.domain.changes import fingerprint
from shared.errors import ProviderError
from shared.pos.port import Page, Rejected
from shared.services.sync.session import Session
from shared.store import quarantine
from shared.store.database import Write
from shared.store.documents import StoredVersion
from shared.store.manifest import ANNOUNCED, SKIPPED, STORED

TOLERATED_SHARE = 0.05
TOLERATED_COUNT = 10

OVERTAKING = timedelta(minutes=10)
"""How long before a page was asked for a webhook may have stored a newer version than it has."""

ABOUT_TO_BE = b""
"""Fingerprint of a record that is about to be put in quarantine."""


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


class StreamRecords:
    """One stream's records in one invocation."""

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
        tally.quarantined += len(page.rejected)
        base = max(tally.fetched, expected or 0, page.total or 0)
        too_many = tally.quarantined >= TOLERATED_COUNT
        if expected is not None and too_many and tally.quarantined > TOLERATED_SHARE * base:
            raise TooManyUnreadable(
                f"{tally.quarantined} of {base} {self.stream} could not be read, more than"
                f" {TOLERATED_SHARE:.0%}: none of the rest is stored"
            )
        self.quarantine(page.rejected)

    def quarantine(self, rejected: Iterable[Rejected]) -> None:
        """Put records in quarantine; one that is there for the same reason costs nothing.

        New ones are announced first: should this worker die before the manifest has them, and the
        POS send them no more, the next run still knows that they are to be released.
        """
        found = list(rejected)
        keys = {quarantine.key_of(each) for each in found}
        new = {key for key in keys if self.manifest.quarantined(key) is None}
        for key in new:
            self.manifest.quarantine(key, ABOUT_TO_BE)
        if new:
            self._session.checkpoint()
        self._session.store(write for each in found for write in self._quarantine(each))

    def release_others(self) -> None:
        """After a complete listing: release the records that it did not reject."""
        for key in set(self.manifest.in_quarantine()) - self._rejected:
            self._release(key)

    def changed(self, records: Iterable[Record]) -> list[Changed]:
        """Those of the records that are to be written."""
        changed = []
        for record in records:
            found = fingerprint(record.fields)
            if record.id not in self._rejected:
                self._release(record.id)
            if self.manifest.has(record.id, found):
                self.tally.unchanged += 1
            else:
                first = self.manifest.mark(record.id) in (None, SKIPPED, ANNOUNCED)
                changed.append(Changed(record, found, first))
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

    def store(self, changed: Sequence[Changed], put: PutRecord) -> None:
        """Write the changed records."""
        writes: list[Write] = []
        for change in changed:
            writes.extend(put(change))
            self.manifest.put(change.record.id, change.fingerprint)
        created = sum(change.first for change in changed)
        self.tally.created += created
        self.tally.updated += len(changed) - created
        customer_ids = {c.record.customer_id for c in changed if c.record.customer_id}
        self._session.store(writes, customer_ids=customer_ids)

    def _quarantine(self, rejected: Rejected) -> Iterable[Write]:
        key = quarantine.key_of(rejected)
        if key in self._rejected:
            return  # the first of several rows under one id stands for all
        self._rejected.add(key)
        found = fingerprint({"raw": rejected.raw, "code": rejected.code})
        before = self.manifest.quarantined(key)
        if before != found:
            self.manifest.quarantine(key, found)
            yield quarantine.put(
                self._session.org_id,
                self.stream,
                rejected,
                run_id=self._session.run_id,
                now=self._session.now(),
                first=not before,
            )

    def _release(self, key: str) -> None:
        if self.manifest.quarantined(key) is not None:
            self._session.store([quarantine.remove(self._session.org_id, self.stream, key)])
            self.manifest.leave_quarantine(key)
