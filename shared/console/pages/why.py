"""``…/why`` below a customer, an order and a product: where what is shown comes from."""

from shared.console.pages.customers import CustomerPage
from shared.console.pages.menu import ProductPage
from shared.console.pages.orders import OrderPage
from shared.console.pages.places import place_names
from shared.console.rendering import HTML, Console
from shared.errors import NotFound
from shared.web.auth import Rule
from shared.web.request import NoBody
from shared.web.response import RouteReply
from shared.web.routes.explanations import (
    CustomerExplanationResponse,
    OrderExplanationResponse,
    ProductExplanationResponse,
)
from shared.web.routing import RouteCall, RouteTable


def routes(console: Console, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/orgs/{orgId}/customers/{customerId}/why", CustomerPage, HTML, errors=[NotFound])
    def explain_customer(call: RouteCall[CustomerPage, NoBody]) -> RouteReply:
        """Where a customer's figures come from."""
        customer_id = call.params.customer_id
        why = console.reader(call).get(
            "/api/customers/{customerId}/explanation",
            CustomerExplanationResponse,
            orgId=call.org_id,
            customerId=customer_id,
        )
        return console.page(
            call,
            "why_customer.html",
            title="Where the figures come from",
            section="customers",
            why=why,
        )

    @table.get("/orgs/{orgId}/orders/{orderId}/why", OrderPage, HTML, errors=[NotFound])
    def explain_order(call: RouteCall[OrderPage, NoBody]) -> RouteReply:
        """What became of an order, also of one that is not stored."""
        why = console.reader(call).get(
            "/api/orders/{orderId}/explanation",
            OrderExplanationResponse,
            orgId=call.org_id,
            orderId=call.params.order_id,
        )
        return console.page(
            call,
            "why_order.html",
            title="What became of this order",
            section="orders",
            why=why,
        )

    @table.get("/orgs/{orgId}/menu/{productId}/why", ProductPage, HTML, errors=[NotFound])
    def explain_product(call: RouteCall[ProductPage, NoBody]) -> RouteReply:
        """Where a product's price, sale and stock come from."""
        reader = console.reader(call)
        why = reader.get(
            "/api/menu/{productId}/explanation",
            ProductExplanationResponse,
            orgId=call.org_id,
            productId=call.params.product_id,
        )
        return console.page(
            call,
            "why_product.html",
            title="Where price, sale and stock come from",
            section="menu",
            why=why,
            places=place_names(reader, call.org_id),
        )

    return table
