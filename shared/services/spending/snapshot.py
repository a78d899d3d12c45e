"""What was seen of some customers and their orders, and the writes that make the two agree.

Each customer's ``cid_`` document is read before the orders and written only if it is still the
same: of two computations at once, the one with the older view of the orders is refused.

Looking at customers and their orders: some of them by look-ups, or all of them by scans.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.customer_scores import ScoringScales, customer_scores
from shared.domain.duplicates import CustomerContact, DuplicateGroup, duplicate_groups
from shared.domain.ids import natural_key
from shared.domain.recommendations import RecommendationIndex
from shared.domain.spending import Purchases, Spending
from shared.domain.union_find import UnionFind
from shared.store import customer_fields, customers, orders, paths, spending
from shared.store.database import Database, Document, Remove, Update, Write
from shared.store.spending import CustomerSnapshot

RECOMMENDED = 5
"""How many products are recommended to a customer."""


@dataclass(frozen=True, slots=True)
class SpendingChange:
    """Writes that must be committed together, and the customers they concern.

    ``replaces``: they replace figures that another computation may have found right meanwhile,
    leaving no trace: once they are committed, the orders must be looked at again.
    """

    customer_ids: tuple[str, ...]
    writes: Sequence[Write]
    replaces: bool


@dataclass(frozen=True, slots=True)
class SpendingSnapshot:
    """What was seen: everybody who shares an e-mail or is one person with somebody in view is in
    view too. ``stored`` is what stands under each e-mail that one of them has or had."""

    org_id: str
    people: Mapping[str, CustomerSnapshot]
    persons: Iterable[DuplicateGroup]
    stored: Mapping[str, Document]
    purchases: Mapping[str, Purchases]

    def changes(
        self, menu: RecommendationIndex, scales: ScoringScales, now: datetime
    ) -> list[SpendingChange]:
        """What must be written so that everything stored agrees with the orders."""
        person_of = {
            customer_id: person
            for person in self.persons
            for customer_id in (person.primary_id, *person.duplicate_ids)
        }
        sharing = _by_email(self.people.values())
        found = []
        for ids in self._groups():
            after = {i: self._fields(i, person_of.get(i), menu, scales, now) for i in ids}
            # What is written of some rests on the others too: none of them may have changed since.
            check = set(ids) if any(self._linked_anew(i, after[i]) for i in ids) else set()
            writes: list[Write] = []
            for email in sorted({e for i in ids for e in self.people[i].emails}):
                if written := self._of_email(email, sharing.get(email, []), now):
                    writes += written
                    check.update(sharing.get(email, []))
            for i in ids:
                writes += self._of_customer(i, after[i], now, check=i in check)
            if writes:
                replaces = any(self.people[i].own.exists for i in ids)
                found.append(SpendingChange(tuple(ids), writes, replaces))
        return found

    def _groups(self) -> list[list[str]]:
        """The customers who must be written together."""
        connected = UnionFind()
        had: dict[str, list[str]] = {}
        for customer_id, member in self.people.items():
            connected.connect([customer_id])
            for email in member.emails:
                had.setdefault(email, []).append(customer_id)
            connected.connect([customer_id, *(i for i in member.linked if i in self.people)])
        for ids in had.values():
            connected.connect(ids)
        for person in self.persons:
            connected.connect([person.primary_id, *person.duplicate_ids])
        return connected.groups()

    def _of_email(self, email: str, ids: Sequence[str], now: datetime) -> list[Write]:
        stored = self.stored[email]
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
        """What is to stand on the customer's document."""
        bought = self.purchases[customer_id]
        preferences = bought.preferences
        recommended = (
            menu.recommend(
                preferences, bought_product_ids=bought.bought_product_ids, limit=RECOMMENDED
            )
            if preferences
            else ()
        )
        return {
            **customer_fields.spending_fields(bought.spending),
            **customer_fields.score_fields(customer_scores(bought.spending, scales, now)),
            **customer_fields.preference_fields(preferences, recommended),
            **customer_fields.link_fields(customer_id, person),
        }

    def _linked_anew(self, customer_id: str, after: Mapping[str, Any]) -> bool:
        stored = self.people[customer_id].customer.fields
        return any(stored.get(name) != after[name] for name in customer_fields.LINK_FIELDS)

    def _of_customer(
        self, customer_id: str, after: dict[str, Any], now: datetime, *, check: bool
    ) -> list[Write]:
        """Writes for one customer. ``check``: somebody's figures rest on this customer's, whose
        version is therefore checked even where nothing of it changes."""
        member = self.people[customer_id]
        fields = spending.document_of(
            self.purchases[customer_id].spending,
            org_id=self.org_id,
            customer_id=customer_id,
            email=member.email,
        )
        differ = customer_fields.differs(member.customer.fields, after)
        writes: list[Write] = []
        if check or differ or spending.differs(member.own, fields):
            writes.append(spending.put_by_id(self.org_id, customer_id, member.own, fields, now))
        if differ:
            stored = member.customer.fields
            changed = {n: v for n, v in after.items() if v is not None or n in stored}
            path = f"{paths.customers(self.org_id)}/{customer_id}"
            writes.append(Update(path, changed | {"updatedAt": now}))
        return writes


def _by_email(people: Iterable[CustomerSnapshot]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for member in sorted(people, key=lambda each: natural_key(each.id)):
        if member.email:
            found.setdefault(member.email, []).append(member.id)
    return found


def read_snapshot(database: Database, org_id: str, customer_ids: Sequence[str]) -> SpendingSnapshot:
    """A view of some customers, of all who share an e-mail with them, and of all who are, or are
    said to be, one person with them: directly, or through each other."""
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
    email_paths = {email: spending.spending_path(org_id, email) for email in sorted(emails)}
    documents = database.get_all(list(email_paths.values()))
    return SpendingSnapshot(
        org_id=org_id,
        people=people,
        persons=duplicate_groups(_contact(member, fillers) for member in people.values()),
        stored={email: documents[path] for email, path in email_paths.items()},
        purchases=_purchases(database, org_id, people, list(people)),
    )


def read_full_snapshot(database: Database, org_id: str) -> SpendingSnapshot:
    """A view of every customer of the org, by three scans instead of look-ups."""
    people, kept = spending.all_snapshots(database, org_id)
    emails = {email for member in people.values() for email in member.emails}
    return SpendingSnapshot(
        org_id=org_id,
        people=people,
        persons=duplicate_groups(member.contact for member in people.values()),
        stored={
            e: kept.get(spending.spending_path(org_id, e), spending.MISSING) for e in sorted(emails)
        },
        purchases=_purchases(database, org_id, people, None),
    )


def _contact(member: CustomerSnapshot, fillers: set[str]) -> CustomerContact:
    """How to reach somebody; by a number that is on too many records, nobody can be."""
    phone = None if member.phone in fillers else member.phone
    return CustomerContact(member.id, member.email, phone)


def _purchases(
    database: Database, org_id: str, people: Iterable[str], customer_ids: Sequence[str] | None
) -> dict[str, Purchases]:
    """What everybody in view has bought. Orders are folded as they come in, none is kept."""
    found: defaultdict[str, Purchases] = defaultdict(Purchases)
    for customer_id, order in orders.facts_of_customers(database, org_id, customer_ids):
        found[customer_id].add(order)
    return {customer_id: found[customer_id] for customer_id in people}
