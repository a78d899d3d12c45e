"""What is stored of what customers have spent and of their segments, held against the recount.

Whoever differs is read once more, after the spending that is being computed.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.batches import batched
from shared.clock import Clock, Deadline
from shared.domain.changes import REMOVED_AT
from shared.domain.ids import natural_key
from shared.services.verification.expected_figures import Recount
from shared.services.verification.pos_side import PosSide
from shared.services.verification.recount import (
    NOTHING,
    Figures,
    count,
    dollars,
    moment,
    segments,
    together,
)
from shared.services.verification.result import Difference
from shared.services.verification.second_look import AT_ONCE, MOST, Looked
from shared.services.verification.stored_side import (
    ORDER_FIELDS,
    StoredOrder,
    StoredSide,
    StoredSpending,
    customer_in,
    id_key,
    order_in,
    spending_in,
    spending_key,
)
from shared.store import customers, paths, spending, spending_requests, verifications
from shared.store.database import Database, Document
from shared.store.spending_requests import SpendingRequest

POLL_SECONDS = 0.5
REQUESTS = 100
SELECT = (*customers.SPENDING_FIELDS, "segment", "email", REMOVED_AT)


@dataclass(frozen=True, slots=True)
class FigureComparison:
    """Compares a recount with what is stored. ``patience_seconds``: how long spending that is being
    computed is waited for. ``meanwhile`` are customers and orders that changed."""

    database: Database
    org_id: str
    sides: Sequence[PosSide]
    stored: StoredSide
    recount: Recount
    meanwhile: Collection[str]
    clock: Clock
    patience_seconds: float
    sleep: Callable[[float], None] = time.sleep

    def __call__(self) -> Looked:
        """The customers and spending documents that differ."""
        now = self.clock()
        wrong = {i for i in self.recount.verified if self._is_wrong(i, self.stored, now)}
        # A sample has only some of those who share an e-mail.
        whole = not any(side.sampled for side in self.sides)
        sharing = self.recount.by_email if whole else {}
        wrong_emails = {e for e, ids in sharing.items() if self._email_is_wrong(e, ids)}
        strays = self._strays(sharing) if whole else []
        looked = Looked()
        if not (wrong or wrong_emails or strays):
            return looked
        waiting = self._wait()
        unsure = waiting | self._changed()
        ids = sorted({*wrong, *(i for e in wrong_emails for i in sharing[e])}, key=natural_key)
        for some in batched(ids, AT_ONCE):
            if len(looked.differences) >= MOST:
                looked.more += len(some)
                continue
            self._look_again(some, wrong, unsure, looked, now)
        emails = [e for e in sorted(wrong_emails) if unsure.isdisjoint(sharing[e])]
        emails = [e for e in emails if looked.meanwhile.isdisjoint(sharing[e])]
        self._look_at_emails(emails, sharing, looked)
        self._look_at_strays([] if EVERYBODY in waiting else strays, looked)
        return looked

    def _is_wrong(self, customer_id: str, stored: StoredSide, now: datetime) -> bool:
        known, figures = stored.customers[customer_id], self.recount.figures[customer_id]
        own = stored.spending.get(id_key(customer_id))
        return (
            known.figures != figures
            or known.segment not in segments(figures, now)
            or own != self._own(customer_id)
        )

    def _own(self, customer_id: str) -> StoredSpending:
        """A customer's own spending document as it should be."""
        email = self.recount.emails.get(customer_id)
        return StoredSpending(self.recount.figures[customer_id], customer_id, email)

    def _of_email(self, email: str, ids: Sequence[str]) -> StoredSpending:
        """The spending document of an e-mail as it should be."""
        figures = together(self.recount.figures[i] for i in ids)
        return StoredSpending(figures, ids[0], email)

    def _email_is_wrong(self, email: str, ids: Sequence[str]) -> bool:
        key = spending.spending_path(self.org_id, email).rpartition("/")[2]
        if self.recount.verified.isdisjoint(ids):
            return False
        return self.stored.spending.get(key) != self._of_email(email, ids)

    def _strays(self, sharing: Mapping[str, Sequence[str]]) -> list[str]:
        """Ids of the spending documents of nobody."""
        people = {id_key(i) for i in (*self.recount.figures, *self.recount.excused)}
        return [
            key
            for key, known in self.stored.spending.items()
            if key not in people
            and spending_key(key) not in sharing
            and known.customer_id not in self.recount.excused
        ]

    def _wait(self) -> set[str]:
        """Wait for the spending that is being computed; the customers for whom it still is."""
        deadline = Deadline(self.patience_seconds)
        while True:
            asked = outstanding(self.database, self.org_id, self.clock())
            if not asked or deadline.passed:
                everybody = any(each.customer_ids is None for each in asked)
                named = {i for each in asked for i in each.customer_ids or ()}
                return named | ({EVERYBODY, *self.recount.figures} if everybody else set())
            self.sleep(POLL_SECONDS)

    def _changed(self) -> set[str]:
        """The customers who, or one of whose orders, changed while all this was read."""
        found = set(self.meanwhile)
        for side in self.sides:
            for key, pos in side.orders.items():
                if (pos.late or key in self.meanwhile) and pos.owner:
                    found.add(pos.owner)
            found.update(i for i, pos in side.customers.items() if pos.late)
        for key in self.meanwhile:
            if (known := self.stored.orders.get(key)) and known.owner:
                found.add(known.owner)
        return found

    def _look_again(
        self,
        ids: Sequence[str],
        wrong: Collection[str],
        unsure: Collection[str],
        looked: Looked,
        now: datetime,
    ) -> None:
        before = self._orders_of(set(ids))
        after: defaultdict[str, dict[str, StoredOrder]] = defaultdict(dict)
        for document in verifications.orders_of(self.database, self.org_id, ids, ORDER_FIELDS):
            known = order_in(document.fields)
            after[str(known.owner)][document.id] = known
        people = self._read([f"{paths.customers(self.org_id)}/{i}" for i in ids])
        own = self._read([spending.spending_path(self.org_id, id_key(i)) for i in ids])
        for i in ids:
            customer, document = people[i], own[id_key(i)]
            unchanged = (
                i not in unsure
                and before[i] == after[i]
                and self._figures_as_before(i, customer, document)
            )
            if not unchanged:
                looked.meanwhile.add(i)
            elif i in wrong:
                looked.differences += self._differences(i, customer, document, before[i], now)

    def _orders_of(self, ids: Collection[str]) -> defaultdict[str, dict[str, StoredOrder]]:
        found: defaultdict[str, dict[str, StoredOrder]] = defaultdict(dict)
        for key, known in self.stored.orders.items():
            if known.owner in ids:
                found[str(known.owner)][key] = known
        return found

    def _figures_as_before(self, customer_id: str, customer: Document, own: Document) -> bool:
        known, again = self.stored.customers[customer_id], customer_in(customer.fields)
        same = (known.figures, known.segment) == (again.figures, again.segment)
        kept = spending_in(own.fields) if own.exists else None
        return same and kept == self.stored.spending.get(own.id)

    def _differences(
        self,
        customer_id: str,
        customer: Document,
        own: Document,
        theirs: Mapping[str, StoredOrder],
        now: datetime,
    ) -> Iterator[Difference]:
        i, figures = customer_id, self.recount.figures[customer_id]
        # By the orders as they are stored: then these are what is wrong.
        follows = count(o.money for o in theirs.values() if o.money and not o.left_out)
        known = customer_in(customer.fields)
        path = f"{paths.customers(self.org_id)}/{customer_id}"
        if known.figures != figures:
            waits = known.figures == follows
            yield _difference("figures_differ", path, customer, _fields(figures), waits, i)
        if known.segment not in (right := segments(figures, now)):
            waits = known.figures != figures and known.segment in segments(follows, now)
            wanted = {"segment": right[0]}
            yield _difference("segment_differs", path, customer, wanted, waits, i)
        expected = self._own(customer_id)
        path = spending.spending_path(self.org_id, id_key(customer_id))
        if not own.exists:
            yield _missing(path, expected)
        elif (kept := spending_in(own.fields)) != expected:
            waits = kept.figures == follows and kept.figures != figures
            wanted = _document(expected)
            yield _difference("spending_differs", path, own, wanted, waits, i)

    def _look_at_emails(
        self, emails: Iterable[str], sharing: Mapping[str, Sequence[str]], looked: Looked
    ) -> None:
        for some in batched(emails, AT_ONCE):
            if len(looked.differences) >= MOST:
                looked.more += len(some)
                continue
            where = {e: spending.spending_path(self.org_id, e) for e in some}
            found = self._read(where.values())
            bought = self._orders_of({i for e in some for i in sharing[e]})
            for email, path in where.items():
                document = found[path.rpartition("/")[2]]
                expected = self._of_email(email, sharing[email])
                kept = spending_in(document.fields) if document.exists else None
                if kept == expected or kept != self.stored.spending.get(document.id):
                    continue
                if kept is None:
                    looked.differences.append(_missing(path, expected))
                    continue
                theirs = (o for i in sharing[email] for o in bought[i].values())
                follows = count(o.money for o in theirs if o.money and not o.left_out)
                waits = kept.figures == follows != expected.figures
                wanted, first = _document(expected), sharing[email][0]
                looked.differences.append(
                    _difference("spending_differs", path, document, wanted, waits, first)
                )

    def _look_at_strays(self, strays: Sequence[str], looked: Looked) -> None:
        collection = paths.customer_spending(self.org_id)
        for some in batched(strays, AT_ONCE):
            for key, document in self._read([f"{collection}/{i}" for i in some]).items():
                if document.exists and spending_in(document.fields) == self.stored.spending[key]:
                    shown = {n: v for n, v in document.fields.items() if n in SELECT}
                    path = f"{collection}/{key}"
                    looked.differences.append(
                        Difference(
                            kind="spending_stray",
                            path=path,
                            stored=shown,
                            customer_id=self.stored.spending[key].customer_id,
                        )
                    )

    def _read(self, where: Iterable[str]) -> dict[str, Document]:
        found = self.database.get_all(list(where))
        return {path.rpartition("/")[2]: document for path, document in found.items()}


EVERYBODY = "*"
"""Stands for all customers among those whose spending is being computed."""


def outstanding(database: Database, org_id: str, now: datetime) -> list[SpendingRequest]:
    """The requests for spending that are not done."""
    soon = now + timedelta(days=1)
    return spending_requests.waiting_since(database, org_id, soon, REQUESTS)


def _fields(figures: Figures) -> dict[str, Any]:
    found = {
        "totalSpent": dollars(figures.cents),
        "orderCount": figures.orders,
        "avgOrderValue": dollars(figures.average),
        "firstOrderDate": moment(figures.first),
        "lastOrderDate": moment(figures.last),
    }
    return {name: value for name, value in found.items() if value is not None}


def _document(expected: StoredSpending) -> dict[str, Any]:
    found = _fields(expected.figures or NOTHING) | {"customerId": expected.customer_id}
    return found | ({"email": expected.email} if expected.email else {})


def _missing(path: str, expected: StoredSpending) -> Difference:
    return Difference(
        kind="spending_missing",
        path=path,
        expected=_document(expected),
        customer_id=expected.customer_id,
    )


def _difference(
    kind: str,
    path: str,
    document: Document,
    expected: Mapping[str, Any],
    waits: bool,
    customer_id: str,
) -> Difference:
    stored = document.fields
    compared: Sequence[str] = (*customers.SPENDING_FIELDS, "customerId", "email")
    if "orderCount" not in expected:
        compared = list(expected)
    elif "customerId" not in expected:
        compared = customers.SPENDING_FIELDS
    wrong = [n for n in compared if stored.get(n) != expected.get(n)]
    return Difference(
        kind=kind,
        path=path,
        stored={n: stored[n] for n in wrong if n in stored},
        expected={n: expected[n] for n in wrong if n in expected},
        awaits_sync=waits,
        customer_id=customer_id,
    )
