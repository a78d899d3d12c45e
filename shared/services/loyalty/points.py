"""Somebody's points right now, by telephone or e-mail: asked of Alpine IQ, reckoned from orders."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from shared.clock import Clock
from shared.domain.customers import identifies, normal_email
from shared.domain.loyalty import (
    AlpineAnswer,
    Reconciliation,
    Tier,
    points_from_orders,
    reconcile,
    tier_of,
)
from shared.domain.phones import normal_phone
from shared.domain.spending import fold
from shared.errors import NotFound, OrgError, ProviderError, RequestInvalid, RetryLater
from shared.services.deadline import OutOfTime
from shared.services.loyalty.accounts import OpenAlpine, account_of, permits_of
from shared.services.loyalty.look_ups import NOT_CONFIGURED, UNAVAILABLE
from shared.store import customers, ledger, loyalty, loyalty_settings
from shared.store.database import Database, Document
from shared.store.loyalty_settings import TenantLoyalty

PATIENCE = timedelta(seconds=8)
"""How long somebody waits for Alpine IQ before the calculated figure has to do."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Points:
    """``result`` holds the two figures against each other; ``calculated_tier`` is the one that
    the points from orders would give."""

    customer_id: str
    result: Reconciliation
    calculated_tier: Tier | None


@dataclass(frozen=True, slots=True)
class LookUpPoints:
    """Looks points up. Nothing is written."""

    database: Database
    open_alpine: OpenAlpine
    clock: Clock

    def __call__(self, org_id: str, *, phone: str | None, email: str | None) -> Points:
        """The points of the customer with the telephone, else of the one with the e-mail; of
        several the first by id. Raises RequestInvalid for what is neither, NotFound, and
        ConfigurationInvalid where the org's programme makes no sense."""
        org = loyalty_settings.read(self.database, org_id)
        rules = org.rules()
        number = normal_phone(phone)
        address = normal_email(email) if identifies(normal_email(email)) else None
        if number is None and address is None:
            raise RequestInvalid("phone or email: give a valid one")
        customer = self._customer(org_id, number, address)
        orders = ledger.orders_of(self.database, org_id, [customer.id]).get(customer.id, {})
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

    def _ask(self, org: TenantLoyalty, phone: str | None, email: str | None) -> AlpineAnswer:
        account, broken = account_of(org)
        if account is None:
            return UNAVAILABLE if broken else NOT_CONFIGURED
        until = self.clock() + PATIENCE
        permits = permits_of(self.database, account, until=until, clock=self.clock)
        try:
            return self.open_alpine(account, permits.take, until).look_up(phone, email)
        except (OrgError, ProviderError, RetryLater) as error:
            log.warning("points_without_alpine_iq", code=error.code)
        except OutOfTime:
            log.warning("points_without_alpine_iq", code="rate_limited")
        return UNAVAILABLE
