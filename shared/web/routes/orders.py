"""``/api/orders`` and ``/api/customers/{id}/orders``, for the staff of an org."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from pydantic import Field

from shared.domain.order_matching import SkipReason
from shared.domain.orders import Channel, OrderStatus
from shared.errors import NotFound
from shared.services.reads.customers import CustomerReads, OrderReads
from shared.services.reads.response_cache import ResponseCache
from shared.store.database import Document
from shared.store.listing import DocumentPage
from shared.store.orders import has_counted
from shared.web.auth import Rule
from shared.web.request import NoBody, OrgQuery, PageQuery, PeriodDay, RecordId
from shared.web.response import CHECKED, ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable

KEPT_SECONDS = 180.0


class OrdersQuery(PageQuery):
    """Orders of one ``status`` or of all, of one ``channel`` or of both, of the days from ``from``
    to ``to`` by the org's calendar, both included."""

    status: OrderStatus | None = None
    channel: Channel | None = None
    first: Annotated[PeriodDay | None, Field(alias="from")] = None
    last: Annotated[PeriodDay | None, Field(alias="to")] = None


class OrderQuery(OrgQuery):
    """One order."""

    order_id: RecordId


class CustomerOrdersQuery(PageQuery):
    """Orders of one customer."""

    customer_id: RecordId


class SkippedOrdersQuery(PageQuery):
    """Orders skipped for one ``reason``, or for any."""

    reason: SkipReason | None = None


class BuyerView(ResponseModel):
    """The customer's contact details in the order."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


class OrderItemView(ResponseModel):
    """A line of an order; ``price`` is per unit."""

    product_id: str | None = None
    name: str | None = None
    category: str | None = None
    quantity: float | None = None
    price: float | None = None


class OrderView(ResponseModel):
    """An order. Money in dollars, negative for a refund; times in UTC. ``counts``: as spending.
    ``supersededBy``: only that sale counts, not this eCom order. ``removedFromPosAt``: since when
    the POS has it no more."""

    id: str
    external_id: str | None = None
    customer_id: str | None = None
    location_id: str | None = None
    status: str | None = None
    pos_status: str | None = None
    type: str | None = None
    channel: str | None = None
    customer: BuyerView | None = None
    items: list[OrderItemView] | None = None
    total: float | None = None
    subtotal: float | None = None
    tax: float | None = None
    discount: float | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    source: str | None = None
    ecom_number: str | None = None
    superseded_by: str | None = None
    removed_from_pos_at: datetime | None = None
    sync_run_id: str | None = None
    counts: bool


class OrdersResponse(ResponseModel):
    """A page of orders, the latest first. The last page has no ``nextCursor``."""

    items: list[OrderView]
    next_cursor: str | None


class SkippedOrderView(ResponseModel):
    """An order that matches no customer, and why. ``total`` in dollars; times in UTC; ``runId`` is
    the sync that found the reason."""

    order_id: str
    external_id: str
    reason: SkipReason
    message: str
    pos_customer_id: str | None = None
    total: float
    created_at: datetime
    first_seen_at: datetime | None = None
    run_id: str


class SkippedOrderPage(ResponseModel):
    """Some skipped orders, the latest first. Without ``nextCursor`` it is the last page."""

    items: list[SkippedOrderView]
    next_cursor: str | None


def routes(
    orders: OrderReads, customers: CustomerReads, answers: ResponseCache, staff: Rule
) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/api/orders", OrdersQuery, OrdersResponse, cached=CHECKED)
    def list_orders(call: RouteCall[OrdersQuery, NoBody]) -> RouteReply:
        """The org's orders, the latest first, page by page."""
        asked, org_id = call.params, call.org_id
        read = _reader(
            lambda: orders.page(
                org_id,
                status=asked.status,
                channel=asked.channel,
                days=(asked.first, asked.last),
                cursor=asked.cursor,
                limit=asked.limit,
            )
        )
        return RouteReply(answers.of(org_id, asked, KEPT_SECONDS, read))

    @table.get("/api/orders/{orderId}", OrderQuery, OrderView, errors=[NotFound], cached=CHECKED)
    def get_order(call: RouteCall[OrderQuery, NoBody]) -> RouteReply:
        """One order."""
        org_id, order_id = call.org_id, call.params.order_id
        return RouteReply(
            answers.of(
                org_id, call.params, KEPT_SECONDS, lambda: _view(orders.get(org_id, order_id))
            )
        )

    @table.get(
        "/api/customers/{customerId}/orders",
        CustomerOrdersQuery,
        OrdersResponse,
        errors=[NotFound],
        cached=CHECKED,
    )
    def list_customer_orders(call: RouteCall[CustomerOrdersQuery, NoBody]) -> RouteReply:
        """A customer's orders, the latest first, page by page."""
        asked, org_id = call.params, call.org_id
        read = _reader(
            lambda: customers.orders(
                org_id, asked.customer_id, cursor=asked.cursor, limit=asked.limit
            )
        )
        return RouteReply(answers.of(org_id, asked, KEPT_SECONDS, read))

    @table.get("/api/orders/skipped", SkippedOrdersQuery, SkippedOrderPage, cached=CHECKED)
    def list_skipped(call: RouteCall[SkippedOrdersQuery, NoBody]) -> RouteReply:
        """The orders that match no customer, each with the reason, the latest first."""
        asked, org_id = call.params, call.org_id

        def read() -> SkippedOrderPage:
            page = orders.skipped(
                org_id, reason=asked.reason, cursor=asked.cursor, limit=asked.limit
            )
            items = [SkippedOrderView.model_validate(each.fields) for each in page.documents]
            return SkippedOrderPage(items=items, next_cursor=page.cursor)

        return RouteReply(answers.of(org_id, asked, KEPT_SECONDS, read))

    return table


def _reader(read: Callable[[], DocumentPage]) -> Callable[[], OrdersResponse]:
    def answer() -> OrdersResponse:
        page = read()
        return OrdersResponse(
            items=[_view(each) for each in page.documents], next_cursor=page.cursor
        )

    return answer


def _view(order: Document) -> OrderView:
    return OrderView.model_validate({"id": order.id, **order.fields, "counts": has_counted(order)})
