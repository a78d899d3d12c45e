"""Reading the lists of a POS that numbers its changes: what has changed since a version.

The version is kept with each checkpoint, after the records before it: what a run has not stored the
next one lists again. A record that came damaged is not listed again before it changes: while it is
new in quarantine it is looked up by its id, and what has none is listed once more. Whatever else
went wrong with a record, each list is read again from its beginning every week, a part of it in
each run.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Generic, TypeVar

from shared.domain.customers import Customer
from shared.domain.orders import Order
from shared.pos.paging import ReadAhead
from shared.pos.port import Page, PosClient
from shared.services.sync.gone import MissingRecords
from shared.services.sync.records import StreamRecords
from shared.services.sync.session import Session
from shared.store import quarantine
from shared.store.manifest import ANNOUNCED, SKIPPED, STORED

PAGES_AHEAD = 3
"""Pages that are read before they are stored. They are larger than those of other listings."""
READ_AGAIN_AFTER = timedelta(days=6)
"""Less than the week, by what the runs that read a list again may take."""
PAGES_READ_AGAIN = 40
"""In one run."""
NEW_FOR = timedelta(days=1)
"""How long a record is new in quarantine."""
LOOK_UPS = 20
"""Records in quarantine that are looked up in one run."""
PAGES_DAMAGED = 5
"""Pages of a list that are kept to be listed once more."""
AGAIN, DAMAGED = "again", "damaged"
"""What is read again of a list: all of it, and pages with damaged rows."""

R = TypeVar("R", Customer, Order)


@dataclass
class ChangedRecords(Generic[R]):
    """What the accounts list of one stream. ``listed`` asks an account for what has changed since a
    version; ``prepare`` is called with an account's place and each page of it, then ``store``,
    under the session's lock. ``entry_of`` is the manifest's key of a POS's id. ``deleted`` are the
    keys of all records that the POS says are no more."""

    session: Session
    records: StreamRecords
    missing: MissingRecords
    listed: Callable[[PosClient, int], Generator[Page[R], None, None]]
    store: Callable[[int, Page[R]], None]
    entry_of: Callable[[PosClient, str], str]
    prepare: Callable[[int, Page[R]], None] = lambda _account, _page: None
    deleted: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)
    _nameless: int = 0
    _known: int | None = None
    _damaged: set[int] = field(default_factory=set)

    def read(self, clients: Sequence[PosClient]) -> None:
        """Read every list on to its end; then a part of what is to be read again."""
        progress = self.session.progress
        keys = [list_key(self.records.stream, client) for client in clients]
        damaged = {key: list(self._damaged_pages(key)) for key in keys}
        whole = not any(key in progress.versions for key in keys)
        for account, (client, key) in enumerate(zip(clients, keys, strict=True)):
            for _ in self._stored(account, client, key, key):
                pass
            with self.session.lock:
                progress.listed_whole_at.setdefault(key, self.session.now())
        with self.session.lock:
            if whole:
                self._note_unlisted()
            self._look_up_damaged()
        for account, (client, key) in enumerate(zip(clients, keys, strict=True)):
            for place in damaged[key]:
                self._read_damaged(account, client, key, place)
            if self.session.now() - progress.listed_whole_at[key] >= READ_AGAIN_AFTER:
                self._read_again(account, client, key)

    def _read_again(self, account: int, client: PosClient, key: str) -> None:
        """Read on from the beginning to where the list was read before."""
        progress, place = self.session.progress, f"{key} {AGAIN}"
        for page in islice(self._stored(account, client, key, place), PAGES_READ_AGAIN):
            if page.last or progress.versions[place] >= progress.versions[key]:
                with self.session.lock:
                    del progress.versions[place]
                    progress.listed_whole_at[key] = self.session.now()
                return

    def _read_damaged(self, account: int, client: PosClient, key: str, place: str) -> None:
        """Read a page once more, again in the next run if it is still damaged."""
        versions = self.session.progress.versions
        after = versions[place]
        self._damaged.discard(after)
        for _ in islice(self._stored(account, client, key, place, pages_ahead=0), 1):
            with self.session.lock:
                del versions[place]
                if after in self._damaged:
                    versions[place] = after

    def _damaged_pages(self, key: str) -> Iterator[str]:
        """Under which the versions before such pages are kept."""
        return (
            each for each in self.session.progress.versions if each.startswith(f"{key} {DAMAGED} ")
        )

    def _stored(
        self,
        account: int,
        client: PosClient,
        key: str,
        place: str,
        pages_ahead: int = PAGES_AHEAD,
    ) -> Generator[Page[R], None, None]:
        """The pages of a list behind the version kept under ``place``, each once it is stored."""
        session, versions = self.session, self.session.progress.versions
        pages = self.listed(client, versions.get(place, 0))
        ahead = ReadAhead(pages, lambda _: False, pages_ahead) if pages_ahead else pages
        with closing(ahead):
            for page in ahead:
                self.prepare(account, page)
                with session.lock:
                    self.store(account, page)
                    self._note(client, page)
                    self._note_nameless(page, key, versions.get(place, 0))
                    versions[place] = page.resume
                    session.checkpoint_if_due()
                yield page
                if not page.last:
                    session.deadline.check()

    def _note(self, client: PosClient, page: Page[R]) -> None:
        """Note the page's records, and those that are no more: stored ones are to be looked up."""
        manifest, records = self.records.manifest, self.records
        listed = {record.id for record in page.records}
        self._seen |= listed | {r.record_id for r in page.rejected if r.record_id}
        self._nameless += sum(1 for r in page.rejected if not r.record_id)
        self.deleted -= listed
        gone = {self.entry_of(client, each) for each in page.deleted}
        self.deleted |= gone
        if not any(manifest.mark(i) in (STORED, SKIPPED, ANNOUNCED) for i in gone):
            return
        if self._known is None:
            self._known = manifest.count(STORED)
        stored = [i for i in self.deleted if manifest.mark(i) in (STORED, SKIPPED, ANNOUNCED)]
        fetched = records.tally.fetched
        self.missing.note(stored, listed=fetched, stored=self._known, unreadable=0)

    def _note_nameless(self, page: Page[R], key: str, after: int) -> None:
        """Have a page read once more that has rows without a readable id, new in quarantine."""
        since = self.session.now() - NEW_FOR
        ids = (quarantine.key_of(each) for each in page.rejected if not each.record_id)
        if any(not self.records.manifest.quarantined_before(i, since) for i in ids):
            self._damaged.add(after)
            if sum(1 for _ in self._damaged_pages(key)) < PAGES_DAMAGED:
                self.session.progress.versions[f"{key} {DAMAGED} {after}"] = after

    def _note_unlisted(self) -> None:
        """After every list was read from its beginning: note what is stored and not listed."""
        stored = {*self.records.may_be_stored(), *self.records.manifest.ids(SKIPPED)}
        gone = stored - self._seen - self.deleted - self.missing.to_look_up
        listed, unreadable = self.records.tally.fetched, self._nameless
        self.missing.note(gone, listed=listed, stored=len(stored), unreadable=unreadable)
        self.records.release_others()

    def _look_up_damaged(self) -> None:
        """Have records looked up that were put in quarantine by a run of the last day."""
        manifest, began = self.records.manifest, self.session.run.started_at
        since = self.session.now() - NEW_FOR
        damaged = (
            key
            for key in list(manifest.in_quarantine())
            if not key.startswith(quarantine.NAMELESS)
            and manifest.quarantined_before(key, began)
            and not manifest.quarantined_before(key, since)
        )
        for key in islice(damaged, LOOK_UPS):
            manifest.miss(key, held=False)


def list_key(stream: str, client: PosClient) -> str:
    """Under which the version of a list is kept."""
    return f"{stream} {account_of(client)}"


def account_of(client: PosClient) -> str:
    assert client.changes is not None
    return client.changes.account
