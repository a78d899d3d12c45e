"""``/api/products``: what an org sells, with what the public menu does not show, for its staff."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import StringConstraints

from shared.errors import NotFound
from shared.services.reads.products import ProductFilter, ProductReads, ProductSort
from shared.services.reads.response_cache import ResponseCache
from shared.web.auth import Rule
from shared.web.request import NoBody, OrgQuery, PageQuery, RecordId
from shared.web.response import CHECKED, ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable

KEPT_SECONDS = 300.0

Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"\S")
]


class ProductsQuery(PageQuery):
    """Products on the menu. ``q`` is a part of a name or of a brand, or an id; ``category`` and
    ``brand`` are whole names. Products without the field of ``sort`` come last."""

    q: Text | None = None
    category: Text | None = None
    brand: Text | None = None
    on_sale: bool | None = None
    available: bool | None = None
    sort: ProductSort = ProductSort.NAME


class ProductQuery(OrgQuery):
    """One product."""

    product_id: RecordId


class LocationStockView(ResponseModel):
    """What a location has of a product, and its price there; absent if it is unknown."""

    location_id: str
    available: bool
    quantity: float
    price: float | None


class ProductView(ResponseModel):
    """A product. Money in dollars; ``price`` is absent if it is unknown, ``priceSource`` says where
    it is from: ``otd`` (tax included), ``retail``, or ``markup`` on the cost. A sale that is over
    is not shown. ``removedFromPosAt``: since when the POS has it no more."""

    id: str
    name: str | None = None
    brand: str | None = None
    category: str | None = None
    subcategory: str | None = None
    price: float | None = None
    price_source: str | None = None
    cost: float | None = None
    batch_cost: float | None = None
    thc_percent: float | None = None
    cbd_percent: float | None = None
    strain_type: str | None = None
    strain_inferred: bool | None = None
    available: bool = False
    quantity: float | None = None
    stock: list[LocationStockView]
    is_on_sale: bool = False
    sale_price: float | None = None
    sale_badge_text: str | None = None
    discount_id: str | None = None
    sale_ends_at: datetime | None = None
    image_url: str | None = None
    image_source: str | None = None
    sort_order: float | None = None
    is_featured: bool | None = None
    provider: str | None = None
    updated_at: datetime | None = None
    removed_from_pos_at: datetime | None = None


class CategoryCountView(ResponseModel):
    """A category, and how many products of the menu it has."""

    name: str
    products: int


class ProductsResponse(ResponseModel):
    """A page of products; the last has no ``nextCursor``. ``total`` of them fit the query.
    ``categories`` are those of the whole menu."""

    items: list[ProductView]
    next_cursor: str | None
    total: int
    categories: list[CategoryCountView]


def routes(products: ProductReads, answers: ResponseCache, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/api/products", ProductsQuery, ProductsResponse, cached=CHECKED)
    def list_products(call: RouteCall[ProductsQuery, NoBody]) -> RouteReply:
        """Products on the menu, page by page."""
        asked, org_id = call.params, call.org_id

        def read() -> Sequence[Mapping[str, Any]]:
            return products.menu(org_id)

        found = products.page(
            answers.of(org_id, "products", KEPT_SECONDS, read, keeps=bool),
            ProductFilter(asked.q, asked.category, asked.brand, asked.on_sale, asked.available),
            sort=asked.sort,
            cursor=asked.cursor,
            limit=asked.limit,
        )
        return RouteReply(
            ProductsResponse(
                items=[_view(each) for each in found.products],
                next_cursor=found.cursor,
                total=found.total,
                categories=[
                    CategoryCountView(name=name, products=number)
                    for name, number in sorted(found.categories.items())
                ],
            )
        )

    @table.get(
        "/api/products/{productId}", ProductQuery, ProductView, errors=[NotFound], cached=CHECKED
    )
    def get_product(call: RouteCall[ProductQuery, NoBody]) -> RouteReply:
        """One product, also one that the POS has no more."""
        return RouteReply(_view(products.get(call.org_id, call.params.product_id)))

    return table


def _view(product: Mapping[str, Any]) -> ProductView:
    places = product.get("stock") or {}
    stock = [
        LocationStockView(
            location_id=location_id,
            available=bool(here.get("available")),
            quantity=here.get("quantity") or 0,
            price=here.get("price") or None,
        )
        for location_id, here in sorted(places.items())
    ]
    return ProductView.model_validate({**product, "stock": stock})
