"""Accounts of one org that are of different companies: detected before their records are mixed.

Several logins to one company list the same records. Two companies may have given one id to
different people, orders or products, and records are stored by id: they would overwrite each other,
and the orders of one would be matched to the customers of the other.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NoReturn

from shared.bus.messages import STREAMS
from shared.domain.customers import Customer, are_different_people
from shared.domain.inventory import InventoryRow
from shared.domain.order_windows import OrderCursor
from shared.domain.orders import Order
from shared.errors import ConfigurationInvalid
from shared.pos.port import PosClient
from shared.services.sync.pos_locations import PosLocation
from shared.services.sync.session import Session


class AccountCheck:
    """Compares the records that the accounts of an org list in one invocation. ``accounts`` has
    the first location of each. Of a single account nothing is kept.

    Each method takes the records that an account, by its place, has listed, and raises
    ConfigurationInvalid where another account has listed something else under one of their ids.
    The refusal is kept in the org's progress.
    """

    def __init__(self, session: Session, accounts: Sequence[PosLocation]) -> None:
        self._session = session
        self._accounts = accounts
        self._customers: dict[str, tuple[int, Customer]] = {}
        self._orders: dict[str, tuple[int, datetime]] = {}
        self._names: dict[str, tuple[int, set[str]]] = {}

    @property
    def needed(self) -> bool:
        """Whether there are several accounts."""
        return len(self._accounts) > 1

    def customers(self, account: int, listed: Iterable[Customer]) -> None:
        """One id, and nothing in common."""
        if not self.needed:
            return
        for customer in listed:
            first, known = self._customers.setdefault(customer.id, (account, customer))
            if first != account and are_different_people(known, customer):
                self._refuse(f"customer {customer.id} is another person", first, account)

    def orders(self, account: int, listed: Iterable[Order]) -> None:
        """One id, and different times of creation. The walk over the orders is begun anew, so that
        the next run compares the same orders again."""
        if not self.needed:
            return
        for order in listed:
            known = (account, order.created_at)
            first, created_at = self._orders.setdefault(order.external_id, known)
            if first != account and self._differ(first, created_at, account, order.created_at):
                self._session.progress.orders = OrderCursor()
                self._refuse(f"order {order.external_id} is another order", first, account)

    def stock(self, client: PosClient, rows: Iterable[InventoryRow]) -> None:
        """One id of an item, and no name in common. ``rows`` are all of one location."""
        if not self.needed:
            return
        account = [each.client for each in self._accounts].index(client)
        names: defaultdict[str, set[str]] = defaultdict(set)
        for row in rows:
            if name := " ".join(row.name.casefold().split()):
                names[row.item_id].add(name)
        for item_id, found in names.items():
            first, known = self._names.setdefault(item_id, (account, found))
            if first == account:
                known |= found
            elif known.isdisjoint(found):
                self._refuse(f"item {item_id} is another product", first, account)

    def refuse_again(self) -> None:
        """Raise what a run before has found, if anything: for records that are fetched one by one
        there is nothing to compare."""
        if self.needed and self._session.progress.accounts_refused:
            raise ConfigurationInvalid(self._session.progress.accounts_refused)

    def _differ(self, first: int, one: datetime, second: int, other: datetime) -> bool:
        """Whether two times differ, both as moments and as the local times of their locations: the
        POS may have written a time without a zone."""
        return one != other and self._local(first, one) != self._local(second, other)

    def _local(self, account: int, moment: datetime) -> datetime:
        return moment.astimezone(self._accounts[account].zone).replace(tzinfo=None)

    def _refuse(self, proof: str, first: int, second: int) -> NoReturn:
        one, other = (self._accounts[place].document_id for place in (first, second))
        reason = (
            f"the POS accounts of locations {one} and {other} are not of one company: {proof} in"
            f" the second. Put the account of location {other} into an org of its own"
        )
        with self._session.lock:
            self._session.progress.accounts_refused = reason
            for stream in STREAMS:  # the next run is to compare the same records again
                self._session.progress.forget_versions(stream)
        raise ConfigurationInvalid(reason)
