"""The customers an org is known to have, for matching orders to them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.domain.customers import Customer
from shared.domain.identity import natural
from shared.services.sync.session import Session
from shared.store import customers
from shared.store.manifest import STORED


@dataclass(frozen=True, slots=True)
class Listed:
    """The customers of a list that went by: who has an e-mail or a user id, of several the first
    by id."""

    emails: dict[str, str] = field(default_factory=dict)
    user_ids: dict[str, str] = field(default_factory=dict)

    def add(self, customers: Iterable[Customer]) -> None:
        """Customers of the next page."""
        for customer in customers:
            _first(self.emails, customer.email, customer.id)
            if customer.user_id:
                _first(self.user_ids, customer.user_id, customer.id)


class StoredCustomers:
    """Ids by the customers' manifest, the rest by query; answers are kept for the invocation. To
    be made when every customer is given to the session to store.

    ``listed`` is given where the whole list has just gone by. Then no e-mail is queried for; user
    ids are all the same: a customer may have one that the POS does not know of.
    """

    def __init__(self, session: Session, listed: Listed | None) -> None:
        self._session = session
        self._listed = listed
        self._manifest = session.manifest("customers")
        self._found: dict[tuple[str, str], str | None] = {}
        self._settled = False

    def has(self, customer_id: str) -> bool:
        return self._manifest.mark(customer_id) == STORED

    def by_email(self, emails: Iterable[str]) -> Mapping[str, str]:
        if self._listed is not None:
            known = self._listed.emails
            return {email: known[email] for email in emails if email in known}
        return self._by("email", emails)

    def by_user_id(self, user_ids: Iterable[str]) -> Mapping[str, str]:
        wanted = list(user_ids)
        found = dict(self._by("userId", wanted))
        for user_id in wanted:
            if self._listed is not None and user_id in self._listed.user_ids:
                _first(found, user_id, self._listed.user_ids[user_id])
        return found

    def _by(self, field: str, values: Iterable[str]) -> Mapping[str, str]:
        wanted = list(values)
        missing = [value for value in wanted if (field, value) not in self._found]
        if missing:
            session = self._session
            if not self._settled:  # once: to wait for every page of orders would halve the pace
                session.settle()
                self._settled = True
            found = customers.ids_by(session.database, session.org_id, field, missing)
            self._found.update({(field, value): found.get(value) for value in missing})
        return {v: known for v in wanted if (known := self._found[field, v]) is not None}


def _first(ids: dict[str, str], value: str, customer_id: str) -> None:
    ids[value] = min(ids.get(value, customer_id), customer_id, key=natural)
