"""Reading orders, the latest first."""

from dataclasses import dataclass

from shared.domain.orders import OrderStatus
from shared.store import listing, paths
from shared.store.database import Database, Filter
from shared.store.listing import Page, Stretch


@dataclass(frozen=True, slots=True)
class OrderReads:
    """Reads of one database."""

    database: Database

    def page(
        self, org_id: str, *, status: OrderStatus | None, cursor: str | None, limit: int
    ) -> Page:
        """Some of the org's orders, of one status or of all."""
        filters: tuple[Filter, ...] = (("status", "==", status.value),) if status else ()
        return listing.page(
            self.database,
            paths.orders(org_id),
            [Stretch(filters, "createdAt", descending=True)],
            limit=limit,
            cursor=cursor,
        )
