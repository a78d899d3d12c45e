"""The stored state of some customers and their orders, and the writes that bring it up to date.

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
from shared.domain.customers import DuplicateGroup, connected
from shared.domain.ids import natural_key
from shared.domain.preferences import Purchases, RecommendationIndex
from shared.domain.spending import Spending
from shared.services.spending.quarantine import FailedGroup, SpendingNotComputed
from shared.store import customers, paths, spending
from shared.store.database import Document, Remove, Update, Write
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
    """What is to be committed, the customers for whom nothing could be computed, and those who
    are to be looked up: they depend on others who are not in the snapshot."""

    found: Sequence[SpendingChange]
    failed: Sequence[FailedGroup]
    unsure: Sequence[str]


@dataclass(frozen=True, slots=True)
class SpendingSnapshot:
    """``persons`` are those with several records, None: the links are left as they are;
    ``by_email`` is the spending document of each e-mail that one of the customers has, or had when
    it was last written; ``unreadable`` are the customers with an order that cannot be added up.

    The e-mails of those ``apart`` are left as they are. Of those ``unsure`` nothing is computed.
    ``as_stored``: the purchases are no more than the stored spending, orders were not read.
    """

    org_id: str
    people: Mapping[str, CustomerSnapshot]
    persons: Sequence[DuplicateGroup] | None
    by_email: Mapping[str, Document]
    purchases: Mapping[str, Purchases]
    unreadable: Mapping[str, Exception]
    apart: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()
    as_stored: bool = False

    def changes(self, menu: RecommendationIndex, scales: ScoringScales, now: datetime) -> Changes:
        """The writes after which all that is stored agrees with the orders. A group of customers
        that cannot be computed takes nothing from the others."""
        person_of = {
            customer_id: person
            for person in self.persons or ()
            for customer_id in (person.primary_id, *person.duplicate_ids)
        }
        sharing = self._sharing_email()
        found: list[SpendingChange] = []
        failed: list[FailedGroup] = []
        unsure: list[str] = []
        for ids in self._groups():
            if not self.unsure.isdisjoint(ids):
                unsure += ids
                continue
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
        return Changes(found, failed, unsure)

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
        for email in sorted({e for i in ids for e in self._emails_of(i)}):
            having = sharing.get(email, ())
            if written := self._write_email(email, having, now):
                writes += written
                check.update(having)
        for i in ids:
            writes += self._write_customer(i, after[i], now, check=i in check)
        replaces = not self.as_stored and any(self.people[i].own.exists for i in ids)
        return SpendingChange(tuple(ids), writes, replaces)

    def _emails_of(self, customer_id: str) -> set[str]:
        return set() if customer_id in self.apart else self.people[customer_id].emails

    def _groups(self) -> list[list[str]]:
        """The customers who must be written together, as they share or shared an e-mail, or are or
        were linked as one person."""
        links = [[person.primary_id, *person.duplicate_ids] for person in self.persons or ()]
        emails: defaultdict[str, list[str]] = defaultdict(list)
        for customer_id, member in self.people.items():
            linked = set() if self.persons is None else member.linked
            links.append([customer_id, *(i for i in linked if i in self.people)])
            for email in self._emails_of(customer_id):
                emails[email].append(customer_id)
        return connected([*links, *emails.values()])

    def _sharing_email(self) -> Mapping[str, list[str]]:
        """The customers who have each e-mail now, sorted by id."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for customer_id in sorted(self.people, key=natural_key):
            email = self.people[customer_id].email
            if email and customer_id not in self.apart:
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
        stored = self.people[customer_id].customer.fields
        bought = self.purchases[customer_id]
        if self.as_stored:
            preferences = {name: stored.get(name) for name in customers.PREFERENCE_FIELDS}
        else:
            liked = bought.preferences or customers.pos_preferences_in(stored)
            recommended = liked and menu.recommend(
                liked, bought_product_ids=bought.bought_product_ids, limit=RECOMMENDED
            )
            preferences = customers.preference_fields(liked, recommended or ())
        links = {name: stored.get(name) for name in customers.LINK_FIELDS}
        return {
            **customers.spending_fields(bought.spending),
            **customers.score_fields(customer_scores(bought.spending, scales, now)),
            **preferences,
            **(links if self.persons is None else customers.link_fields(customer_id, person)),
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
            digest=self._digest(member),
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

    def _digest(self, member: CustomerSnapshot) -> str | None:
        """As stored where the orders were not read."""
        if self.as_stored:
            return member.own.fields.get("digest")
        return spending.digest_of(self.purchases[member.id].spending, member.customer.fields)
