"""``/api/menu`` and ``/api/menu/builder``: the public menu of an org."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.domain.public_menu import MenuFilter
from shared.services.reads.menu import PublicMenu, Rendered
from shared.web.auth import Rule
from shared.web.request import NoBody, OrgQuery, PageQuery
from shared.web.response import JSON, Cached, RawContent, ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable

SECONDS = 60
"""How long browsers and proxies may cache a menu: sales must end on time."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class MenuQuery(PageQuery):
    """A page of the menu, of products as named."""

    category: Name | None = None
    brand: Name | None = None
    on_sale: bool | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class MenuBuilderQuery(OrgQuery):
    """The number of products to begin a menu with."""

    limit: Annotated[int, Field(ge=1, le=100)] = 12


class MenuItemView(ResponseModel):
    """A product. Money in dollars; ``price`` is absent if it is unknown. ``isDemo``: an invented
    product, for an org that has none yet."""

    id: str
    name: str
    category: str
    available: bool
    is_featured: bool
    is_on_sale: bool
    brand: str | None = None
    subcategory: str | None = None
    price: float | None = None
    thc_percent: float | None = None
    cbd_percent: float | None = None
    strain_type: str | None = None
    strain_inferred: bool | None = None
    image_url: str | None = None
    image_source: str | None = None
    sort_order: float | None = None
    quantity: float | None = None
    sale_price: float | None = None
    sale_badge_text: str | None = None
    discount_id: str | None = None
    sale_ends_at: datetime | None = None
    is_demo: bool | None = None


class MenuResponse(ResponseModel):
    """A page of products in the menu's order. The last page has no ``nextCursor``."""

    items: list[MenuItemView]
    next_cursor: str | None = None


class MenuBuilderResponse(ResponseModel):
    """Products to begin a menu with."""

    items: list[MenuItemView]
    is_demo: bool


def routes(menu: PublicMenu, anyone: Rule) -> RouteTable:
    """``anyone`` is the rule for what an org publishes."""
    table = RouteTable(anyone)
    cached = Cached(SECONDS, public=True)

    @table.get("/api/menu", MenuQuery, MenuResponse, cached=cached, any_origin=True)
    def read(call: RouteCall[MenuQuery, NoBody]) -> RouteReply:
        """The menu of an org, page by page."""
        asked = call.params
        wanted = MenuFilter(asked.category, asked.brand, asked.on_sale)
        return _reply(menu.page(call.org_id, wanted, cursor=asked.cursor, limit=asked.limit))

    @table.get(
        "/api/menu/builder", MenuBuilderQuery, MenuBuilderResponse, cached=cached, any_origin=True
    )
    def build(call: RouteCall[MenuBuilderQuery, NoBody]) -> RouteReply:
        """Products to begin a menu with; invented ones if the org has none."""
        return _reply(menu.builder(call.org_id, limit=call.params.limit))

    return table


def _reply(rendered: Rendered) -> RouteReply:
    data, etag = rendered
    return RouteReply(RawContent(JSON, data), etag=etag)
