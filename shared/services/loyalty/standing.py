"""How an org and its customers stand: counts, one customer, and all that are in review."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.loyalty import AlpineStatus, TierSource
from shared.store import ledger, loyalty, loyalty_runs, loyalty_state
from shared.store.database import Database, Document
from shared.store.loyalty import Counts

LAST_ENTRIES = 5
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Standing:
    """A customer's points as last reckoned. ``alpine`` says what is known of them at Alpine IQ;
    None in lists. ``entries`` are the last of the ledger, newest first, as stored."""

    customer_id: str
    points: int
    points_from_orders: int
    points_from_alpine: int | None
    tier: str | None
    tier_source: str
    reconciled: bool
    needs_review: bool
    discrepancy: int
    alpine_user_id: str | None
    last_calculated: datetime
    entries: list[Mapping[str, Any]]
    alpine: AlpineStatus | None = None


@dataclass(frozen=True, slots=True)
class LoyaltyStanding:
    """Reads what loyalty runs have written."""

    database: Database

    def counts(self, org_id: str) -> tuple[Counts, datetime | None]:
        """The org's counts, and when its last run ended."""
        last = loyalty_runs.read_progress(self.database, org_id).last_sync_at
        return loyalty.counts(self.database, org_id), last

    def of_customer(self, org_id: str, customer_id: str) -> Standing | None:
        """One customer; None for somebody unknown or not reckoned so far."""
        found = loyalty.customers(self.database, org_id, [customer_id])
        if not found or "pointsFromOrders" not in found[0].fields:
            return None
        answer = loyalty_state.entry_of(self.database, org_id, customer_id).answer
        return self._standing(org_id, found[0], answer.status)

    def in_review(self, org_id: str) -> list[Standing]:
        """Every customer whose two figures a person must look at, the widest apart first."""
        found = loyalty.in_review(self.database, org_id)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            standings = list(pool.map(lambda each: self._standing(org_id, each), found))
        return sorted(standings, key=lambda each: (-each.discrepancy, each.customer_id))

    def _standing(
        self, org_id: str, customer: Document, alpine: AlpineStatus | None = None
    ) -> Standing:
        fields = customer.fields
        at_alpine = fields["tierSource"] == TierSource.ALPINE_IQ
        return Standing(
            customer_id=customer.id,
            points=fields["points"],
            points_from_orders=fields["pointsFromOrders"],
            points_from_alpine=fields.get("pointsFromAlpine"),
            tier=fields.get("loyaltyTier"),
            tier_source=fields["tierSource"],
            reconciled=fields["loyaltyReconciled"],
            needs_review=at_alpine and not fields["loyaltyReconciled"],
            discrepancy=fields["loyaltyDiscrepancy"],
            alpine_user_id=fields.get("alpineUserId"),
            last_calculated=fields["pointsLastCalculated"],
            entries=ledger.latest(self.database, org_id, customer.id, LAST_ENTRIES),
            alpine=alpine,
        )
