"""A customer as spending sees one: the document, and what spending has written elsewhere."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.domain.customers import identifies
from shared.domain.duplicates import MOST_SHARING, Contact
from shared.store import customers, insights, paths, spending
from shared.store.database import Database, Document

FIELDS = ("email", "phoneE164", *insights.FIELDS)
MISSING = Document(id="", fields={}, version=None, read_at=datetime.fromtimestamp(0, UTC))


@dataclass(frozen=True, slots=True)
class Member:
    """A customer's document and own ``cid_`` document."""

    id: str
    customer: Document
    own: Document

    @property
    def email(self) -> str | None:
        """An e-mail that says who they are."""
        email = self.customer.fields.get("email")
        return email if identifies(email) else None

    @property
    def emails(self) -> set[str]:
        """The e-mail they have, and the one they had when their spending was last kept."""
        return {e for e in (self.email, self.own.fields.get("email")) if e}

    @property
    def phone(self) -> str | None:
        """E.164, where the customer has a valid number."""
        return self.customer.fields.get("phoneE164")

    @property
    def linked(self) -> set[str]:
        """The customers of whom they are said to be a duplicate, or who are said to be theirs."""
        fields = self.customer.fields
        return {i for i in (fields.get("duplicateOf"), *(fields.get("duplicateIds") or ())) if i}

    @property
    def contact(self) -> Contact:
        return Contact(self.id, self.email, self.phone)


def members(database: Database, org_id: str, customer_ids: Sequence[str]) -> dict[str, Member]:
    """The customers of the given ids that exist, by id."""
    customer_paths = {f"{paths.customers(org_id)}/{i}": i for i in customer_ids}
    own_paths = {i: spending.path(org_id, spending.id_key(i)) for i in customer_ids}
    found = database.get_all([*customer_paths, *own_paths.values()])
    return {
        customer_id: Member(customer_id, found[customer_path], found[own_paths[customer_id]])
        for customer_path, customer_id in customer_paths.items()
        if found[customer_path].exists
    }


def everybody(database: Database, org_id: str) -> tuple[dict[str, Member], dict[str, Document]]:
    """Every customer by id, and every spending document by path."""
    kept = {
        f"{paths.customer_spending(org_id)}/{document.id}": document
        for document in database.query(paths.customer_spending(org_id))
    }
    people = {
        document.id: Member(
            document.id,
            document,
            kept.get(spending.path(org_id, spending.id_key(document.id)), MISSING),
        )
        for document in database.query(paths.customers(org_id), select=FIELDS)
    }
    return people, kept


def sharing_phones(
    database: Database, org_id: str, phones: Iterable[str]
) -> tuple[set[str], set[str]]:
    """Ids of the customers that have one of the numbers, and the fillers among the numbers: those
    on more records than one person has. Whoever has a filler is not looked for, which might cost
    a read for each customer of the org."""
    wanted = sorted(set(phones))
    ids: set[str] = set()
    fillers: set[str] = set()
    for start in range(0, len(wanted), customers.IN_LIMIT):
        chunk = wanted[start : start + customers.IN_LIMIT]
        having = _having(database, org_id, chunk)
        if sum(map(len, having.values())) >= _most(chunk):
            # Cut short: some of them are fillers, and may have hidden the others.
            having = {
                p: i for phone in chunk for p, i in _having(database, org_id, [phone]).items()
            }
        for phone, found in having.items():
            if len(found) > MOST_SHARING:
                fillers.add(phone)
            else:
                ids.update(found)
    return ids, fillers


def _having(database: Database, org_id: str, phones: Sequence[str]) -> dict[str, list[str]]:
    having: dict[str, list[str]] = {phone: [] for phone in phones}
    for customer in database.query(
        paths.customers(org_id),
        ("phoneE164", "in", list(phones)),
        select=["phoneE164"],
        limit=_most(phones),
    ):
        having[customer.fields["phoneE164"]].append(customer.id)
    return having


def _most(phones: Sequence[str]) -> int:
    return len(phones) * (MOST_SHARING + 1)
