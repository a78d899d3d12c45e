"""What the loyalty routes answer."""

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Literal

from shared.domain.loyalty import ProviderStatus, TierSource
from shared.services.loyalty.on_demand import CustomerPoints, Points
from shared.web.reply import Answer

COLUMNS = (
    *("customerId", "pointsFromOrders", "pointsFromAlpine", "discrepancy"),
    *("alpineUserId", "lastCalculated", "lastEntries"),
)


class Stats(Answer):
    """An org's customers by what is known of their points."""

    total_customers: int
    with_alpine_sync: int
    with_calculated_points: int
    reconciled: int
    needs_review: int
    last_sync_at: datetime | None


class Entry(Answer):
    """What an order gave or took, and the balance after it. ``total`` in dollars."""

    order_id: str
    at: datetime
    total: float
    points: int
    balance: int


class ReconciliationView(Answer):
    """A customer's two figures and what follows. ``alpineIq`` says what is known of them there."""

    customer_id: str
    points: int
    points_from_orders: int
    points_from_alpine: int | None
    tier: str | None
    tier_source: TierSource
    reconciled: bool
    needs_review: bool
    discrepancy: int
    alpine_user_id: str | None
    last_calculated: datetime
    last_entries: list[Entry]
    alpine_iq: ProviderStatus | None


class StatsAnswer(Answer):
    """How an org stands, or one of its customers."""

    success: Literal[True] = True
    stats: Stats | None = None
    reconciliation: ReconciliationView | None = None


class Figure(Answer):
    """Points, the tier that they give, and where they come from."""

    points: int
    tier: str | None
    source: Literal["alpine_iq", "calculated", "orders"]


class Judgement(Answer):
    """Whether the two figures agree; ``discrepancy`` is how many points they lie apart."""

    reconciled: bool
    needs_review: bool
    discrepancy: int
    alpine_iq: ProviderStatus


class PointsAnswer(Answer):
    """Somebody's points: those that count, those their orders give, and how both compare."""

    customer_id: str
    primary: Figure
    calculated: Figure
    reconciliation: Judgement


class ReportAnswer(Answer):
    """Every customer in review, the widest apart first."""

    items: list[ReconciliationView]


def view_of(found: CustomerPoints) -> ReconciliationView:
    """A customer's standing as it is told."""
    fields = asdict(found)
    entries, alpine = fields.pop("entries"), fields.pop("alpine")
    return ReconciliationView(
        **fields,
        alpine_iq=alpine,
        last_entries=[
            Entry(
                order_id=entry["orderId"],
                at=entry["at"],
                total=entry["total"],
                points=entry["points"],
                balance=entry["balance"],
            )
            for entry in entries
        ],
    )


def points_of(found: Points) -> PointsAnswer:
    """Points as they are told."""
    result = found.result
    calculated = found.calculated_tier
    return PointsAnswer(
        customer_id=found.customer_id,
        primary=Figure(
            points=result.points,
            tier=result.tier.id if result.tier else None,
            source=result.tier_source.value,
        ),
        calculated=Figure(
            points=result.points_from_orders,
            tier=calculated.id if calculated else None,
            source="orders",
        ),
        reconciliation=Judgement(
            reconciled=result.reconciled,
            needs_review=result.needs_review,
            discrepancy=result.discrepancy,
            alpine_iq=result.provider_status,
        ),
    )


def table_of(found: Iterable[CustomerPoints]) -> bytes:
    """One line per customer; the last entries as ``order: points`` in one cell."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for each in found:
        entries = "; ".join(f"{entry['orderId']}: {entry['points']:+d}" for entry in each.entries)
        table.writerow(
            (
                each.customer_id,
                each.points_from_orders,
                each.points_from_alpine,
                each.discrepancy,
                each.alpine_user_id,
                each.last_calculated.isoformat(),
                entries,
            )
        )
    return text.getvalue().encode()
