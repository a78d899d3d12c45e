"""The customers stream: every customer of every account, each time; then orders are matched to
the customers that are stored (StoredCustomers).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from shared.domain.customers import Customer
from shared.domain.erasure import ERASED
from shared.domain.ids import natural_key
from shared.domain.orders import Order
from shared.domain.wording import counted
from shared.errors import ListingIncomplete
from shared.pos.port import Page, PosClient
from shared.services.sync.account_check import AccountCheck
from shared.services.sync.gone import MissingRecords, RemovalRules, of_first_account
from shared.services.sync.records import Changed, Record, StreamRecords
from shared.services.sync.session import Session
from shared.store import customers
from shared.store.database import Put
from shared.store.manifest import STORED
from shared.store.runs import Position

STREAM = "customers"
BELIEVABLE_SHARE = 0.8
"""A list without a total that is shorter than this share of the last one was cut short."""


@dataclass(frozen=True, slots=True)
class ListedCustomers:
    """Customer ids by e-mail and by user id, of several the first by id; from a list's pages."""

    emails: dict[str, str] = field(default_factory=dict)
    user_ids: dict[str, str] = field(default_factory=dict)

    def add(self, customers: Iterable[Customer]) -> None:
        """Add the customers of the next page."""
        for customer in customers:
            _first(self.emails, customer.email, customer.id)
            if customer.user_id:
                _first(self.user_ids, customer.user_id, customer.id)


class StoredCustomers:
    """The CustomerDirectory of an org's customers at one provider: ids by the manifest, the rest by
    query, kept for the invocation. To be made once every customer is given to the session to store.

    With ``listed``, the whole list of this invocation, no e-mail is queried for. User ids are: a
    customer may have one that the POS does not know.
    """

    def __init__(self, session: Session, listed: ListedCustomers | None) -> None:
        self._session = session
        self._listed = listed
        self._manifest = session.manifests["customers"]
        self._found: dict[tuple[str, str], str | None] = {}
        self._flushed = False

    def has(self, customer_id: str) -> bool:
        return customer_id == ERASED or self._manifest.mark(customer_id) == STORED

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
            if not self._flushed:  # once: to wait for every page of orders would halve the pace
                session.flush()
                self._flushed = True
            found = customers.ids_by(
                session.database, session.org_id, field, missing, session.provider
            )
            self._found.update({(field, value): found.get(value) for value in missing})
        return {v: known for v in wanted if (known := self._found[field, v]) is not None}


def _first(ids: dict[str, str], value: str, customer_id: str) -> None:
    ids[value] = min(ids.get(value, customer_id), customer_id, key=natural_key)


def sync_customers(
    session: Session, clients: Sequence[PosClient], check: AccountCheck, rules: RemovalRules
) -> ListedCustomers | None:
    """Store every customer, and mark those that the POS has no more; afterwards orders can be
    matched. Returns who was listed, unless a part of the list went by in an earlier invocation.

    The same customer in two accounts is taken from the first. Raises what the ``check`` of the
    accounts raises, before anything of the page is stored; ListingIncomplete where far fewer are
    listed than are known and no person allows it (orders are not matched against half a list); and
    OutOfTime when the deadline passes: the next invocation goes on behind the last page kept.
    """
    records = StreamRecords(session, STREAM)
    missing = MissingRecords(session, records, rules)
    known = records.manifest.count(STORED)
    seen = _listed_before(session, clients, check)
    rejected: list[str | None] = []
    found = ListedCustomers()
    whole = session.run.customers_at == Position()
    for account in range(session.run.customers_at.account, len(clients)):
        start = session.run.customers_at.page
        for page in clients[account].customers(expected=known // len(clients), start=start):
            with session.lock:
                check.customers(account, page.records)
                records.count_page(page, expected=known)
                fresh = [c for c in page.records if c.id not in seen]
                seen.update(c.id for c in fresh)
                rejected += [r.record_id for r in page.rejected]
                found.add(fresh)
                store_customers(session, records, fresh)
                session.run.customers_at = Position(account=account, page=page.resume)
                session.checkpoint_if_due()
            if not page.last:
                session.deadline.check()
        session.run.customers_at = Position(account=account + 1)
    listed = records.tally.fetched
    believable = (known - len(missing.to_look_up)) * BELIEVABLE_SHARE
    if listed < believable and not (rules.allowed and listed):
        raise ListingIncomplete(
            f"the POS listed {counted(listed, 'customers')} where {known:,} are known: orders wait"
            " until the list is whole again"
        )
    session.progress.customers_complete_at = session.now()
    if not whole:
        return None
    with session.lock:
        records.release_others()
        for customer_id in [*seen, *(i for i in rejected if i)]:
            records.manifest.listed(customer_id)
        stored = records.may_be_stored() - missing.to_look_up
        gone = stored - seen - {*rejected}
        unreadable = rejected.count(None)
        missing.note(gone, listed=listed, stored=len(stored), unreadable=unreadable)
    settle_customers(session, records, missing, clients)
    return found


def _listed_before(session: Session, clients: Sequence[PosClient], check: AccountCheck) -> set[str]:
    """Ids of the customers that earlier invocations have listed of the accounts but the last. They
    are listed again: the accounts that follow are still compared with them."""
    place, last = session.run.customers_at, len(clients) - 1
    seen: set[str] = set()
    if place.account > last:
        return seen
    for account, client in enumerate(clients[: min(place.account + 1, last)]):
        if (account, 1) == (place.account, place.page):
            break
        for page in client.customers():
            if account == place.account and page.resume > place.page:
                break
            check.customers(account, page.records)
            seen.update(customer.id for customer in page.records)
    return seen


def settle_customers(
    session: Session,
    records: StreamRecords,
    missing: MissingRecords,
    clients: Sequence[PosClient],
) -> None:
    """Look up what is missing, store what is found, mark the rest as removed."""
    missing.settle(
        partial(of_first_account, clients, lambda client, i: client.customer(i)),
        lambda page: _store_found(session, records, page),
        lambda ids: _remove(session, ids, missing.rules),
    )


def unknown_buyers(session: Session, pages: Iterable[Page[Order]]) -> set[str]:
    """Customers that the orders name and that are not stored: they are as new as the orders."""
    known = StoredCustomers(session, None)
    buyers = (order.pos_customer_id for page in pages for order in page.records)
    return {buyer for buyer in buyers if buyer and not known.has(buyer)}


def store_found(session: Session, pages: Iterable[Page[Customer]]) -> None:
    """Store customers that were asked for one by one."""
    with session.lock:
        records = StreamRecords(session, STREAM)
        for page in pages:
            _store_found(session, records, page)


def _store_found(session: Session, records: StreamRecords, page: Page[Customer]) -> None:
    records.count_page(page, expected=None)
    store_customers(session, records, page.records)


def _remove(session: Session, ids: Sequence[str], rules: RemovalRules) -> None:
    """Mark customers as removed, unless the org keeps them; their spending goes with the recompute.
    Where the org wants them erased that is done once the run has ended, as it takes its lease."""
    if rules.deleted_customers == "keep":
        return
    if rules.deleted_customers == "erase":
        wanted = {*session.progress.customers_to_erase, *ids}
        session.progress.customers_to_erase = sorted(wanted)
    existing = customers.existing(session.database, session.org_id, ids)
    session.store(
        [customers.mark_removed(session.org_id, i, session.now()) for i in sorted(existing)],
        customer_ids=existing,
    )


def store_customers(session: Session, records: StreamRecords, listed: Sequence[Customer]) -> None:
    """Store those of the customers that changed."""

    def put(change: Changed) -> list[Put]:
        record = change.record
        return [
            customers.put(
                session.org_id,
                dict(record.fields),
                now=session.now(),
                first=change.first,
                version=record.version,
            )
        ]

    changed = records.changed(
        Record(c.id, customers.fields_of(c, session.org_id), customer_id=c.id, version=c.version)
        for c in listed
    )
    known = [c.record.id for c in changed if c.record.version and not c.first]
    stored = customers.versions(session.database, session.org_id, known)
    newer = records.newer(changed, stored)
    by_id = {customer.id: customer for customer in listed}
    session.ecom.note_customers(by_id[change.record.id] for change in newer)
    records.store(newer, put)
