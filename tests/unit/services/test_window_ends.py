"""A first sync of orders at a POS that knows no last day of what it is asked for."""

from collections.abc import Generator, Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.order_windows import ROWS_ACCEPTED, DateWindow
from shared.domain.orders import Order
from shared.domain.removal import AllowedRemovals
from shared.pos.port import Page, page_of
from shared.services.sync.account_check import AccountCheck
from shared.services.sync.gone import RemovalRules
from shared.services.sync.order_listings import OrderListings
from shared.services.sync.orders import sync_orders
from shared.store import paths
from shared.store.tenants import SyncSettings
from tests.sample_orders import sample_order
from tests.unit.services.sync_in_memory import NOW, ORG, MemoryRun, session_in

SIZE = 100
A_DAY = 4
ORDERS = 2 * ROWS_ACCEPTED


def order(number: int) -> Order:
    """Order 0 is of an hour ago, the others are older by a quarter of a day each."""
    created_at = NOW - timedelta(hours=1) - number * timedelta(days=1) / A_DAY
    return sample_order(created_at, external_id=str(number))


class WithoutEnd:
    """A POS that lists all orders from the first day of a window on, in their order of age or the
    other way round, whatever its last day. It allows so many pages."""

    def __init__(self, *, newest_first: bool, pages_allowed: int) -> None:
        listed = map(order, range(ORDERS))
        self._orders = sorted(listed, key=lambda o: o.created_at, reverse=newest_first)
        self.pages_left = pages_allowed

    def orders(self, window: DateWindow) -> Generator[Page[Order], None, None]:
        found = [each for each in self._orders if each.created_at.date() >= window.since]
        for number, start in enumerate(range(0, len(found), SIZE), 1):
            assert self.pages_left, "the POS is asked again and again"
            self.pages_left -= 1
            records = found[start : start + SIZE]
            last = start + SIZE >= len(found)
            page: Page[Order] = page_of(number, records, total=len(found), requests=1, last=last)
            yield page


class Everybody:
    """A directory in which every order finds the customer that it names."""

    def has(self, customer_id: str) -> bool:
        return True

    def by_email(self, emails: Iterable[str]) -> Mapping[str, str]:
        return {}

    by_user_id = by_email


@pytest.mark.parametrize("newest_first", [True, False], ids=["newest first", "oldest first"])
def test_every_order_comes_in_without_being_listed_again_and_again(newest_first: bool) -> None:
    # Given more orders than one window may hold
    pos: Any = WithoutEnd(newest_first=newest_first, pages_allowed=4 * ORDERS // SIZE)
    memory = MemoryRun()

    # When
    with session_in(memory) as session:
        settings = SyncSettings(orders_since=(NOW - timedelta(days=ORDERS // A_DAY + 30)).date())
        with OrderListings(session, [pos], settings, today=NOW.date()) as listings:
            listings.begin()
            check = AccountCheck(session, [])
            rules = RemovalRules(20, AllowedRemovals())
            sync_orders(session, listings, Everybody(), check, rules)
        session.checkpoint()
        assert session.progress.orders.current is None

    # Then each is stored once
    stored = [w.path for w in memory.writes if w.path.startswith(f"{paths.orders(ORG)}/")]
    assert len(stored) == len(set(stored)) == ORDERS
