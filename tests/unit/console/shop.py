"""The console over an org's answers that are given, behind werkzeug's own test client."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Request
from werkzeug.test import Client, TestResponse

from shared.console import static_files
from shared.console.error_pages import error_page
from shared.console.pages import customers, home
from shared.console.rendering import Console
from shared.domain.org_health import OrgState
from shared.domain.segmentation import Segment
from shared.errors import NotFound, Unauthenticated
from shared.web.auth import SignedIn, Staff
from shared.web.request import NoBody, OrgQuery
from shared.web.response import RouteReply
from shared.web.routes.customers import (
    CustomersQuery,
    CustomersResponse,
    CustomerView,
    SegmentsResponse,
    SegmentView,
)
from shared.web.routes.metadata import (
    LocationListView,
    LocationView,
    MetadataCounts,
    MetadataResponse,
    NamedListView,
)
from shared.web.routes.orgs import OrgStatusResponse
from shared.web.routing import App, Route, RouteCall, RouteTable

ORG, OTHER = "org_birch", "org_elm"
NOW = datetime(2026, 11, 22, 20, 41, tzinfo=UTC)
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "ann": {"uid": "ann", "role": "dispensary_admin", "orgId": ORG},
    "sue": {"uid": "sue", "role": "super_user"},
    "bob": {"uid": "bob", "role": "brand_admin", "orgIds": [ORG, OTHER]},
    "joe": {"uid": "joe", "role": "customer", "orgId": ORG},
}


class GivenSessions:
    """Of PEOPLE; a cookie or token is a name."""

    def of_cookie(self, cookie: str) -> Mapping[str, Any]:
        if cookie not in PEOPLE:
            raise Unauthenticated("the session is not valid, or not any more")
        return PEOPLE[cookie]

    def of_token(self, token: str) -> Mapping[str, Any]:
        return self.of_cookie(token)


STAFF = Staff(GivenSessions(), lambda org: org if org in (ORG, OTHER) else None)
CUSTOMERS = (
    CustomerView(
        id="c1",
        first_name="Wren",
        last_name="<b>Ash</b>",
        email="wren@example.com",
        total_spent=1234.5,
        order_count=1200,
        last_order_date=datetime(2026, 11, 22, 3, tzinfo=UTC),
    ),
    CustomerView(id="c2"),
)


def json_routes() -> RouteTable:
    """What the pages read."""
    table = RouteTable(STAFF)

    @table.get("/api/customers", CustomersQuery, CustomersResponse)
    def list_customers(call: RouteCall[CustomersQuery, NoBody]) -> RouteReply:
        """Customers."""
        if call.params.q == "broken":
            raise ZeroDivisionError
        if call.params.q == "gone":
            raise NotFound("there is no such customer")
        found = [] if call.params.q else list(CUSTOMERS)
        return RouteReply(CustomersResponse(items=found, next_cursor="two"))

    @table.get("/api/segments", OrgQuery, SegmentsResponse)
    def count_segments(_: RouteCall[OrgQuery, NoBody]) -> RouteReply:
        """Segments."""
        vip = SegmentView(segment=Segment.VIP, customers=1, revenue=1234.5)
        return RouteReply(SegmentsResponse(segments=[vip], customers=1, revenue=1234.5))

    @table.get("/api/metadata", OrgQuery, MetadataResponse)
    def get_metadata(_: RouteCall[OrgQuery, NoBody]) -> RouteReply:
        """Metadata."""
        nothing = NamedListView(items=[], derived=False, updated_at=None)
        place = LocationView(id="1", fields={"timezone": "America/Denver"}, areas=[])
        return RouteReply(
            MetadataResponse(
                counts=MetadataCounts(brands=0, categories=0, vendors=0, locations=1, areas=0),
                brands=nothing,
                categories=nothing,
                vendors=nothing,
                locations=LocationListView(items=[place], derived=False, updated_at=None),
            )
        )

    @table.get("/api/orgs/{orgId}/status", OrgQuery, OrgStatusResponse)
    def read_status(call: RouteCall[OrgQuery, NoBody]) -> RouteReply:
        """Status."""
        return RouteReply(
            OrgStatusResponse(
                org_id=call.org_id,
                name="Birch & Sons" if call.org_id == ORG else None,
                state=OrgState.ACTIVE,
                customers_count=2,
                orders_count=0,
                menu_products_count=0,
                deletions_held=0,
                quarantined=0,
                streams=[],
                locations=[],
                warnings=[],
            )
        )

    return table


def app_of(*routes: Route[Any, Any]) -> App:
    """The console and these routes."""
    told = tuple(json_routes())
    console = Console.of(told, lambda: NOW)
    pages = (
        *static_files.routes(),
        *home.routes(SignedIn(STAFF)),
        *customers.routes(console, STAFF),
    )
    return App("tests", (*told, *pages, *routes), error_page)


def client_of(*routes: Route[Any, Any]) -> Client:
    """A browser of nobody."""
    return Client(Request.application(app_of(*routes)))  # type: ignore[arg-type]


def opened(path: str, who: str | None = "ann", **headers: str) -> TestResponse:
    """What somebody's browser is answered."""
    client = client_of()
    if who is not None:
        client.set_cookie("__session", who)
    return client.get(path, headers={**BROWSER, **headers})
