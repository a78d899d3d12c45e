"""What loyalty runs have stored: an org's counts and runs, and customers' points."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from shared.domain.loyalty import Tier, TierSource
from shared.errors import OrgError
from shared.store import listing, loyalty, loyalty_runs, paths, tenants
from shared.store.database import Database, Document
from shared.store.listing import DocumentPage, QueryRange
from shared.store.loyalty import CustomerCounts

LAST_ENTRIES = 5
AT_ONCE = 8

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OrgPoints:
    """An org's customers by the state of their points. ``last_sync_at``: when a run last ended that
    did its work; ``last_run`` the document of the run that ended last, None before the first."""

    counts: CustomerCounts
    last_sync_at: datetime | None
    last_run: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class LoyaltyReads:
    """Reads what loyalty runs have written."""

    database: Database

    def of_org(self, org_id: str) -> OrgPoints:
        """The org's counts and its last run."""
        progress = loyalty_runs.read_progress(self.database, org_id)
        run_id, document = progress.last_run_id, None
        if run_id and (run := loyalty_runs.read(self.database, org_id, run_id)):
            document = run.document(org_id, run_id)
        counts = loyalty.counts(self.database, org_id)
        return OrgPoints(counts, progress.last_sync_at, document)

    def of_customer(self, org_id: str, customer_id: str) -> Mapping[str, Any] | None:
        """One customer's points; None for an unknown customer or one without points so far."""
        found = loyalty.customers(self.database, org_id, [customer_id])
        if not found or "pointsFromOrders" not in found[0].fields:
            return None
        answer = loyalty_runs.entry_of(self.database, org_id, customer_id).answer
        points = self._points(org_id, found[0], self._tiers(org_id))
        return points | {"alpineIq": answer.status}

    def in_review(self, org_id: str, *, limit: int | None = None) -> list[dict[str, Any]]:
        """The points of the customers in review, the largest discrepancy first; of all without
        ``limit``."""
        found, tiers = loyalty.in_review(self.database, org_id), self._tiers(org_id)
        found.sort(key=lambda each: (-each.fields["loyaltyDiscrepancy"], each.id))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda each: self._points(org_id, each, tiers), found[:limit]))

    def runs(self, org_id: str, *, cursor: str | None, limit: int) -> DocumentPage:
        """Some of the runs, the latest first."""
        latest = QueryRange((), "startedAt", descending=True)
        return listing.page(
            self.database, paths.loyalty_runs(org_id), [latest], cursor=cursor, limit=limit
        )

    def _tiers(self, org_id: str) -> dict[str, Tier]:
        """The tiers of the org's programme by id; none while that is invalid."""
        try:
            tiers = tenants.read_loyalty(self.database, org_id).rules().tiers
        except OrgError as error:
            log.warning("tiers_unknown", code=error.code)
            return {}
        return {tier.id: tier for tier in tiers}

    def _points(self, org_id: str, customer: Document, tiers: Mapping[str, Tier]) -> dict[str, Any]:
        """A customer's loyalty fields as stored, with the tier as the org has it now and the last
        entries of the ledger, newest first. ``needsReview``: Alpine IQ's figure applies and differs
        from the calculated one; ``reviewed``: who has looked at just these figures, and when."""
        fields = customer.fields
        by_alpine = fields["tierSource"] == TierSource.PROVIDER
        tier = tiers.get(fields.get("loyaltyTier", ""))
        return {
            **fields,
            "tierName": tier.name if tier else None,
            "tierColor": tier.color if tier else None,
            "customerId": customer.id,
            "needsReview": by_alpine and not fields["loyaltyReconciled"],
            "reviewed": loyalty.review_of(fields),
            "lastEntries": loyalty.latest_entries(self.database, org_id, customer.id, LAST_ENTRIES),
        }
