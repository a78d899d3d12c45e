"""Records that the POS's list lacks: looked up one by one, and removed where the POS has them no
more. What is still to be looked up, and what waits for a person, stands in the manifest.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Literal, TypeVar

import structlog

from shared.domain.customers import Customer
from shared.domain.ids import natural_key
from shared.domain.orders import Order
from shared.domain.removal import AllowedRemovals, Decision, decide, removal_id
from shared.errors import OrgError, ProviderError
from shared.pos.port import Page, PosClient
from shared.services.sync.records import StreamRecords
from shared.services.sync.session import Session
from shared.store.manifest import ANNOUNCED, SKIPPED, STORED
from shared.store.runs import RECORDS_NAMED, Hold

LOOK_UPS = 100
"""Records looked up in one invocation at the most."""
CALLS_AT_ONCE = 8

R = TypeVar("R", Customer, Order)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RemovalRules:
    """The share of the records, in percent, up to which a removal needs no person, and which others
    a person allows."""

    max_percent: float
    allowed: AllowedRemovals
    deleted_customers: Literal["keep", "mark", "erase"] = "mark"
    """What becomes of customers who are gone."""


class MissingRecords:
    """One stream's records that its lists lack."""

    def __init__(self, session: Session, records: StreamRecords, rules: RemovalRules) -> None:
        self._session = session
        self._records = records
        self._manifest = records.manifest
        self._rules = rules

    @property
    def rules(self) -> RemovalRules:
        """Which of them are removed, and how."""
        return self._rules

    @property
    def to_look_up(self) -> set[str]:
        """Ids of the records that are missing and need no person's word."""
        return set(self._manifest.missing(held=False))

    def note(self, gone: Collection[str], *, listed: int, stored: int, unreadable: int) -> None:
        """Note the ``gone`` of the ``stored`` records of which a complete list has ``listed``,
        ``unreadable`` of them without a readable id."""
        removal = decide(
            listed=listed,
            stored=stored,
            gone=len(gone),
            unreadable=unreadable,
            max_delete_percent=self._rules.max_percent,
            allowed=self._rules.allowed.every,
            looked_up=True,
        )
        if removal.decision in (Decision.REMOVE, Decision.HOLD):
            held = removal.decision is Decision.HOLD
            log.info("records_missing", stream=self._records.stream, missing=len(gone), held=held)
            for record_id in gone:
                self._manifest.miss(record_id, held=held)

    def settle(
        self,
        look_up: Callable[[str], Page[R]],
        store: Callable[[Page[R]], None],
        remove: Callable[[Sequence[str]], None],
    ) -> None:
        """Look up what is missing: ``store`` what is found, ``remove`` what the POS has no more.
        What cannot be looked up, or is beyond LOOK_UPS, stays for the next run. Those that are
        held wait, unless a person allows them."""
        with self._session.lock:
            held = self._manifest.missing(held=True)
            if held and self._rules.allowed.cover(self._id(held)):
                for record_id in held:
                    self._manifest.miss(record_id, held=False)
            wanted = sorted(self.to_look_up, key=natural_key)[:LOOK_UPS]
        answers = _answers(wanted, look_up) if wanted else {}
        with self._session.lock:
            gone = []
            for record_id, page in answers.items():
                if page.rows:
                    store(page)
                else:
                    self._records.tally.requests += page.requests
                    if self._manifest.mark(record_id) in (STORED, SKIPPED, ANNOUNCED):
                        gone.append(record_id)
                        self._manifest.unsettle(record_id)
            if gone:
                remove(gone)
            for record_id in answers:
                self._manifest.listed(record_id)
            for record_id in gone:
                self._manifest.remove(record_id)
            self._records.tally.deleted += len(gone)
            self._hold()

    def _hold(self) -> None:
        stream, held = self._records.stream, self._manifest.missing(held=True)
        reason = (
            f"{len(held)} {stream} are missing from the POS's list, more than"
            f" {self._rules.max_percent:g}% of those it should have: nothing is removed until a"
            " person allows it"
        )
        self._session.hold(stream, held_removal(reason, self._id(held), held) if held else None)

    def _id(self, held: Sequence[str]) -> str:
        return removal_id(self._session.provider, self._records.stream, held)


def held_removal(
    reason: str, removal: str, record_ids: Collection[str], *, proven: bool = True
) -> Hold:
    """The hold of the removal of that id, of these records."""
    first = sorted(record_ids, key=natural_key)[:RECORDS_NAMED]
    return Hold(reason=reason, count=len(record_ids), id=removal, record_ids=first, proven=proven)


def of_first_account(
    clients: Sequence[PosClient], ask: Callable[[PosClient, str], Page[R]], record_id: str
) -> Page[R]:
    """A record, as a page, from the first account that has it; an empty page where none has."""
    page = ask(clients[0], record_id)
    for client in clients[1:]:
        if page.rows:
            break
        page = ask(client, record_id)
    return page


def of_each(
    clients: Sequence[PosClient],
    record_ids: Collection[str],
    ask: Callable[[PosClient, str], Page[R]],
) -> dict[str, Page[R]]:
    """Each record, by its id, from the first account that has it."""
    fetch, ids = partial(of_first_account, clients, ask), sorted(record_ids)
    # Each call its own copy: log fields and the trace of the run go along.
    fetches = [partial(copy_context().run, fetch, record_id) for record_id in ids]
    with ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="record") as pool:
        return dict(zip(ids, pool.map(lambda fetched: fetched(), fetches), strict=True))


def _answers(ids: Iterable[str], look_up: Callable[[str], Page[R]]) -> dict[str, Page[R]]:
    """The POS's answer for each id; none where it could not give one. After a failed look-up no
    more are begun."""
    answers: dict[str, Page[R]] = {}
    failed = Event()

    def ask(record_id: str) -> None:
        if failed.is_set():
            return
        try:
            answers[record_id] = look_up(record_id)
        except (ProviderError, OrgError) as error:
            log.info("look_up_failed", code=error.code)
            failed.set()

    with ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="gone") as pool:
        for asked in [pool.submit(copy_context().run, ask, record_id) for record_id in ids]:
            asked.result()
    return answers
