"""``/orgs/{orgId}/orders``, those that were skipped, and an order's own page."""

from typing import Annotated

from pydantic import Field

from shared.console.pages.parameters import ROWS, PageParams
from shared.console.pages.places import place_names
from shared.console.rendering import HTML, Console
from shared.domain.order_matching import SkipReason
from shared.domain.orders import Channel, OrderStatus
from shared.errors import NotFound
from shared.web.auth import Rule
from shared.web.request import Cursor, NoBody, PeriodDay, RecordId
from shared.web.response import RouteReply
from shared.web.routes.orders import OrdersResponse, OrderView, SkippedOrderPage
from shared.web.routing import RouteCall, RouteTable


class OrdersPage(PageParams):
    """Which orders are listed."""

    status: OrderStatus | None = None
    channel: Channel | None = None
    first: Annotated[PeriodDay | None, Field(alias="from")] = None
    last: Annotated[PeriodDay | None, Field(alias="to")] = None
    cursor: Cursor | None = None


class SkippedOrdersPage(PageParams):
    """Which skipped orders are listed."""

    reason: SkipReason | None = None
    cursor: Cursor | None = None


class OrderPage(PageParams):
    """An order."""

    order_id: RecordId


def routes(console: Console, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/orgs/{orgId}/orders", OrdersPage, HTML)
    def show_orders(call: RouteCall[OrdersPage, NoBody]) -> RouteReply:
        """The orders of an org, the latest first."""
        asked = call.params.query
        found = console.reader(call).get(
            "/api/orders", OrdersResponse, **asked, orgId=call.org_id, limit=ROWS
        )
        return console.page(
            call,
            "orders.html",
            title="Orders",
            section="orders",
            found=found,
            asked=asked,
            statuses=list(OrderStatus),
        )

    @table.get("/orgs/{orgId}/orders/skipped", SkippedOrdersPage, HTML)
    def show_skipped(call: RouteCall[SkippedOrdersPage, NoBody]) -> RouteReply:
        """The orders that match no customer, and why."""
        asked = call.params.query
        found = console.reader(call).get(
            "/api/orders/skipped", SkippedOrderPage, **asked, orgId=call.org_id, limit=ROWS
        )
        return console.page(
            call,
            "orders_skipped.html",
            title="Skipped orders",
            section="orders",
            found=found,
            asked=asked,
        )

    @table.get("/orgs/{orgId}/orders/{orderId}", OrderPage, HTML, errors=[NotFound])
    def show_order(call: RouteCall[OrderPage, NoBody]) -> RouteReply:
        """One order."""
        reader = console.reader(call)
        order = reader.get(
            "/api/orders/{orderId}", OrderView, orgId=call.org_id, orderId=call.params.order_id
        )
        return console.page(
            call,
            "order.html",
            title=f"Order {order.external_id or order.id}",
            section="orders",
            order=order,
            places=place_names(reader, call.org_id),
        )

    return table
