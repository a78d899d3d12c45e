"""Why a customer's figures are what they are."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from shared.clock import Clock
from shared.domain.changes import REMOVED_AT
from shared.domain.loyalty import LoyaltyRules, points_from_orders, tier_of
from shared.domain.money import to_cents
from shared.domain.rfm import RfmThresholds, rfm_of
from shared.domain.segmentation import Segment, rules, segment_of
from shared.domain.spending import Spending, spent_in
from shared.errors import ConfigurationInvalid, NotFound
from shared.services.reads.explanations.origins import (
    OrderEffect,
    QuarantineEntry,
    RunBehind,
    effect_of,
    quarantine_path,
    quarantined,
    run_before,
)
from shared.store import customers, orders, paths, spending, tenants
from shared.store.database import Database, Document

LISTED = 100
"""Orders that are named, the latest; all are counted."""
READ = (*orders.SPENDING_FIELDS, "syncRunId")


@dataclass(frozen=True, slots=True)
class ExplainedOrder:
    """One of the customer's orders, and what it adds; ``total_cents`` is None if unreadable."""

    order_id: str
    total_cents: int | None
    created_at: datetime | None
    status: str | None
    type: str | None
    effect: OrderEffect
    superseded_by: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class SpendingExplained:
    """What is stored (None: nothing yet), what the stored orders come to now, and how many of them
    have which effect. ``orders`` are the latest LISTED."""

    stored: Spending | None
    recounted: Spending
    effects: Mapping[OrderEffect, int]
    orders: tuple[ExplainedOrder, ...]
    computed_at: datetime | None

    @property
    def agrees(self) -> bool:
        """Whether the stored figures are those of the orders; True before the first are stored."""
        return self.stored is None or self.stored == self.recounted


@dataclass(frozen=True, slots=True)
class SegmentRule:
    """A segment and what it asks for; of the rules one ``decides``."""

    segment: Segment
    asks: str
    decides: bool


@dataclass(frozen=True, slots=True)
class SegmentExplained:
    """The segment as stored and as it is now, with the rule that held and its numbers."""

    stored: str | None
    stored_reason: str | None
    now: Segment
    reason: str
    rules: tuple[SegmentRule, ...]


@dataclass(frozen=True, slots=True)
class RfmExplained:
    """Recency, frequency and monetary value now, the scores as stored, and the bounds between the
    scores: days, orders, cents."""

    recency_days: int
    frequency: int
    monetary_cents: int
    stored: Mapping[str, Any] | None
    bounds: RfmThresholds


@dataclass(frozen=True, slots=True)
class PointsExplained:
    """The points: those of the orders by the org's rules (``calculated``), as stored, and the
    provider's; which of them hold, and the tier they reach. ``problem``: what is wrong with the
    org's loyalty settings."""

    points_per_dollar: Decimal | None
    multiplier: Decimal | None
    calculated: int | None
    stored_calculated: int | None
    from_provider: int | None
    points: int | None
    source: str | None
    tier: str | None
    tier_threshold: int | None
    reconciled: bool | None
    calculated_at: datetime | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerExplanation:
    """Where a customer's figures come from. ``duplicate_of`` is the record that stands for the
    person, ``duplicate_ids`` the others where this is the one."""

    customer_id: str
    stored: bool
    source: str | None
    removed_at: datetime | None
    written_at: datetime | None
    run: RunBehind | None
    quarantine: QuarantineEntry | None
    duplicate_of: str | None
    duplicate_ids: tuple[str, ...]
    spending: SpendingExplained
    segment: SegmentExplained
    rfm: RfmExplained | None
    points: PointsExplained


@dataclass(frozen=True, slots=True)
class ExplainCustomer:
    """Explains a customer: reads the orders, some settings and what is stored of them."""

    database: Database
    clock: Clock

    def __call__(self, org_id: str, customer_id: str) -> CustomerExplanation:
        """Raises NotFound where the customer is neither stored nor in quarantine."""
        own = f"{paths.customers(org_id)}/{customer_id}"
        bad = quarantine_path(org_id, "customers", customer_id)
        spent = spending.spending_path(org_id, spending.id_key(customer_id))
        found = self.database.get_all([own, bad, spent])
        fields, entry = found[own].fields, quarantined(found[bad].fields)
        if not found[own].exists and entry is None:
            raise NotFound("there is no such customer, nor one of that id in quarantine")
        told = self._spending(org_id, customer_id, fields, found[spent])
        scales = spending.scales(self.database, org_id)
        now = self.clock()
        return CustomerExplanation(
            customer_id=customer_id,
            stored=found[own].exists,
            source=fields.get("source"),
            removed_at=fields.get(REMOVED_AT),
            written_at=fields.get("updatedAt"),
            run=run_before(self.database, org_id, fields.get("updatedAt")),
            quarantine=entry,
            duplicate_of=fields.get("duplicateOf"),
            duplicate_ids=tuple(fields.get("duplicateIds") or ()),
            spending=told,
            segment=_segment(told.recounted, fields, now),
            rfm=_rfm(told.recounted, fields, scales.thresholds, now),
            points=self._points(org_id, fields, told.recounted),
        )

    def _spending(
        self, org_id: str, customer_id: str, fields: Mapping[str, Any], spent: Document
    ) -> SpendingExplained:
        total, effects, lines = Spending(), Counter[OrderEffect](), []
        for order in orders.of_customer(self.database, org_id, customer_id, READ):
            effect = effect_of(order)
            effects[effect] += 1
            fact = orders.fact_of(order)
            if fact is not None and effect.counts:
                total += spent_in(fact)
            lines.append(_line(order, effect))
        lines.sort(key=lambda line: (line.created_at is not None, line.created_at), reverse=True)
        return SpendingExplained(
            stored=customers.spending_in(fields) if "totalSpent" in fields else None,
            recounted=total,
            effects=effects,
            orders=tuple(lines[:LISTED]),
            computed_at=spent.fields.get("updatedAt"),
        )

    def _points(self, org_id: str, fields: Mapping[str, Any], spent: Spending) -> PointsExplained:
        problem, programme = None, LoyaltyRules()
        try:
            programme = tenants.read_loyalty(self.database, org_id).rules()
        except ConfigurationInvalid as error:
            problem = str(error)
        equity = bool(fields.get("socialEquity"))
        points = fields.get("points")
        tier = None if points is None or problem else tier_of(points, programme.tiers)
        of_orders = points_from_orders(spent.total_cents, programme, social_equity=equity)
        multiplier = programme.equity_multiplier if equity else Decimal(1)
        return PointsExplained(
            points_per_dollar=None if problem else programme.points_per_dollar,
            multiplier=None if problem else multiplier,
            calculated=None if problem else of_orders,
            stored_calculated=fields.get("pointsFromOrders"),
            from_provider=fields.get("pointsFromAlpine"),
            points=points,
            source=fields.get("tierSource"),
            tier=fields.get("loyaltyTier"),
            tier_threshold=tier.threshold if tier else None,
            reconciled=fields.get("loyaltyReconciled"),
            calculated_at=fields.get("pointsLastCalculated"),
            problem=problem,
        )


def _rfm(
    spent: Spending, fields: Mapping[str, Any], bounds: RfmThresholds, now: datetime
) -> RfmExplained | None:
    found = rfm_of(spent, now)
    if found is None:
        return None
    scores = (fields.get("rfm") or {}).get("scores")
    return RfmExplained(found.recency_days, found.frequency, found.monetary_cents, scores, bounds)


def _segment(spent: Spending, fields: Mapping[str, Any], now: datetime) -> SegmentExplained:
    found = segment_of(
        order_count=spent.order_count,
        spent_cents=spent.total_cents,
        last_order_at=spent.last_order_at,
        now=now,
    )
    tried = rules()
    places = [at for at, (segment, _) in enumerate(tried) if segment is found.segment]
    nothing_yet = spent.order_count == 0 and spent.last_order_at is None
    decides = places[0] if nothing_yet else places[-1]
    return SegmentExplained(
        stored=fields.get("segment"),
        stored_reason=fields.get("segmentReason"),
        now=found.segment,
        reason=found.reason,
        rules=tuple(
            SegmentRule(segment, asks, at == decides) for at, (segment, asks) in enumerate(tried)
        ),
    )


def _line(order: Document, effect: OrderEffect) -> ExplainedOrder:
    fields = order.fields
    created_at = fields.get("createdAt")
    try:
        total_cents: int | None = to_cents(fields.get("total"))
    except ValueError:
        total_cents = None
    return ExplainedOrder(
        order_id=order.id,
        total_cents=total_cents,
        created_at=created_at if isinstance(created_at, datetime) else None,
        status=fields.get("status"),
        type=fields.get("type"),
        effect=effect,
        superseded_by=fields.get(orders.SUPERSEDED_BY),
        run_id=fields.get("syncRunId"),
    )
