"""``/orgs/{orgId}/customers``."""

from shared.console.pages.parameters import PageParams
from shared.console.rendering import HTML, Console
from shared.domain.segmentation import Segment
from shared.services.reads.customers import CustomerSort
from shared.web.auth import Rule
from shared.web.request import Cursor, NoBody
from shared.web.response import RouteReply
from shared.web.routes.customers import CustomersResponse, Search
from shared.web.routing import RouteCall, RouteTable


class CustomersPage(PageParams):
    """What is listed, and in which order."""

    segment: Segment | None = None
    q: Search | None = None
    sort: CustomerSort = CustomerSort.MOST_SPENT
    cursor: Cursor | None = None


def routes(console: Console, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/orgs/{orgId}/customers", CustomersPage, HTML)
    def show_customers(call: RouteCall[CustomersPage, NoBody]) -> RouteReply:
        """The customers of an org."""
        asked = call.params
        found = console.reader(call).get(
            "/api/customers", CustomersResponse, **asked.query, orgId=call.org_id
        )
        return console.page(
            call,
            "customers.html",
            title="Customers",
            section="customers",
            found=found,
            asked=asked.query,
            segments=list(Segment),
        )

    return table
