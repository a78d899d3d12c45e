"""``/orgs/{orgId}/customers`` and a customer's own page."""

from shared.console.pages.parameters import ROWS, PageParams
from shared.console.rendering import HTML, Console
from shared.domain.segmentation import Segment
from shared.errors import NotFound
from shared.services.reads.customers import CustomerSort
from shared.web.auth import Rule
from shared.web.request import Cursor, NoBody, RecordId
from shared.web.response import RouteReply
from shared.web.routes.customers import (
    CustomerResponse,
    CustomersResponse,
    Search,
    SegmentsResponse,
)
from shared.web.routes.loyalty_reads import LoyaltyStatusResponse, ReconciliationView
from shared.web.routes.orders import OrdersResponse
from shared.web.routing import RouteCall, RouteTable

LATEST_ORDERS = 10
"""On a customer's page, before all of them are asked for."""


class CustomersPage(PageParams):
    """What is listed, and in which order."""

    segment: Segment | None = None
    q: Search | None = None
    sort: CustomerSort = CustomerSort.MOST_SPENT
    cursor: Cursor | None = None


class CustomerPage(PageParams):
    """A customer; ``cursor`` continues the orders."""

    customer_id: RecordId
    cursor: Cursor | None = None


def routes(console: Console, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/orgs/{orgId}/customers", CustomersPage, HTML)
    def show_customers(call: RouteCall[CustomersPage, NoBody]) -> RouteReply:
        """The customers of an org."""
        asked, reader = call.params, console.reader(call)
        found = reader.get(
            "/api/customers", CustomersResponse, **asked.query, orgId=call.org_id, limit=ROWS
        )
        totals = reader.get("/api/segments", SegmentsResponse, orgId=call.org_id)
        return console.page(
            call,
            "customers.html",
            title="Customers",
            section="customers",
            found=found,
            asked=asked.query,
            totals=totals,
        )

    @table.get("/orgs/{orgId}/customers/{customerId}", CustomerPage, HTML, errors=[NotFound])
    def show_customer(call: RouteCall[CustomerPage, NoBody]) -> RouteReply:
        """One customer: spending, segment, points, preferences and orders."""
        org_id, customer_id = call.org_id, call.params.customer_id
        reader = console.reader(call)
        customer = reader.get(
            "/api/customers/{customerId}", CustomerResponse, orgId=org_id, customerId=customer_id
        )
        orders = reader.get(
            "/api/customers/{customerId}/orders",
            OrdersResponse,
            orgId=org_id,
            customerId=customer_id,
            cursor=call.params.cursor,
            limit=LATEST_ORDERS,
        )
        names = (customer.first_name, customer.last_name)
        return console.page(
            call,
            "customer.html",
            title=" ".join(filter(None, names)) or f"Customer {customer_id}",
            section="customers",
            customer=customer,
            orders=orders,
            points=_points(console, call),
            cursor=call.params.cursor,
        )

    return table


def _points(console: Console, call: RouteCall[CustomerPage, NoBody]) -> ReconciliationView | None:
    """The customer's points; None before the first loyalty run."""
    try:
        return (
            console.reader(call)
            .get(
                "/api/loyalty/sync",
                LoyaltyStatusResponse,
                orgId=call.org_id,
                customerId=call.params.customer_id,
            )
            .reconciliation
        )
    except NotFound:
        return None
