"""Where the figures of a customer, an order or a product come from, for the staff of an org."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from shared.domain.money import dollars_or_none, to_dollars
from shared.domain.runs import RunState
from shared.domain.segmentation import Segment
from shared.domain.spending import Spending
from shared.errors import NotFound
from shared.services.reads.explanations.customer import (
    CustomerExplanation,
    ExplainCustomer,
    ExplainedOrder,
)
from shared.services.reads.explanations.order import (
    ExplainOrder,
    OrderExplanation,
    StoredExplained,
)
from shared.services.reads.explanations.origins import OrderEffect
from shared.services.reads.explanations.product import ExplainProduct, ProductExplanation
from shared.web.auth import Rule
from shared.web.request import NoBody, OrgQuery, RecordId
from shared.web.response import ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable


class ExplainCustomerQuery(OrgQuery):
    """One customer."""

    customer_id: RecordId


class ExplainOrderQuery(OrgQuery):
    """One order, by its document's id or the POS's own."""

    order_id: RecordId


class ExplainProductQuery(OrgQuery):
    """One product."""

    product_id: RecordId


class RunBehindView(ResponseModel):
    """A run that wrote a record. ``named`` is false where the record does not name it: then it is
    the last that had begun; spending and webhooks write between the runs, too."""

    run_id: str
    named: bool
    state: RunState | None
    trigger: str | None
    started_at: datetime | None
    ended_at: datetime | None


class QuarantineEntryView(ResponseModel):
    """Why a record that the POS sent could not be used."""

    code: str
    message: str
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    run_id: str | None


class FiguresView(ResponseModel):
    """Spending, in dollars; refunds lower the total and are no order."""

    total_spent: float
    order_count: int
    avg_order_value: float
    first_order_date: datetime | None
    last_order_date: datetime | None


class ExplainedOrderView(ResponseModel):
    """An order, what it adds to spending (``effect``), and why."""

    order_id: str
    total: float | None
    created_at: datetime | None
    status: str | None
    type: str | None
    counts: bool
    effect: OrderEffect
    why: str
    superseded_by: str | None
    run_id: str | None


class ExplainedSpendingView(ResponseModel):
    """``stored`` is what the customer's document says, ``recounted`` what its orders come to now;
    ``agrees``: they are the same. ``effects`` counts all orders, ``orders`` are the latest 100."""

    stored: FiguresView | None
    recounted: FiguresView
    agrees: bool
    computed_at: datetime | None
    effects: dict[OrderEffect, int]
    orders: list[ExplainedOrderView]


class SegmentRuleView(ResponseModel):
    """A segment and what it asks for. The rules are tried in this order; one ``decides``."""

    segment: Segment
    asks: str
    decides: bool


class ExplainedSegmentView(ResponseModel):
    """The segment as stored and as it is now, with the rule that holds and its numbers."""

    stored: str | None
    stored_reason: str | None
    now: Segment
    reason: str
    rules: list[SegmentRuleView]


class RfmBoundsView(ResponseModel):
    """The bounds between the five scores: days, orders, dollars."""

    recency_days: list[int]
    frequency: list[int]
    monetary: list[float]


class ExplainedRfmView(ResponseModel):
    """Days since the last counted order, counted orders, dollars; ``scores`` as stored."""

    recency_days: int
    frequency: int
    monetary: float
    scores: dict[str, int] | None
    bounds: RfmBoundsView


class ExplainedPointsView(ResponseModel):
    """``calculated``: the points of the orders now, spending times ``pointsPerDollar`` times
    ``multiplier``; ``storedCalculated`` and ``fromProvider`` as stored. ``points`` hold; ``source``
    says whose they are. ``problem``: what is wrong with the org's loyalty settings."""

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
    problem: str | None


class CustomerExplanationResponse(ResponseModel):
    """Where a customer's figures come from. One that is not ``stored`` is in quarantine."""

    customer_id: str
    stored: bool
    source: str | None
    removed_at: datetime | None
    written_at: datetime | None
    run: RunBehindView | None
    quarantine: QuarantineEntryView | None
    duplicate_of: str | None
    duplicate_ids: list[str]
    spending: ExplainedSpendingView
    segment: ExplainedSegmentView
    rfm: ExplainedRfmView | None
    points: ExplainedPointsView


class SkippedExplanationView(ResponseModel):
    """Why an order matches no customer."""

    reason: str
    message: str
    pos_customer_id: str | None
    first_seen_at: datetime | None
    run: RunBehindView | None


class StoredOrderView(ResponseModel):
    """A stored order and what it adds. ``changedByOthers``: another program set its status."""

    effect: OrderEffect
    why: str
    counts: bool
    total: float | None
    created_at: datetime | None
    status: str | None
    pos_status: str | None
    status_from_pos: str | None
    changed_by_others: bool
    type: str | None
    channel: str | None
    customer_id: str | None
    customer_is_stored: bool
    removed_at: datetime | None
    superseded_by: str | None
    ecom_state: str | None
    run: RunBehindView | None


class OrderExplanationResponse(ResponseModel):
    """What became of an order: stored, skipped, in quarantine, or several of them."""

    order_id: str
    stored: StoredOrderView | None
    skipped: SkippedExplanationView | None
    quarantine: QuarantineEntryView | None


class PriceStepView(ResponseModel):
    """A step on the way to a price: the first that gives one is ``used``."""

    source: str
    used: bool
    rule: str


class PriceMoveView(ResponseModel):
    """A change of price or cost, in dollars."""

    changed_at: datetime
    price: float | None = None
    previous_price: float | None = None
    price_source: str | None = None
    cost: float | None = None
    previous_cost: float | None = None


class ExplainedPriceView(ResponseModel):
    """The price, in dollars; ``markup`` is the factor on the cost of the category."""

    price: float | None
    source: str | None
    steps: list[PriceStepView]
    cost: float | None
    batch_cost: float | None
    markup: Decimal | None
    changes: list[PriceMoveView]
    problem: str | None


class SaleDiscountView(ResponseModel):
    """The discount behind a sale; ``value`` is percent or dollars by ``type``. It names products,
    categories or brands."""

    id: str
    name: str | None = None
    type: str | None = None
    value: float | None = None
    priority: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    product_ids: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()


class ExplainedSaleView(ResponseModel):
    """Whether the product is on sale; ``discount`` is absent where it is not stored any more."""

    is_on_sale: bool
    sale_price: float | None
    badge: str | None
    ends_at: datetime | None
    discount_id: str | None
    discount: SaleDiscountView | None


class ExplainedStockView(ResponseModel):
    """The stock of a location; ``decides``: its price is the product's."""

    location_id: str
    quantity: float
    available: bool
    price: float | None
    decides: bool


class ProductExplanationResponse(ResponseModel):
    """Where a product's price, sale and stock come from. ``menuDiffers``: fields in which the
    public menu's copy is another."""

    product_id: str
    stored: bool
    name: str | None
    category: str | None
    source: str | None
    removed_at: datetime | None
    written_at: datetime | None
    run: RunBehindView | None
    quarantine: QuarantineEntryView | None
    price: ExplainedPriceView
    sale: ExplainedSaleView
    available: bool
    quantity: float
    stock: list[ExplainedStockView]
    on_menu: bool
    menu_differs: list[str]


def routes(
    customer: ExplainCustomer, order: ExplainOrder, product: ExplainProduct, staff: Rule
) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get(
        "/api/customers/{customerId}/explanation",
        ExplainCustomerQuery,
        CustomerExplanationResponse,
        errors=[NotFound],
    )
    def explain_customer(call: RouteCall[ExplainCustomerQuery, NoBody]) -> RouteReply:
        """Where a customer's figures come from."""
        return RouteReply(customer_view(customer(call.org_id, call.params.customer_id)))

    @table.get(
        "/api/orders/{orderId}/explanation",
        ExplainOrderQuery,
        OrderExplanationResponse,
        errors=[NotFound],
    )
    def explain_order(call: RouteCall[ExplainOrderQuery, NoBody]) -> RouteReply:
        """Why an order counts, or does not, or is not stored."""
        return RouteReply(order_view(order(call.org_id, call.params.order_id)))

    @table.get(
        "/api/menu/{productId}/explanation",
        ExplainProductQuery,
        ProductExplanationResponse,
        errors=[NotFound],
    )
    def explain_product(call: RouteCall[ExplainProductQuery, NoBody]) -> RouteReply:
        """Where a product's price, sale and stock come from."""
        return RouteReply(product_view(product(call.org_id, call.params.product_id)))

    return table


def customer_view(found: CustomerExplanation) -> CustomerExplanationResponse:
    """The explanation of a customer as it is sent."""
    spent, rfm = found.spending, found.rfm
    shown: dict[str, Any] = _same(found, CustomerExplanationResponse)
    shown["spending"] = ExplainedSpendingView(
        stored=_figures(spent.stored) if spent.stored else None,
        recounted=_figures(spent.recounted),
        agrees=spent.agrees,
        computed_at=spent.computed_at,
        effects=dict(spent.effects),
        orders=[_order_line(each) for each in spent.orders],
    )
    shown["rfm"] = rfm and ExplainedRfmView(
        recency_days=rfm.recency_days,
        frequency=rfm.frequency,
        monetary=to_dollars(rfm.monetary_cents),
        scores=dict(rfm.stored) if rfm.stored else None,
        bounds=RfmBoundsView(
            recency_days=list(rfm.bounds.recency_days),
            frequency=list(rfm.bounds.frequency),
            monetary=[to_dollars(cents) for cents in rfm.bounds.monetary_cents],
        ),
    )
    return CustomerExplanationResponse.model_validate(shown, from_attributes=True)


def order_view(found: OrderExplanation) -> OrderExplanationResponse:
    """The explanation of an order as it is sent."""
    shown = _same(found, OrderExplanationResponse)
    shown["stored"] = _stored_order(found.stored) if found.stored else None
    return OrderExplanationResponse.model_validate(shown, from_attributes=True)


def product_view(found: ProductExplanation) -> ProductExplanationResponse:
    """The explanation of a product as it is sent."""
    price, sale = found.price, found.sale
    shown = _same(found, ProductExplanationResponse)
    shown["price"] = {
        **_same(price, ExplainedPriceView),
        "price": dollars_or_none(price.price_cents),
        "cost": dollars_or_none(price.cost_cents),
        "batch_cost": dollars_or_none(price.batch_cost_cents),
        "changes": [PriceMoveView.model_validate(each) for each in price.changes],
    }
    shown["sale"] = {
        **_same(sale, ExplainedSaleView),
        "sale_price": dollars_or_none(sale.sale_price_cents),
        "discount": sale.discount and SaleDiscountView.model_validate(sale.discount),
    }
    shown["stock"] = [
        {**_same(each, ExplainedStockView), "price": dollars_or_none(each.price_cents)}
        for each in found.stock
    ]
    return ProductExplanationResponse.model_validate(shown, from_attributes=True)


def _same(found: object, view: type[ResponseModel]) -> dict[str, Any]:
    """Those of the view's fields that are called the same."""
    return {name: getattr(found, name) for name in view.model_fields if hasattr(found, name)}


def _figures(spent: Spending) -> FiguresView:
    return FiguresView(
        total_spent=to_dollars(spent.total_cents),
        order_count=spent.order_count,
        avg_order_value=to_dollars(spent.average_cents),
        first_order_date=spent.first_order_at,
        last_order_date=spent.last_order_at,
    )


def _order_line(line: ExplainedOrder) -> ExplainedOrderView:
    return ExplainedOrderView(
        **_same(line, ExplainedOrderView),
        total=dollars_or_none(line.total_cents),
        counts=line.effect.counts,
        why=line.effect.message,
    )


def _stored_order(stored: StoredExplained) -> StoredOrderView:
    own = _same(stored, StoredOrderView)
    own |= {
        "total": dollars_or_none(stored.total_cents),
        "counts": stored.effect.counts,
        "why": stored.effect.message,
    }
    return StoredOrderView.model_validate(own, from_attributes=True)
