"""How a product's price and cost have changed, as the sync kept it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.store import price_history, products
from shared.store.database import Database


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One change, in dollars."""

    changed_at: datetime
    price: float | None
    previous_price: float | None
    price_source: str | None
    cost: float | None
    previous_cost: float | None
    previous_since: datetime


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """Reads price histories."""

    database: Database

    def __call__(self, org_id: str, product_id: str, *, limit: int) -> list[PriceChange] | None:
        """The last changes, the newest first; None where the org never had such a product."""
        found = price_history.newest(self.database, org_id, product_id, limit)
        if not found and not products.read(self.database, org_id, [product_id], ["id"]):
            return None
        return [_change(document.fields) for document in found]


def _change(fields: Mapping[str, Any]) -> PriceChange:
    return PriceChange(
        changed_at=fields["changedAt"],
        price=fields["price"],
        previous_price=fields["previousPrice"],
        price_source=fields["priceSource"],
        cost=fields["cost"],
        previous_cost=fields["previousCost"],
        previous_since=fields["previousSince"],
    )
