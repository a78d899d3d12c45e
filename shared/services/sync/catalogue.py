"""What an org sells, in one chain: discounts, products, the sales that follow, metadata."""

from collections.abc import Sequence
from datetime import datetime

from shared.domain.discounts import Discount
from shared.domain.removal import AllowedRemovals
from shared.services.sync.attempts import StreamAttempts
from shared.services.sync.metadata import MenuNames, sync_metadata
from shared.services.sync.pos_locations import OpenOrg
from shared.services.sync.products import sync_products
from shared.services.sync.sales import Prices, Sales, sync_discounts
from shared.services.sync.session import Session
from shared.store import discounts as discount_store
from shared.store import inventory

STREAMS = ("products", "discounts", "metadata")


class Catalogue:
    """One invocation's work on what the org sells. ``next_change`` is when sale fields next change
    by time, once that is known."""

    def __init__(
        self, session: Session, org: OpenOrg, attempt: StreamAttempts, *, allowed: AllowedRemovals
    ) -> None:
        self._session = session
        self._org = org
        self._attempt = attempt
        self._allowed = allowed
        self._sales: Sales | None = None
        self.next_change: datetime | None = None

    def sync(self) -> None:
        """The whole chain. Whichever of its streams is wanted, the sale fields are right after."""
        session = self._session
        if not set(self._attempt.wanted) & set(STREAMS):
            return
        where = (session.database, session.org_id, session.provider)
        listed, stocked = inventory.load_prices(*where), inventory.load_batches(*where)
        session.keep(listed)
        session.keep(stocked)
        sales = Sales(session.org_id, listed, self._discounts(), session.now)
        if session.run.reset:
            sales.distrust()
        prices = Prices(session, listed, sales)
        self._attempt(
            "products",
            lambda: sync_products(session, self._org, prices, stocked, allowed=self._allowed),
        )
        with session.lock:
            self._sales = sales
            self._apply_sales()
        if not session.run.failed("products"):
            menu = MenuNames(listed, stocked)
            self._attempt("metadata", lambda: sync_metadata(session, self._org, menu))

    def keep_sales_right(self) -> None:
        """Apply a discount that begins or ends while other streams are still at work."""
        with self._session.lock:
            if self.next_change and self._session.now() >= self.next_change:
                self._apply_sales()
                self._session.checkpoint()

    def _apply_sales(self) -> None:
        assert self._sales is not None
        self._sales.apply(self._session.store, self._session.checkpoint)
        self.next_change = self._sales.next_change()

    def _discounts(self) -> Sequence[Discount]:
        """As the POS lists them now, else as it listed them last."""
        session, clients = self._session, self._org.account_clients
        listed = self._attempt("discounts", lambda: sync_discounts(session, clients))
        if listed is None:
            return discount_store.read_all(session.database, session.org_id, session.provider)
        return listed
