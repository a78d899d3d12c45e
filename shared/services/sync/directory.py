"""The customers an org is known to have, for matching orders to them."""

from collections.abc import Iterable, Mapping

from shared.services.sync.session import Session
from shared.store import customers
from shared.store.manifest import STORED


class StoredCustomers:
    """Ids by the customers' manifest, the rest by query; answers are kept for the invocation.

    ``listed`` has the customer of each e-mail where the whole list has just gone by: then there
    is nothing to query for.
    """

    def __init__(self, session: Session, listed: Mapping[str, str] | None) -> None:
        self._session = session
        self._listed = listed
        self._manifest = session.manifest("customers")
        self._found: dict[tuple[str, str], str | None] = {}

    def has(self, customer_id: str) -> bool:
        return self._manifest.mark(customer_id) == STORED

    def by_email(self, emails: Iterable[str]) -> Mapping[str, str]:
        if self._listed is not None:
            return {email: self._listed[email] for email in emails if email in self._listed}
        return self._by("email", emails)

    def by_user_id(self, user_ids: Iterable[str]) -> Mapping[str, str]:
        return self._by("userId", user_ids)

    def _by(self, field: str, values: Iterable[str]) -> Mapping[str, str]:
        wanted = list(values)
        missing = [value for value in wanted if (field, value) not in self._found]
        if missing:
            self._session.settle()
            session = self._session
            found = customers.ids_by(session.database, session.org_id, field, missing)
            self._found.update({(field, value): found.get(value) for value in missing})
        return {v: known for v in wanted if (known := self._found[field, v]) is not None}
