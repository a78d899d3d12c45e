"""``/api/inventory/expiring`` and ``/api/products/{id}/price-history``: for the org's own staff."""

from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from shared.domain.money import to_dollars
from shared.errors import NotFound
from shared.services.reads.inventory import (
    ExpiringStock,
    ExpiringStockBatch,
    PriceChange,
    PriceHistory,
)
from shared.web.fields import OrgId, RecordId
from shared.web.reply import Answer, Reply
from shared.web.route import Cached, Call, NoBody, Params, Route
from shared.web.rules import Rule


class ExpiringQuery(Params):
    """Batches with at most ``days`` left and at least ``minQuantity`` for sale."""

    org_id: OrgId
    days: Annotated[int, Field(ge=0, le=3_650)] = 30
    min_quantity: Annotated[Decimal, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = Decimal(1)


class ExpiringItem(Answer):
    """A batch at a location. ``daysLeft`` is 0 on its last day and below 0 once it has expired.
    Money in dollars; a suggested ``clearancePrice`` only where there is one."""

    batch_id: str
    product_id: str
    name: str
    location_id: str
    package_tag: str | None
    expires_on: date
    packaged_on: str | None
    received_on: str | None
    days_left: int
    quantity: float
    cost: float | None
    cost_at_risk: float | None
    price: float | None
    clearance_price: float | None


class ExpiringAnswer(Answer):
    """The most urgent first, and what all of it cost, as far as that is known."""

    items: list[ExpiringItem]
    cost_at_risk: float


class HistoryQuery(Params):
    """A product, and how many of its changes at most."""

    product_id: RecordId
    org_id: OrgId
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class PriceChangeView(Answer):
    """A change of price or cost, in dollars. The one before had held since ``previousSince``."""

    changed_at: datetime
    price: float | None
    previous_price: float | None
    price_source: str | None
    cost: float | None
    previous_cost: float | None
    previous_since: datetime


class HistoryAnswer(Answer):
    """The changes of a product, the newest first."""

    product_id: str
    items: list[PriceChangeView]


def routes(
    expiring: ExpiringStock, history: PriceHistory, staff: Rule
) -> tuple[Route[Any, Any], ...]:
    """``staff`` is the rule for those who work for the org."""

    def list_expiring(call: Call[ExpiringQuery, NoBody]) -> Reply:
        asked = call.params
        found = expiring(call.org_id, within_days=asked.days, min_quantity=asked.min_quantity)
        at_risk = sum(each.outlook.cost_at_risk_cents or 0 for each in found)
        items = [_expiring(each) for each in found]
        return Reply(ExpiringAnswer(items=items, cost_at_risk=to_dollars(at_risk)))

    def list_prices(call: Call[HistoryQuery, NoBody]) -> Reply:
        product_id = call.params.product_id
        found = history(call.org_id, product_id, limit=call.params.limit)
        if found is None:
            raise NotFound("there is no such product")
        return Reply(HistoryAnswer(product_id=product_id, items=[_change(each) for each in found]))

    return (
        Route(
            method="GET",
            path="/api/inventory/expiring",
            rule=staff,
            summary="Stock that is about to expire, or has.",
            params=ExpiringQuery,
            body=NoBody,
            answers=[(200, ExpiringAnswer)],
            handler=list_expiring,
            cached=Cached(seconds=60),
        ),
        Route(
            method="GET",
            path="/api/products/{productId}/price-history",
            rule=staff,
            summary="How a product's price and cost have changed.",
            params=HistoryQuery,
            body=NoBody,
            answers=[(200, HistoryAnswer)],
            errors=[NotFound],
            handler=list_prices,
            cached=Cached(seconds=60),
        ),
    )


def _expiring(found: ExpiringStockBatch) -> ExpiringItem:
    stock, outlook = found.stock, found.outlook
    batch = outlook.batch
    return ExpiringItem(
        batch_id=batch.batch_id,
        product_id=batch.item_id,
        name=batch.name,
        location_id=batch.location_id,
        package_tag=stock.tag,
        expires_on=batch.expires_on,
        packaged_on=stock.detail.packaged_on,
        received_on=stock.received_on,
        days_left=outlook.days_left,
        quantity=float(batch.quantity),
        cost=_dollars(batch.cost_cents),
        cost_at_risk=_dollars(outlook.cost_at_risk_cents),
        price=_dollars(batch.price_cents),
        clearance_price=_dollars(outlook.clearance_price_cents),
    )


def _change(change: PriceChange) -> PriceChangeView:
    return PriceChangeView(**asdict(change))


def _dollars(cents: int | None) -> float | None:
    return None if cents is None else to_dollars(cents)
