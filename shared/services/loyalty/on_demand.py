"""Loyalty for the HTTP routes: start a run, look up current points, read what runs have stored."""

import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from shared.bus.messages import Loyalty
from shared.bus.publisher import Publisher
from shared.clock import Clock, OutOfTime
from shared.domain.customers import identifies, normal_email, normal_phone
from shared.domain.loyalty import (
    ProviderAnswer,
    Reconciliation,
    Tier,
    TierSource,
    points_from_orders,
    reconcile,
    tier_of,
)
from shared.domain.spending import fold
from shared.errors import NotFound, OrgError, ProviderError, RequestInvalid, RetryLater
from shared.loyalty.port import OpenProvider
from shared.services.loyalty.look_ups import NOT_CONFIGURED, UNAVAILABLE, account_of
from shared.services.manual_sync import RunUnderWay
from shared.services.permits import Permits
from shared.store import customers, loyalty, loyalty_runs, paths, tenants
from shared.store import lease as leases
from shared.store.database import Database, Document
from shared.store.loyalty import CustomerCounts
from shared.store.tenants import TenantLoyalty

PATIENCE = timedelta(seconds=8)
"""How long a caller waits for the provider before the calculated figure is returned."""
LAST_ENTRIES = 5
AT_ONCE = 8

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AskForLoyalty:
    """Starts loyalty runs."""

    database: Database
    loyalty: Publisher

    def __call__(self, org_id: str, customer_id: str | None) -> str:
        """Start a run for all customers, or for one; return its id.

        Raises NotFound for an unknown customer and, for a whole org, RunUnderWay. A run for one
        customer waits for the one under way.
        """
        if customer_id is not None:
            if not loyalty.customers(self.database, org_id, [customer_id]):
                raise NotFound("there is no such customer")
        elif running := leases.running(self.database, paths.loyalty_lease(org_id)):
            raise RunUnderWay(running)
        run_id = f"manual-{uuid.uuid4().hex}"
        ids = None if customer_id is None else (customer_id,)
        self.loyalty.publish([Loyalty(org_id=org_id, run_id=run_id, customer_ids=ids)])
        log.info("loyalty_asked_for", org_id=org_id, run_id=run_id, everybody=ids is None)
        return run_id


@dataclass(frozen=True, slots=True)
class Points:
    """A customer's two figures compared; ``calculated_tier`` is that of the points from orders."""

    customer_id: str
    result: Reconciliation
    calculated_tier: Tier | None


@dataclass(frozen=True, slots=True)
class LookUpPoints:
    """Looks up current points at the provider and from the orders. Nothing is written."""

    database: Database
    open_provider: OpenProvider
    clock: Clock

    def __call__(self, org_id: str, *, phone: str | None, email: str | None) -> Points:
        """The points of the customer with the telephone, else of the one with the e-mail; of
        several the first by id. Raises RequestInvalid where neither can be one (a telephone number
        need not be assigned), NotFound, and ConfigurationInvalid for an invalid loyalty
        programme."""
        org = tenants.read_loyalty(self.database, org_id)
        rules = org.rules()
        number = normal_phone(phone)
        address = normal_email(email) if identifies(normal_email(email)) else None
        if number is None and address is None:
            raise RequestInvalid("phone or email: give a valid one")
        customer = self._customer(org_id, number, address)
        orders = loyalty.orders_of(self.database, org_id, [customer.id]).get(customer.id, {})
        equity = customer.fields.get("socialEquity") is True
        spent_cents = fold(orders.values()).total_cents
        from_orders = points_from_orders(spent_cents, rules, social_equity=equity)
        result = reconcile(from_orders, self._ask(org, number, address), rules)
        return Points(customer.id, result, tier_of(from_orders, rules.tiers))

    def _customer(self, org_id: str, phone: str | None, email: str | None) -> Document:
        for field, value in (("phoneE164", phone), ("email", email)):
            if value:
                ids = list(customers.ids_by(self.database, org_id, field, [value]).values())
                for customer in loyalty.customers(self.database, org_id, ids):
                    return customer
        raise NotFound("no customer has this telephone or e-mail")

    def _ask(self, org: TenantLoyalty, phone: str | None, email: str | None) -> ProviderAnswer:
        account, broken = account_of(org)
        if account is None:
            return UNAVAILABLE if broken else NOT_CONFIGURED
        until = self.clock() + PATIENCE
        permits = Permits(
            self.database, account.rate_limit_id, account.limits, until=until, clock=self.clock
        )
        try:
            return self.open_provider(account, org.org_id, permits.take, until).look_up(
                phone, email
            )
        except (OrgError, ProviderError, RetryLater) as error:
            log.warning("points_without_alpine_iq", code=error.code)
        except OutOfTime:
            log.warning("points_without_alpine_iq", code="rate_limited")
        return UNAVAILABLE


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

    def in_review(self, org_id: str) -> list[dict[str, Any]]:
        """The points of every customer in review, the largest discrepancy first."""
        found, tiers = loyalty.in_review(self.database, org_id), self._tiers(org_id)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            points = list(pool.map(lambda each: self._points(org_id, each, tiers), found))
        return sorted(points, key=lambda each: (-each["loyaltyDiscrepancy"], each["customerId"]))

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
