"""What was seen of some customers and their orders, and the writes that make the two agree.

Each customer's ``cid_`` document is read before the orders and written only if it is still the
same: of two computations at once, the one with the older view of the orders is refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.connected import Connected
from shared.domain.duplicates import Person
from shared.domain.identity import natural
from shared.domain.purchases import Purchases
from shared.domain.recommendations import Menu
from shared.domain.spending import Spending
from shared.domain.standing import Scales, standing_of
from shared.store import insights, paths, spending
from shared.store.database import Document, Remove, Update, Write
from shared.store.members import Member

RECOMMENDED = 5
"""How many products are recommended to a customer."""


@dataclass(frozen=True, slots=True)
class Change:
    """Writes that must be committed together, and the customers they concern.

    ``replaces``: they replace figures that another computation may have found right meanwhile,
    leaving no trace: once they are committed, the orders must be looked at again.
    """

    customer_ids: tuple[str, ...]
    writes: Sequence[Write]
    replaces: bool


@dataclass(frozen=True, slots=True)
class View:
    """What was seen: everybody who shares an e-mail or is one person with somebody in view is in
    view too. ``stored`` is what stands under each e-mail that one of them has or had."""

    org_id: str
    people: Mapping[str, Member]
    persons: Iterable[Person]
    stored: Mapping[str, Document]
    purchases: Mapping[str, Purchases]

    def changes(self, menu: Menu, scales: Scales, now: datetime) -> list[Change]:
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
                found.append(Change(tuple(ids), writes, replaces))
        return found

    def _groups(self) -> list[list[str]]:
        """The customers who must be written together."""
        connected = Connected()
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
            return [Remove(spending.path(self.org_id, email))] if stored.exists else []
        together = sum((self.purchases[i].spending for i in ids), Spending())
        fields = spending.document_of(together, org_id=self.org_id, customer_id=ids[0], email=email)
        if not spending.differs(stored, fields):
            return []
        return [spending.put_by_email(self.org_id, email, fields, now)]

    def _fields(
        self, customer_id: str, person: Person | None, menu: Menu, scales: Scales, now: datetime
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
            **insights.figures(bought.spending),
            **insights.standing(standing_of(bought.spending, scales, now)),
            **insights.tastes(preferences, recommended),
            **insights.links(customer_id, person),
        }

    def _linked_anew(self, customer_id: str, after: Mapping[str, Any]) -> bool:
        stored = self.people[customer_id].customer.fields
        return any(stored.get(name) != after[name] for name in insights.LINKS)

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
        differ = insights.differ(member.customer.fields, after)
        writes: list[Write] = []
        if check or differ or spending.differs(member.own, fields):
            writes.append(spending.put_by_id(self.org_id, customer_id, member.own, fields, now))
        if differ:
            stored = member.customer.fields
            changed = {n: v for n, v in after.items() if v is not None or n in stored}
            path = f"{paths.customers(self.org_id)}/{customer_id}"
            writes.append(Update(path, changed | {"updatedAt": now}))
        return writes


def _by_email(people: Iterable[Member]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for member in sorted(people, key=lambda each: natural(each.id)):
        if member.email:
            found.setdefault(member.email, []).append(member.id)
    return found
