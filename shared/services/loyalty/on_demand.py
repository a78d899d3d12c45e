"""Loyalty for the HTTP routes: start a run, and look up current points."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

import structlog

from shared.bus.messages import Loyalty
from shared.bus.publisher import Publisher
from shared.clock import Clock, OutOfTime
from shared.domain.customers import identifies, normal_email, normal_phone
from shared.domain.loyalty import (
    ProviderAnswer,
    Reconciliation,
    Tier,
    points_from_orders,
    reconcile,
    tier_of,
)
from shared.domain.spending import fold
from shared.errors import NotFound, OrgError, ProviderError, RequestInvalid, RetryLater
from shared.loyalty.port import OpenProvider
from shared.services.admin.audit import Actor, record_action
from shared.services.loyalty.look_ups import NOT_CONFIGURED, UNAVAILABLE, account_of
from shared.services.manual_sync import RunUnderWay
from shared.services.permits import Permits
from shared.store import customers, loyalty, paths, tenants
from shared.store import lease as leases
from shared.store.database import Database, Document
from shared.store.tenants import TenantLoyalty

PATIENCE = timedelta(seconds=8)
"""How long a caller waits for the provider before the calculated figure is returned."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AskForLoyalty:
    """Starts loyalty runs."""

    database: Database
    loyalty: Publisher
    clock: Clock

    def __call__(self, org_id: str, customer_id: str | None, actor: Actor) -> str:
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
        now = self.clock()
        record_action(
            self.database, actor, "loyalty_started", org_id=org_id, target=run_id, now=now
        )
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
