"""The ``dashboard`` function, behind werkzeug's own test client."""

from functools import partial
from itertools import chain
from typing import Any

from flask import Request
from werkzeug.test import Client

from shared.console.error_pages import error_page
from shared.console.pages import analytics as analytics_pages
from shared.console.pages import customers as customer_pages
from shared.console.pages import loyalty as loyalty_pages
from shared.console.pages import menu as menu_pages
from shared.console.pages import orders as order_pages
from shared.console.pages import why as why_pages
from shared.console.rendering import Console
from shared.services.ecom.completeness import EcomCompleteness
from shared.services.reads.analytics import AnalyticsReads
from shared.services.reads.customers import CustomerReads, OrderReads, SegmentReads
from shared.services.reads.explanations.customer import ExplainCustomer
from shared.services.reads.explanations.order import ExplainOrder
from shared.services.reads.explanations.product import ExplainProduct
from shared.services.reads.inventory import ExpiringStock, PriceHistory
from shared.services.reads.loyalty import LoyaltyReads
from shared.services.reads.menu import PublicMenu
from shared.services.reads.org_status import OrgStatusReads, lease_version
from shared.services.reads.orgs import OrgReads, fleet_version
from shared.services.reads.products import ProductReads
from shared.services.reads.response_cache import ResponseCache
from shared.services.spending.look_up import SpendingLookUp
from shared.store import metadata as metadata_store
from shared.store import order_figures
from shared.store.database import Database
from shared.store.locations import OrgDirectory
from shared.web.auth import EveryOrg, PublicOfOrg, Staff
from shared.web.routes import (
    analytics,
    customers,
    ecom,
    explanations,
    inventory,
    loyalty_reads,
    menu,
    metadata,
    orders,
    orgs,
    products,
)
from shared.web.routing import App
from tests.fakes import FakeSessions, OffsetClock, SteppingClock

PAGES = (customer_pages, order_pages, menu_pages, loyalty_pages, analytics_pages, why_pages)


class DashboardClient:
    """Calls an instance of the function as an administrator of the org."""

    def __init__(
        self,
        database: Database,
        org_id: str,
        clock: OffsetClock | SteppingClock,
        spending: SpendingLookUp | None = None,
        few_orders: int = order_figures.FEW,
    ) -> None:
        self._org_id = org_id
        people = CustomerReads(database, spending or SpendingLookUp(database))
        self.answers = answers = ResponseCache(database, monotonic=clock.monotonic)
        staff = Staff(FakeSessions(), lambda wanted: wanted)
        anyone = PublicOfOrg(OrgDirectory(database, clock.monotonic))
        json_routes = (
            *menu.routes(PublicMenu(database, clock.now, clock.monotonic), anyone),
            *inventory.routes(ExpiringStock(database, clock.now), PriceHistory(database), staff),
            *metadata.routes(partial(metadata_store.read_all, database), staff),
            *customers.routes(people, SegmentReads(database), answers, staff),
            *orders.routes(OrderReads(database), people, answers, staff),
            *explanations.routes(
                ExplainCustomer(database, clock.now),
                ExplainOrder(database),
                ExplainProduct(database),
                staff,
            ),
            *analytics.routes(AnalyticsReads(database, clock.now, few_orders), answers, staff),
            *products.routes(ProductReads(database, clock.now), answers, staff),
            *loyalty_reads.routes(LoyaltyReads(database), staff),
            *ecom.routes(EcomCompleteness(database, clock.now), staff),
            *orgs.routes(
                OrgReads(database, clock.now, ResponseCache(database, version_of=fleet_version)),
                OrgStatusReads(
                    database, clock.now, ResponseCache(database, version_of=lease_version)
                ),
                staff,
                EveryOrg(staff),
            ),
        )
        console = Console.of(json_routes, clock.now)
        pages = chain.from_iterable(each.routes(console, staff) for each in PAGES)
        app = App("dashboard", (*json_routes, *pages), error_page)
        self._client = Client(Request.application(app))  # type: ignore[arg-type]

    def reply(
        self,
        path: str,
        *,
        signed_in_at: str | None = None,
        if_none_match: str | None = None,
        **query: Any,
    ) -> Any:
        """Whatever is answered; ``signed_in_at`` is the caller's org, if it is another one."""
        headers = {"Authorization": f"Bearer {signed_in_at or self._org_id}"}
        if if_none_match is not None:
            headers["If-None-Match"] = if_none_match
        query = {"orgId": self._org_id, **query}
        return self._client.get(f"/api/{path}", query_string=query, headers=headers)

    def page(self, path: str, *, status: int = 200) -> str:
        """The HTML of a page of the org, which must be answered with this status."""
        headers = {"Authorization": f"Bearer {self._org_id}", "Accept": "text/html"}
        reply = self._client.get(f"/orgs/{self._org_id}/{path}", headers=headers)
        assert reply.status_code == status, reply.text
        assert reply.mimetype == "text/html"
        return str(reply.text)

    def get(self, path: str, **query: Any) -> Any:
        """The answer, which must be one."""
        reply = self.reply(path, **query)
        assert reply.status_code == 200, reply.text
        return reply.json

    def all_of(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every item of a list, page by page."""
        page = self.get(path, **query)
        items: list[dict[str, Any]] = page["items"]
        while cursor := page.get("nextCursor"):
            page = self.get(path, cursor=cursor, **query)
            items += page["items"]
        return items


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]
