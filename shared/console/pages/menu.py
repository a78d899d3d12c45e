"""``/orgs/{orgId}/menu``, stock that expires, and a product's own page."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from shared.console.formats import day_text
from shared.console.pages.parameters import ROWS, PageParams
from shared.console.pages.places import place_names
from shared.console.rendering import HTML, Console
from shared.errors import NotFound
from shared.services.reads.products import ProductSort
from shared.web.auth import Rule
from shared.web.request import Cursor, NoBody, RecordId
from shared.web.response import RouteReply
from shared.web.routes.inventory import ExpiringResponse, PriceChangeView, PriceHistoryResponse
from shared.web.routes.products import ProductsResponse, ProductView, Text
from shared.web.routing import RouteCall, RouteTable

BATCHES_SHOWN = 50
DAYS = (7, 14, 30, 60, 90)
"""Choices of how soon stock expires."""
ALL_DAYS = 3_650


class MenuPage(PageParams):
    """Which products are listed, and in which order."""

    q: Text | None = None
    category: Text | None = None
    brand: Text | None = None
    on_sale: bool | None = None
    available: bool | None = None
    sort: ProductSort = ProductSort.NAME
    cursor: Cursor | None = None


class ExpiringPage(PageParams):
    """How soon stock expires, in days."""

    days: Annotated[int, Field(ge=0, le=ALL_DAYS)] = 30


class ProductPage(PageParams):
    """A product."""

    product_id: RecordId


def routes(console: Console, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/orgs/{orgId}/menu", MenuPage, HTML)
    def show_menu(call: RouteCall[MenuPage, NoBody]) -> RouteReply:
        """The products on the menu of an org."""
        asked, reader = call.params.query, console.reader(call)
        found = reader.get(
            "/api/products", ProductsResponse, **asked, orgId=call.org_id, limit=ROWS
        )
        return console.page(
            call,
            "menu.html",
            title="Menu",
            section="menu",
            found=found,
            asked=asked,
            categories=[(c.name, f"{c.name} ({c.products})") for c in found.categories],
        )

    @table.get("/orgs/{orgId}/menu/expiring", ExpiringPage, HTML)
    def show_expiring(call: RouteCall[ExpiringPage, NoBody]) -> RouteReply:
        """Stock that expires soon, the most urgent first."""
        reader, days = console.reader(call), call.params.days
        found = reader.get(
            "/api/inventory/expiring", ExpiringResponse, orgId=call.org_id, days=days
        )
        return console.page(
            call,
            "menu_expiring.html",
            title="Expiring stock",
            section="menu",
            found=found,
            shown=found.items[:BATCHES_SHOWN],
            days=days,
            choices=DAYS,
            places=place_names(reader, call.org_id),
        )

    @table.get("/orgs/{orgId}/menu/{productId}", ProductPage, HTML, errors=[NotFound])
    def show_product(call: RouteCall[ProductPage, NoBody]) -> RouteReply:
        """One product: price, sale, stock, batches, and how its price has changed."""
        reader, product_id = console.reader(call), call.params.product_id
        product = reader.get(
            "/api/products/{productId}", ProductView, orgId=call.org_id, productId=product_id
        )
        history = reader.get(
            "/api/products/{productId}/price-history",
            PriceHistoryResponse,
            orgId=call.org_id,
            productId=product_id,
        )
        batches = reader.get(
            "/api/inventory/expiring",
            ExpiringResponse,
            orgId=call.org_id,
            productId=product_id,
            days=ALL_DAYS,
        )
        return console.page(
            call,
            "product.html",
            title=product.name or f"Product {product_id}",
            section="menu",
            images=True,
            product=product,
            changes=history.items,
            steps=_steps(history.items),
            batches=batches.items[:BATCHES_SHOWN],
            places=place_names(reader, call.org_id),
        )

    return table


def _steps(changes: Sequence[PriceChangeView]) -> Sequence[tuple[str, Any]]:
    """The prices with the days since which they have held, the oldest first."""
    if not changes:
        return []
    oldest = changes[-1]
    first = (day_text(oldest.previous_since), oldest.previous_price)
    later = [(day_text(each.changed_at), each.price) for each in reversed(changes)]
    return [step for step in (first, *later) if step[1] is not None]
