"""The stored state of some customers and their orders, and the writes that bring it up to date.

A snapshot holds whole groups: all customers who share an e-mail, or are or were linked as the same
person. It is read by look-ups (``read_snapshot``) or, for all customers, by three scans
(``read_full_snapshot``).

Each customer's ``cid_`` document is read before the orders and written only if unchanged since: of
two computations at once, the one with the older view of the orders is refused
(docs/decisions/2026-11-21-spending-keys.md).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from shared.domain.customer_scores import ScoringScales, customer_scores
from shared.domain.customers import CustomerContact, DuplicateGroup, connected, duplicate_groups
from shared.domain.ids import natural_key
from shared.domain.preferences import Purchases, RecommendationIndex
from shared.domain.spending import Spending
from shared.services.spending.quarantine import FailedGroup, SpendingNotComputed
from shared.store import customers, orders, paths, spending
from shared.store.database import Database, Document, Remove, Update, Write
from shared.store.spending import CustomerSnapshot

RECOMMENDED = 5
"""How many products are recommended to a customer."""


@dataclass(frozen=True, slots=True)
class SpendingChange:
    """Writes that must be committed together, and the customers they concern.

    ``replaces``: they replace stored figures, which another computation may meanwhile have found
    right without a write: after the commit the orders must be read again.
    """

    customer_ids: tuple[str, ...]
    writes: Sequence[Write]
    replaces: bool


class Changes(NamedTuple):
    """What is to be committed, and the customers for whom nothing could be computed."""

    found: Sequence[SpendingChange]
    failed: Sequence[FailedGroup]


@dataclass(frozen=True, slots=True)
class SpendingSnapshot:
    """``persons`` are those with several records; ``by_email`` is the spending document of each
    e-mail that one of the customers has, or had when it was last written; ``unreadable`` are the
    customers with an order that cannot be added up."""

    org_id: str
    people: Mapping[str, CustomerSnapshot]
    persons: Sequence[DuplicateGroup]
    by_email: Mapping[str, Document]
    purchases: Mapping[str, Purchases]
    unreadable: Mapping[str, Exception]

    def changes(self, menu: RecommendationIndex, scales: ScoringScales, now: datetime) -> Changes:
        """The writes after which all that is stored agrees with the orders. A group of customers
        that cannot be computed takes nothing from the others."""
        person_of = {
            customer_id: person
            for person in self.persons
            for customer_id in (person.primary_id, *person.duplicate_ids)
        }
        sharing = self._sharing_email()
        found: list[SpendingChange] = []
        failed: list[FailedGroup] = []
        for ids in self._groups():
            try:
                after = {i: self._fields(i, person_of.get(i), menu, scales, now) for i in ids}
                change = self._change(ids, after, sharing, now)
            except Exception as cause:
                error = SpendingNotComputed()
                error.__cause__ = cause
                failed.append(FailedGroup(tuple(ids), error))
                continue
            if change.writes:
                found.append(change)
        return Changes(found, failed)

    def _change(
        self,
        ids: Sequence[str],
        after: Mapping[str, dict[str, Any]],
        sharing: Mapping[str, Sequence[str]],
        now: datetime,
    ) -> SpendingChange:
        """The writes for one group, whose calculated fields are to be ``after``."""
        # Links and an e-mail's sum depend on several customers: none of those may have changed.
        relinked = any(
            self.people[i].customer.fields.get(name) != after[i][name]
            for i in ids
            for name in customers.LINK_FIELDS
        )
        check = set(ids) if relinked else set()
        writes: list[Write] = []
        for email in sorted({e for i in ids for e in self.people[i].emails}):
            having = sharing.get(email, ())
            if written := self._write_email(email, having, now):
                writes += written
                check.update(having)
        for i in ids:
            writes += self._write_customer(i, after[i], now, check=i in check)
        return SpendingChange(tuple(ids), writes, any(self.people[i].own.exists for i in ids))

    def _groups(self) -> list[list[str]]:
        """The customers who must be written together, as they share or shared an e-mail, or are or
        were linked as one person."""
        links = [[person.primary_id, *person.duplicate_ids] for person in self.persons]
        emails: defaultdict[str, list[str]] = defaultdict(list)
        for customer_id, member in self.people.items():
            links.append([customer_id, *(i for i in member.linked if i in self.people)])
            for email in member.emails:
                emails[email].append(customer_id)
        return connected([*links, *emails.values()])

    def _sharing_email(self) -> Mapping[str, list[str]]:
        """The customers who have each e-mail now, sorted by id."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for customer_id in sorted(self.people, key=natural_key):
            if email := self.people[customer_id].email:
                found[email].append(customer_id)
        return found

    def _write_email(self, email: str, ids: Sequence[str], now: datetime) -> list[Write]:
        """The write for the spending of all customers with the e-mail together, if it differs."""
        stored = self.by_email[email]
        if not ids:
            return [Remove(spending.spending_path(self.org_id, email))] if stored.exists else []
        together = sum((self.purchases[i].spending for i in ids), Spending())
        fields = spending.document_of(together, org_id=self.org_id, customer_id=ids[0], email=email)
        if not spending.differs(stored, fields):
            return []
        return [spending.put_by_email(self.org_id, email, fields, now)]

    def _fields(
        self,
        customer_id: str,
        person: DuplicateGroup | None,
        menu: RecommendationIndex,
        scales: ScoringScales,
        now: datetime,
    ) -> dict[str, Any]:
        """The calculated fields of the customer's document; none for one removed at the POS."""
        if error := self.unreadable.get(customer_id):
            raise error
        if self.people[customer_id].removed:
            return dict.fromkeys(customers.CALCULATED)
        bought = self.purchases[customer_id]
        liked = bought.preferences
        recommended = liked and menu.recommend(
            liked, bought_product_ids=bought.bought_product_ids, limit=RECOMMENDED
        )
        return {
            **customers.spending_fields(bought.spending),
            **customers.score_fields(customer_scores(bought.spending, scales, now)),
            **customers.preference_fields(liked, recommended or ()),
            **customers.link_fields(customer_id, person),
        }

    def _write_customer(
        self, customer_id: str, after: dict[str, Any], now: datetime, *, check: bool
    ) -> list[Write]:
        """The writes for one customer's two documents, as far as they differ. ``check``: other
        writes depend on this customer, whose version is checked even if nothing differs."""
        member = self.people[customer_id]
        fields = spending.document_of(
            self.purchases[customer_id].spending,
            org_id=self.org_id,
            customer_id=customer_id,
            email=member.email,
        )
        differ = customers.differs(member.customer.fields, after)
        writes: list[Write] = []
        if member.removed:
            where = spending.spending_path(self.org_id, spending.id_key(customer_id))
            writes += [Remove(where)] if member.own.exists else []
        elif check or differ or spending.differs(member.own, fields):
            writes.append(spending.put_by_id(self.org_id, customer_id, member.own, fields, now))
        if differ:
            stored = member.customer.fields
            changed = {n: v for n, v in after.items() if v is not None or n in stored}
            path = f"{paths.customers(self.org_id)}/{customer_id}"
            writes.append(Update(path, changed | {"updatedAt": now}))
        return writes


def read_snapshot(database: Database, org_id: str, customer_ids: Sequence[str]) -> SpendingSnapshot:
    """A snapshot of some customers and of all who are connected with them, directly or not."""
    people: dict[str, CustomerSnapshot] = {}
    emails: set[str] = set()
    phones: set[str] = set()
    fillers: set[str] = set()
    seen: set[str] = set()
    wanted = set(customer_ids)
    while wanted:
        seen |= wanted
        found = spending.snapshots(database, org_id, sorted(wanted, key=natural_key))
        people |= found
        new_emails = {e for member in found.values() for e in member.emails} - emails
        new_phones = {member.phone for member in found.values() if member.phone} - phones
        emails |= new_emails
        phones |= new_phones
        by_phone, too_common = spending.customers_sharing_phones(database, org_id, new_phones)
        fillers |= too_common
        wanted = {i for member in found.values() for i in member.linked} | by_phone
        wanted |= {i for _, i in customers.having(database, org_id, "email", new_emails)}
        wanted -= seen
    present = [customer_id for customer_id in people if not people[customer_id].removed]
    email_paths = {email: spending.spending_path(org_id, email) for email in sorted(emails)}
    documents = database.get_all(list(email_paths.values()))
    purchases, unreadable = _purchases(database, org_id, people, present)
    return SpendingSnapshot(
        org_id=org_id,
        people=people,
        persons=duplicate_groups(_contact(member, fillers) for member in people.values()),
        by_email={email: documents[path] for email, path in email_paths.items()},
        purchases=purchases,
        unreadable=unreadable,
    )


def read_full_snapshot(database: Database, org_id: str) -> SpendingSnapshot:
    """A snapshot of every customer of the org."""
    people, kept = spending.all_snapshots(database, org_id)
    emails = {email for member in people.values() for email in member.emails}
    purchases, unreadable = _purchases(database, org_id, people, None)
    return SpendingSnapshot(
        org_id=org_id,
        people=people,
        persons=duplicate_groups(member.contact for member in people.values()),
        by_email={
            e: kept.get(spending.spending_path(org_id, e), spending.MISSING) for e in sorted(emails)
        },
        purchases=purchases,
        unreadable=unreadable,
    )


def _contact(member: CustomerSnapshot, fillers: set[str]) -> CustomerContact:
    """A customer's e-mail and phone; a number on too many records is left out."""
    phone = None if member.phone in fillers else member.phone
    return CustomerContact(member.id, member.email, phone)


def _purchases(
    database: Database,
    org_id: str,
    people: Mapping[str, CustomerSnapshot],
    customer_ids: Sequence[str] | None,
) -> tuple[dict[str, Purchases], dict[str, Exception]]:
    """What each of ``people`` has bought, nothing where they were removed at the POS; the errors of
    those whose orders cannot be added up. Orders are added up as they are read, none is kept."""
    found: defaultdict[str, Purchases] = defaultdict(Purchases)
    unreadable: dict[str, Exception] = {}
    for customer_id, order in orders.facts_of_customers(database, org_id, customer_ids):
        try:
            if customer_id in people and not people[customer_id].removed:
                found[customer_id].add(order)
        except Exception as error:
            # Not even the customer's id is sure to be a text.
            unreadable[str(customer_id)] = error
    return {customer_id: found[customer_id] for customer_id in people}, unreadable
