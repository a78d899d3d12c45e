"""One look at some customers and their orders, and the writes that make the two agree.

Each customer's ``cid_`` document is read before the orders and written only if it is still the
same: of two computations at once, the one with the older view of the orders is refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.domain.identity import natural
from shared.domain.segmentation import segment_of
from shared.domain.spending import Spending, fold
from shared.store import customers, spending
from shared.store.database import Database, Document, Remove, Write
from shared.store.spending import Member


@dataclass(frozen=True, slots=True)
class Change:
    """Writes that must be committed together, and the customers they concern."""

    customer_ids: tuple[str, ...]
    writes: Sequence[Write]


@dataclass(frozen=True, slots=True)
class View:
    """What was seen. ``groups`` are the ids that share an e-mail, ``stored`` what stands under
    each e-mail; both hold every e-mail that a customer in view has or had."""

    org_id: str
    people: Mapping[str, Member]
    groups: Mapping[str, Sequence[str]]
    stored: Mapping[str, Document]
    spent: Mapping[str, Spending]

    def changes(self, now: datetime) -> list["Change"]:
        """What must be written so that everything stored agrees with the orders."""
        changes: list[Change] = []
        alone = dict.fromkeys(self.people)
        for email, ids in self.groups.items():
            ours = [customer_id for customer_id in ids if customer_id in alone]
            for customer_id in ours:
                del alone[customer_id]
            writes = self._of_email(email, now)
            check = bool(writes)
            for customer_id in ours:
                writes += self._of_customer(self.people[customer_id], now, check=check)
            changes.append(Change(tuple(ours), writes))
        changes += [
            Change((customer_id,), self._of_customer(self.people[customer_id], now, check=False))
            for customer_id in alone
        ]
        return [change for change in changes if change.writes]

    def _of_email(self, email: str, now: datetime) -> list[Write]:
        stored = self.stored[email]
        ids = [customer_id for customer_id in self.groups[email] if customer_id in self.people]
        if not ids:
            return [Remove(spending.path(self.org_id, email))] if stored.exists else []
        together = sum((self.spent[customer_id] for customer_id in ids), Spending())
        fields = spending.document_of(together, org_id=self.org_id, customer_id=ids[0], email=email)
        if not spending.differs(stored, fields):
            return []
        return [spending.put_by_email(self.org_id, email, fields, now)]

    def _of_customer(self, member: Member, now: datetime, *, check: bool) -> list[Write]:
        """Writes for one customer. ``check``: somebody's figures rest on this customer's, whose
        version is therefore checked even where nothing of it changes."""
        spent = self.spent[member.id]
        fields = spending.document_of(
            spent, org_id=self.org_id, customer_id=member.id, email=member.email
        )
        segment = segment_of(
            order_count=spent.order_count,
            spent_cents=spent.total_cents,
            last_order_at=spent.last_order_at,
            now=now,
        )
        update = spending.customer_update(self.org_id, member, spent, segment, now)
        writes: list[Write] = []
        if check or update or spending.differs(member.own, fields):
            writes.append(spending.put_by_id(self.org_id, member, fields, now))
        if update:
            writes.append(update)
        return writes


def look_at(database: Database, org_id: str, customer_ids: Sequence[str]) -> View:
    """A view of some customers and of all who share an e-mail with them."""
    people = spending.members(database, org_id, customer_ids)
    emails = sorted(_emails(people.values()))
    groups = _grouped(emails, customers.having(database, org_id, "email", emails))
    others = {i for ids in groups.values() for i in ids} - people.keys()
    people |= spending.members(database, org_id, sorted(others, key=natural))
    documents = database.get_all([spending.path(org_id, email) for email in emails])
    stored = {email: documents[spending.path(org_id, email)] for email in emails}
    return _view(database, org_id, people, groups, stored, list(people))


def look_at_all(database: Database, org_id: str) -> View:
    """A view of every customer of the org, by three scans instead of look-ups."""
    people, documents = spending.everybody(database, org_id)
    emails = sorted(_emails(people.values()))
    pairs = ((m.email, m.id) for m in people.values() if m.email)
    none = Document(id="", fields={}, version=None, read_at=spending.NEVER)
    stored = {email: documents.get(spending.path(org_id, email), none) for email in emails}
    return _view(database, org_id, people, _grouped(emails, pairs), stored, None)


def _view(
    database: Database,
    org_id: str,
    people: Mapping[str, Member],
    groups: Mapping[str, Sequence[str]],
    stored: Mapping[str, Document],
    customer_ids: Sequence[str] | None,
) -> View:
    facts = spending.order_facts(database, org_id, customer_ids)
    spent = {customer_id: fold(facts.get(customer_id, ())) for customer_id in people}
    return View(org_id, people, groups, stored, spent)


def _emails(people: Iterable[Member]) -> set[str]:
    """Every e-mail the people have, or had when their spending was last kept."""
    found: set[str] = set()
    for member in people:
        found.update(e for e in (member.email, member.own.fields.get("email")) if e)
    return found


def _grouped(emails: Sequence[str], pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {email: [] for email in emails}
    for email, customer_id in pairs:
        groups[email].append(customer_id)
    return {email: sorted(ids, key=natural) for email, ids in groups.items()}
