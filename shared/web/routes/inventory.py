"""``/api/inventory/expiring`` and ``/api/products/{id}/price-history``, for the staff of an org."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from shared.domain.money import dollars_or_none, to_dollars
from shared.errors import NotFound
from shared.services.reads.inventory import (
    ExpiringStock,
    ExpiringStockBatch,
    PriceHistory,
)
from shared.web.auth import Rule
from shared.web.request import NoBody, OrgQuery, RecordId
from shared.web.response import Cached, ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable


class ExpiringQuery(OrgQuery):
    """Batches with at most ``days`` left and at least ``minQuantity`` for sale; of one product,
    or of all."""

    days: Annotated[int, Field(ge=0, le=3_650)] = 30
    product_id: RecordId | None = None
    min_quantity: Annotated[Decimal, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = Decimal(1)


class ExpiringBatchView(ResponseModel):
    """A batch at a location. ``daysLeft`` is 0 on its last day and negative once it has expired.
    Money in dollars; ``clearancePrice`` is a suggestion, if there is one."""

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


class ExpiringResponse(ResponseModel):
    """Batches, the most urgent first, and their total cost as far as it is known."""

    items: list[ExpiringBatchView]
    cost_at_risk: float


class PriceHistoryQuery(OrgQuery):
    """A product, and the maximum number of changes."""

    product_id: RecordId
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class PriceChangeView(ResponseModel):
    """A change of price or cost, in dollars. The previous values applied from ``previousSince``."""

    changed_at: datetime
    price: float | None
    previous_price: float | None
    price_source: str | None
    cost: float | None
    previous_cost: float | None
    previous_since: datetime


class PriceHistoryResponse(ResponseModel):
    """The changes of a product, the newest first."""

    product_id: str
    items: list[PriceChangeView]


def routes(expiring: ExpiringStock, history: PriceHistory, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)
    cached = Cached(seconds=60)

    @table.get(
        "/api/inventory/expiring", ExpiringQuery, ExpiringResponse, cached=Cached(seconds=60)
    )
    def list_expiring(call: RouteCall[ExpiringQuery, NoBody]) -> RouteReply:
        """Stock that expires soon or has expired."""
        asked = call.params
        found = expiring(
            call.org_id,
            within_days=asked.days,
            min_quantity=asked.min_quantity,
            product_id=asked.product_id,
        )
        at_risk = sum(each.outlook.cost_at_risk_cents or 0 for each in found)
        items = [_expiring(each) for each in found]
        return RouteReply(ExpiringResponse(items=items, cost_at_risk=to_dollars(at_risk)))

    @table.get(
        "/api/products/{productId}/price-history",
        PriceHistoryQuery,
        PriceHistoryResponse,
        errors=[NotFound],
        cached=cached,
    )
    def list_prices(call: RouteCall[PriceHistoryQuery, NoBody]) -> RouteReply:
        """How a product's price and cost have changed."""
        product_id = call.params.product_id
        found = history(call.org_id, product_id, limit=call.params.limit)
        if found is None:
            raise NotFound("there is no such product")
        items = [PriceChangeView.model_validate(each) for each in found]
        return RouteReply(PriceHistoryResponse(product_id=product_id, items=items))

    return table


def _expiring(found: ExpiringStockBatch) -> ExpiringBatchView:
    stock, outlook = found.stock, found.outlook
    batch = outlook.batch
    return ExpiringBatchView(
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
        cost=dollars_or_none(batch.cost_cents),
        cost_at_risk=dollars_or_none(outlook.cost_at_risk_cents),
        price=dollars_or_none(batch.price_cents),
        clearance_price=dollars_or_none(outlook.clearance_price_cents),
    )
