"""``/api/orders`` and ``/api/customers/{id}/orders``: orders as those who work for the org see
them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from shared.domain.order_matching import SkipReason
from shared.domain.orders import OrderStatus
from shared.errors import NotFound
from shared.services.reads.customers import CustomerReads, OrderReads
from shared.services.reads.response_cache import ResponseCache
from shared.store.listing import DocumentPage
from shared.web.fields import Cursor, OrgId, PageSize, RecordId
from shared.web.reply import Answer, Reply
from shared.web.route import Cached, Call, NoBody, Params, Route
from shared.web.rules import Rule

KEPT_SECONDS = 180.0


class OrdersQuery(Params):
    """Orders of one ``status``, or of all."""

    org_id: OrgId
    status: OrderStatus | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class CustomerOrdersQuery(Params):
    """Orders of one customer."""

    customer_id: RecordId
    org_id: OrgId
    cursor: Cursor | None = None
    limit: PageSize = 50


class SkippedOrdersQuery(Params):
    """Orders skipped for one ``reason``, or for any."""

    org_id: OrgId
    reason: SkipReason | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class Buyer(Answer):
    """Who ordered, as the order has it."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


class OrderItemView(Answer):
    """A line of an order; ``price`` is per unit."""

    product_id: str | None = None
    name: str | None = None
    category: str | None = None
    quantity: float | None = None
    price: float | None = None


class OrderView(Answer):
    """An order. Money in dollars, that of a refund negative; times in UTC."""

    id: str
    external_id: str | None = None
    customer_id: str | None = None
    location_id: str | None = None
    status: str | None = None
    pos_status: str | None = None
    type: str | None = None
    channel: str | None = None
    customer: Buyer | None = None
    items: list[OrderItemView] | None = None
    total: float | None = None
    subtotal: float | None = None
    tax: float | None = None
    discount: float | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    source: str | None = None


class OrderPage(Answer):
    """Some orders, the latest first. Without ``nextCursor`` it is the last page."""

    items: list[OrderView]
    next_cursor: str | None


class SkippedOrderView(Answer):
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


class SkippedOrderPage(Answer):
    """Some skipped orders, the latest first. Without ``nextCursor`` it is the last page."""

    items: list[SkippedOrderView]
    next_cursor: str | None


def routes(
    orders: OrderReads, customers: CustomerReads, answers: ResponseCache, staff: Rule
) -> tuple[Route[Any, Any], ...]:
    """``staff`` is the rule for those who work for the org."""

    def list_orders(call: Call[OrdersQuery, NoBody]) -> Reply:
        asked, org_id = call.params, call.org_id
        read = _reader(
            lambda: orders.page(org_id, status=asked.status, cursor=asked.cursor, limit=asked.limit)
        )
        return Reply(answers.of(org_id, asked, KEPT_SECONDS, read))

    def list_customer_orders(call: Call[CustomerOrdersQuery, NoBody]) -> Reply:
        asked, org_id = call.params, call.org_id
        read = _reader(
            lambda: customers.orders(
                org_id, asked.customer_id, cursor=asked.cursor, limit=asked.limit
            )
        )
        return Reply(answers.of(org_id, asked, KEPT_SECONDS, read))

    def list_skipped(call: Call[SkippedOrdersQuery, NoBody]) -> Reply:
        asked, org_id = call.params, call.org_id

        def read() -> SkippedOrderPage:
            page = orders.skipped(
                org_id, reason=asked.reason, cursor=asked.cursor, limit=asked.limit
            )
            items = [SkippedOrderView.model_validate(each.fields) for each in page.documents]
            return SkippedOrderPage(items=items, next_cursor=page.cursor)

        return Reply(answers.of(org_id, asked, KEPT_SECONDS, read))

    return (
        Route(
            method="GET",
            path="/api/orders/skipped",
            rule=staff,
            summary="The orders that match no customer, each with the reason, the latest first.",
            params=SkippedOrdersQuery,
            body=NoBody,
            answers=[(200, SkippedOrderPage)],
            handler=list_skipped,
            cached=Cached(seconds=0),
        ),
        Route(
            method="GET",
            path="/api/orders",
            rule=staff,
            summary="The org's orders, the latest first, page by page.",
            params=OrdersQuery,
            body=NoBody,
            answers=[(200, OrderPage)],
            handler=list_orders,
            cached=Cached(seconds=0),
        ),
        Route(
            method="GET",
            path="/api/customers/{customerId}/orders",
            rule=staff,
            summary="A customer's orders, the latest first, page by page.",
            params=CustomerOrdersQuery,
            body=NoBody,
            answers=[(200, OrderPage)],
            errors=[NotFound],
            handler=list_customer_orders,
            cached=Cached(seconds=0),
        ),
    )


def _reader(read: Callable[[], DocumentPage]) -> Callable[[], OrderPage]:
    def answer() -> OrderPage:
        page = read()
        items = [
            OrderView.model_validate({"id": each.id, **each.fields}) for each in page.documents
        ]
        return OrderPage(items=items, next_cursor=page.cursor)

    return answer
