"""``/api/menu`` and ``/api/menu/builder``: what anybody may see of what an org sells."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from shared.domain.public_menu import MenuFilter
from shared.services.reads.menu import PublicMenu, Rendered
from shared.web.fields import Cursor, OrgId
from shared.web.reply import Answer, Content, Reply
from shared.web.route import Cached, Call, NoBody, Params, Route
from shared.web.rules import Rule

SECONDS = 60
"""How long browsers and proxies may keep a menu: a sale that is over must be gone soon."""
JSON = "application/json"

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class MenuQuery(Params):
    """Which part of the menu; ``cursor`` is the ``nextCursor`` of the part before."""

    org_id: OrgId
    category: Name | None = None
    brand: Name | None = None
    on_sale: bool | None = None
    cursor: Cursor | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class BuilderQuery(Params):
    """How much of a showcase."""

    org_id: OrgId
    limit: Annotated[int, Field(ge=1, le=100)] = 12


class MenuItem(Answer):
    """A product. Money in dollars; no ``price`` where none is known. ``isDemo``: invented, for an
    org that has no products yet."""

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


class MenuPart(Answer):
    """Products in the menu's order, and where to go on."""

    items: list[MenuItem]
    next_cursor: str | None = None


class Showcase(Answer):
    """Products to begin a menu with."""

    items: list[MenuItem]
    is_demo: bool


def routes(menu: PublicMenu, anyone: Rule) -> tuple[Route[Any, Any], ...]:
    """``anyone`` is the rule for what an org shows to everybody."""

    def read(call: Call[MenuQuery, NoBody]) -> Reply:
        asked = call.params
        wanted = MenuFilter(asked.category, asked.brand, asked.on_sale)
        rendered = menu.page(call.org_id, wanted, cursor=asked.cursor, limit=asked.limit)
        return _reply(rendered)

    def build(call: Call[BuilderQuery, NoBody]) -> Reply:
        return _reply(menu.builder(call.org_id, limit=call.params.limit))

    return (
        Route(
            method="GET",
            path="/api/menu",
            rule=anyone,
            summary="The menu of an org, a part at a time.",
            params=MenuQuery,
            body=NoBody,
            answers=[(200, MenuPart)],
            handler=read,
            cached=Cached(SECONDS, public=True),
        ),
        Route(
            method="GET",
            path="/api/menu/builder",
            rule=anyone,
            summary="Products to begin a menu with; invented ones where the org has none.",
            params=BuilderQuery,
            body=NoBody,
            answers=[(200, Showcase)],
            handler=build,
            cached=Cached(SECONDS, public=True),
        ),
    )


def _reply(rendered: Rendered) -> Reply:
    data, etag = rendered
    return Reply(Content(JSON, data), etag=etag)
