"""``/api/customers`` and ``/api/segments``, for the staff of an org.

Fields are named as in Firestore, because responses are made of the fields of documents. Money is in
dollars, times are in UTC.
"""

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints, field_validator

from shared.domain.customers import identifies
from shared.domain.money import to_dollars
from shared.domain.segmentation import Segment
from shared.errors import NotFound
from shared.services.reads.customers import (
    CustomerDetail,
    CustomerReads,
    CustomerSort,
    SegmentReads,
)
from shared.services.reads.response_cache import ResponseCache
from shared.store import customers
from shared.web.auth import Rule
from shared.web.request import NoBody, OrgQuery, PageQuery, RecordId
from shared.web.response import CHECKED, ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable

KEPT_SECONDS = 300.0

# The pattern is for the OpenAPI description, which cannot say that white space is stripped.
Search = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"\S")
]


class CustomersQuery(PageQuery):
    """``q`` is the beginning of a name or an e-mail, a whole telephone number, or an id; its
    results are not in the order of ``sort``. Customers without the field of ``sort`` (a last
    order, for instance) are not listed."""

    segment: Segment | None = None
    q: Search | None = None
    sort: CustomerSort = CustomerSort.MOST_SPENT


class CustomerQuery(OrgQuery):
    """One customer."""

    customer_id: RecordId


class SpendingFiguresView(ResponseModel):
    """What has been spent. Unknown figures are absent, never zero."""

    total_spent: float | None = None
    order_count: int | None = None
    avg_order_value: float | None = None
    first_order_date: datetime | None = None
    last_order_date: datetime | None = None


class CustomerView(SpendingFiguresView):
    """A customer in a list."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    segment: Segment | None = None
    segment_reason: str | None = None
    predicted_lifetime_value: float | None = None
    loyalty_tier: str | None = None
    points: int | None = None
    duplicate_of: str | None = None

    @field_validator("email")
    @classmethod
    def _no_placeholder(cls, email: str | None) -> str | None:
        return email if identifies(email) else None


class CustomersResponse(ResponseModel):
    """A page of customers. The last page has no ``nextCursor``."""

    items: list[CustomerView]
    next_cursor: str | None


class LikedProductView(ResponseModel):
    """A product that the customer often buys."""

    product_id: str | None = None
    name: str


class PreferencesView(ResponseModel):
    """What the customer prefers, the most bought first."""

    favorite_category: str | None = None
    categories: list[str]
    products: list[LikedProductView]
    price_band: str


class RfmScoresView(ResponseModel):
    """From 1 (worst) to 5 (best)."""

    recency: int
    frequency: int
    monetary: int


class RfmQuantilesView(RfmScoresView):
    """Scores by the rank among all customers, as of a moment."""

    as_of: datetime


class RfmView(ResponseModel):
    """Days since the last counted order, number of counted orders, dollars; as of a moment."""

    recency_days: int
    frequency: int
    monetary: float
    as_of: datetime
    scores: RfmScoresView
    quantiles: RfmQuantilesView | None = None


class RecommendedProductView(ResponseModel):
    """A recommended product that is in stock."""

    product_id: str
    score: int
    name: str | None = None
    category: str | None = None
    price: float | None = None
    image_url: str | None = None


class PersonView(SpendingFiguresView):
    """All records of one person together."""

    customer_ids: list[str]


class CustomerResponse(CustomerView):
    """A customer with all known details. If several records are one person, ``person`` is their
    sum; ``duplicateOf`` names the main record, and ``duplicateIds`` the others."""

    date_of_birth: str | None = None
    social_equity: bool | None = None
    duplicate_ids: list[str] | None = None
    preferences: PreferencesView | None = None
    rfm: RfmView | None = None
    recommendations: list[RecommendedProductView]
    person: PersonView | None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class SegmentView(ResponseModel):
    """One segment."""

    segment: Segment
    customers: int
    revenue: float


class SegmentsResponse(ResponseModel):
    """Every segment, including empty ones, and the totals."""

    segments: list[SegmentView]
    customers: int
    revenue: float


def routes(
    customers: CustomerReads, segments: SegmentReads, answers: ResponseCache, staff: Rule
) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/api/customers", CustomersQuery, CustomersResponse, cached=CHECKED)
    def list_customers(call: RouteCall[CustomersQuery, NoBody]) -> RouteReply:
        """Customers, page by page."""
        asked, org_id = call.params, call.org_id

        def read() -> CustomersResponse:
            page = customers.page(
                org_id,
                segment=asked.segment,
                query=asked.q,
                sort=asked.sort,
                cursor=asked.cursor,
                limit=asked.limit,
            )
            items = [CustomerView.model_validate(each.fields) for each in page.documents]
            return CustomersResponse(items=items, next_cursor=page.cursor)

        return RouteReply(answers.of(org_id, asked, KEPT_SECONDS, read))

    @table.get(
        "/api/customers/{customerId}",
        CustomerQuery,
        CustomerResponse,
        errors=[NotFound],
        cached=CHECKED,
    )
    def get_customer(call: RouteCall[CustomerQuery, NoBody]) -> RouteReply:
        """One customer, with all details."""

        def read() -> CustomerResponse:
            return _customer_response(customers.detail(call.org_id, call.params.customer_id))

        return RouteReply(answers.of(call.org_id, call.params, KEPT_SECONDS, read))

    @table.get("/api/segments", OrgQuery, SegmentsResponse, cached=CHECKED)
    def count_segments(call: RouteCall[OrgQuery, NoBody]) -> RouteReply:
        """The number of customers and the revenue of each segment."""

        def read() -> SegmentsResponse:
            found = segments(call.org_id)
            return SegmentsResponse(
                segments=[
                    SegmentView(
                        segment=each.segment,
                        customers=each.customers,
                        revenue=to_dollars(each.revenue_cents),
                    )
                    for each in found
                ],
                customers=sum(each.customers for each in found),
                revenue=to_dollars(sum(each.revenue_cents for each in found)),
            )

        return RouteReply(answers.of(call.org_id, call.params, KEPT_SECONDS, read))

    return table


def _customer_response(found: CustomerDetail) -> CustomerResponse:
    fields = {k: v for k, v in found.fields.items() if k not in customers.SPENDING_FIELDS}
    if found.spending:
        fields |= customers.spending_fields(found.spending)
    person = found.person and {
        **customers.spending_fields(found.person.spending),
        "customerIds": found.person.customer_ids,
    }
    return CustomerResponse.model_validate(
        {**fields, "recommendations": found.recommended, "person": person}
    )
