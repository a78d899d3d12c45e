"""Erases a customer of an org from every place (``collections``).

First it is stored whom to suppress, as salted hashes: from then on no sync brings the person back.
What is found by the person's e-mail, number and name comes next, as long as the customer's document
says these; that document goes after it; what is found by hashes is last. So an erasure that is
killed at any moment and asked for again goes on, and ends the same.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from shared.batches import batched
from shared.clock import Clock, Deadline, OutOfTime
from shared.domain.erasure import ErasedPeople, PersonalData, erasure_id
from shared.domain.runs import ERASURE_RUN
from shared.errors import RetryLater
from shared.services.admin.audit import Actor, record_action
from shared.services.erasure.collections import redacted_of_org
from shared.services.erasure.holding import LEASE_TTL, PATIENCE_SECONDS, OrgHold
from shared.services.erasure.person import person_of
from shared.services.erasure.redaction import anonymous_order, redaction, without_entries
from shared.services.runs.lifecycle import ActiveRun
from shared.store import erasures, manifest, metrics, paths
from shared.store.customers import LINK_FIELDS
from shared.store.database import Contention, Database, Document, Remove, Update, Write, commits
from shared.store.erasures import StoredErasure
from shared.store.runs import Run

ATTEMPTS = 5
PAGE = 1_000
FEW = 50
"""Documents in memory that have up to some 100 KB."""
FEW_PACKED = 10
"""The same for documents of up to 1 MiB."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EraseCustomer:
    """Erases customers. ``seconds`` is how long one call works; what is left is done when the same
    is asked for again. ``lease_ttl`` is how long a silent worker keeps the org."""

    database: Database
    clock: Clock
    seconds: float = 240.0
    lease_ttl: timedelta = LEASE_TTL
    patience_seconds: float = PATIENCE_SECONDS

    def __call__(
        self, org_id: str, customer_id: str, actor: Actor, *, alone: bool = False
    ) -> StoredErasure:
        """Erase the person whom a customer's record stands for: its state is ``running`` where the
        time did not suffice. ``alone``: that record, not those linked with it. Raises ErasureWaits
        while a run has the org, and NotFound for an unknown org."""
        deadline = Deadline(self.seconds)
        with ExitStack() as held:
            run_id = ERASURE_RUN + hash_of_request(org_id, customer_id)
            run = OrgHold(self.database, self.clock, self.lease_ttl, self.patience_seconds)(
                held, org_id, run_id
            )
            people = erasures.salted(self.database, org_id)
            name = erasure_id(people.salt, customer_id)
            before = erasures.read(self.database, org_id, name)
            erasure = before if before and before.state == "running" else None
            erasure = erasure or StoredErasure(by=actor.uid, asked_at=self.clock())
            record_action(
                self.database,
                actor,
                "customer_erased",
                org_id=org_id,
                target=name,
                now=self.clock(),
                writes=[erasures.put(org_id, name, erasure)],
            )
            person = person_of(self.database, org_id, customer_id, alone=alone)
            erasing = _Erasing(run, people.adding(person), person, name, erasure, deadline)
            try:
                erasing.work()
            except OutOfTime:
                run.hand_over([])
                log.info("erasure_continues", org_id=org_id, steps=len(erasure.steps))
                return erasure
            erasure.state, erasure.done_at = "done", self.clock()
            left = manifest.without(run.unsettled, erasing.people.has_id)
            run.end([erasures.put(org_id, name, erasure)], left)
        log.info("customer_erased", org_id=org_id, erasure_id=name, **erasure.steps)
        return erasure


@dataclass(frozen=True, slots=True)
class ErasureReads:
    """Reads what erasures an org has had."""

    database: Database

    def __call__(self, org_id: str) -> list[tuple[str, StoredErasure]]:
        """Erasures by id, the latest first."""
        return erasures.of_org(self.database, org_id)


class _Erasing:
    """One erasure under way. ``person`` is what is known of the person now: less each time that an
    erasure which was killed is gone on with."""

    def __init__(
        self,
        run: ActiveRun[Run],
        people: ErasedPeople,
        person: PersonalData,
        name: str,
        erasure: StoredErasure,
        deadline: Deadline,
    ) -> None:
        self.people = people
        self._run = run
        self._database = run.database
        self._org_id = run.org_id
        self._person = person
        self._name = name
        self._erasure = erasure
        self._deadline = deadline

    def work(self) -> None:
        """Take the steps that are not done. Raises OutOfTime between two commits."""
        for write in erasures.put_people(self._org_id, self.people):
            self._run.commit([write])
        steps: list[tuple[str, Callable[[], int]]] = [
            ("dead_letters", self._letters),
            *((each, partial(self._redacted, each)) for each in redacted_of_org()),
            ("skipped_orders", self._skipped_orders),
            ("orders", self._orders),
            ("customers", self._customers),
            ("links", self._links),
            ("sync_manifests", self._entries),
            ("metrics", self._metrics),
        ]
        for name, step in steps:
            if name not in self._erasure.steps:
                self._erasure.steps[name] = step()
                self._erasure.after = None
                self._run.commit([self._progress()])

    def _letters(self) -> int:
        letters = (
            page
            for org in (self._org_id, None)
            for page in batched(erasures.letters(self._database, org), FEW)
        )
        return sum(self._rewrite(page, self._redaction) for page in letters)

    def _redacted(self, name: str) -> int:
        return sum(
            self._rewrite(page, self._redaction)
            for page in erasures.pages(self._database, self._collection(name), size=FEW)
        )

    def _redaction(self, document: Document) -> Write | None:
        return redaction(document, self._person)

    def _skipped_orders(self) -> int:
        def removed(order: Document) -> Write | None:
            theirs = order.fields.get("posCustomerId") in self._person.ids
            return Remove(order.path) if theirs else None

        collection = paths.skipped_orders(self._org_id)
        return sum(
            self._rewrite(page, removed)
            for page in erasures.pages(self._database, collection, select=["posCustomerId"])
        )

    def _orders(self) -> int:
        collection, count = paths.orders(self._org_id), 0
        for page in erasures.pages(self._database, collection, after=self._erasure.after):
            count += self._rewrite(page, lambda order: anonymous_order(order, self._person))
            self._erasure.after = page[-1].id
            self._run.commit([self._progress()])
        return count

    def _customers(self) -> int:
        """Delete everybody who is to be suppressed: the customers of this erasure, and whom a
        backup has brought back."""
        count = 0
        collection = paths.customers(self._org_id)
        for page in erasures.pages(self._database, collection, select=["id"], size=PAGE):
            ids = {each.id for each in page if self.people.has_id(each.id)}
            count += self._erase_customers(ids)
        return count + self._erase_customers(self._person.ids)

    def _erase_customers(self, ids: Iterable[str]) -> int:
        wanted = sorted(ids)
        for customer_id in wanted:
            self._remove(erasures.ledger_of(self._database, self._org_id, customer_id))
        self._remove(erasures.spending_of(self._database, self._org_id, wanted))
        return self._remove(f"{paths.customers(self._org_id)}/{each}" for each in wanted)

    def _links(self) -> int:
        """Take the person's records out of others' links."""
        return sum(
            self._rewrite(page, self._without_links)
            for page in erasures.pages(
                self._database, paths.customers(self._org_id), select=LINK_FIELDS, size=PAGE
            )
        )

    def _without_links(self, customer: Document) -> Write | None:
        of, ids = customer.fields.get("duplicateOf"), customer.fields.get("duplicateIds") or []
        left = [each for each in ids if not self.people.has_id(each)]
        changed: dict[str, object] = {}
        if self.people.has_id(of):
            changed["duplicateOf"] = None
        if left != list(ids):
            changed["duplicateIds"] = left or None
        return Update(customer.path, changed, if_version=customer.version) if changed else None

    def _entries(self) -> int:
        collection = paths.manifests(self._org_id)
        return sum(
            self._rewrite(page, lambda part: without_entries(part, self.people))
            for page in erasures.pages(self._database, collection, size=FEW_PACKED)
        )

    def _metrics(self) -> int:
        """Twice, and in between a worker at a report is made to read its parts again: it may have
        read them before."""
        count = self._parts()
        self._run.commit(metrics.touch_progress(self._database, self._org_id))
        return count + self._parts()

    def _parts(self) -> int:
        folders = metrics.csv_folders(self._database, self._org_id)
        return sum(
            self._rewrite(page, lambda part: metrics.without_customers(part, self.people.has_id))
            for folder in [*folders, paths.metrics_state(self._org_id)]
            for page in erasures.pages(self._database, folder, size=FEW_PACKED)
        )

    def _rewrite(
        self, page: Sequence[Document], rewritten: Callable[[Document], Write | None]
    ) -> int:
        """Commit what becomes of some documents; how many have changed."""
        self._deadline.check()
        writes = [write for write in map(rewritten, page) if write is not None]
        for part in commits(writes):
            try:
                self._run.commit(part)
            except Contention:
                for write in part:
                    self._rewrite_anew(write.path, rewritten)
        return len(writes)

    def _rewrite_anew(self, path: str, rewritten: Callable[[Document], Write | None]) -> None:
        """The same for a document that others were writing."""
        for _ in range(ATTEMPTS):
            found = self._database.get(path)
            write = rewritten(found) if found.exists else None
            if write is None:
                return
            with suppress(Contention):
                self._run.commit([write])
                return
        raise RetryLater("others keep changing what is to be erased: ask again")

    def _remove(self, documents: Iterable[str]) -> int:
        count = 0
        for part in commits(map(Remove, documents)):
            self._deadline.check()
            self._run.commit(part)
            count += len(part)
        return count

    def _progress(self) -> Write:
        return erasures.put(self._org_id, self._name, self._erasure)

    def _collection(self, name: str) -> str:
        return f"{paths.tenant(self._org_id)}/{name}"


def hash_of_request(org_id: str, customer_id: str) -> str:
    """By which copies of one request know each other while the org is theirs."""
    return hashlib.blake2b(f"{org_id} {customer_id}".encode(), digest_size=10).hexdigest()
