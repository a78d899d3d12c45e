"""``/api/customers`` and ``/api/segments``, for the staff of an org.

Fields are named as in Firestore, because responses are made of the fields of documents. Money is in
dollars, times are in UTC.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from shared.domain.customers import LONGEST_EMAIL, NO_EMAIL, identifies, normal_email
from shared.domain.money import to_dollars
from shared.domain.preferences import PreferenceSource
from shared.domain.segmentation import Segment
from shared.domain.spending import Spending
from shared.errors import NotFound
from shared.services.reads.customers import (
    CustomerDetail,
    CustomerReads,
    CustomersOfEmail,
    CustomerSort,
    SegmentReads,
    SharedSpending,
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
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=LONGEST_EMAIL, pattern="@"),
]


class CustomersQuery(PageQuery):
    """``q`` is the beginning of a name or an e-mail, a whole telephone number, or an id, ``email``
    a whole e-mail in upper or lower case; their results are not in the order of ``sort``. Customers
    without the field of ``sort`` (a last order, for instance) are not listed."""

    segment: Segment | None = None
    q: Search | None = None
    email: Email | None = None
    sort: CustomerSort = CustomerSort.MOST_SPENT

    @field_validator("email")
    @classmethod
    def _of_a_person(cls, email: str | None, given: ValidationInfo) -> str | None:
        if email is None:
            return None
        if given.data.get("q") is not None:
            raise PydanticCustomError("two_searches", "not together with q")
        found = normal_email(email)
        if found.startswith(NO_EMAIL):
            raise PydanticCustomError(
                "placeholder", "stands for customers without an e-mail, and names nobody"
            )
        if not identifies(found):
            raise PydanticCustomError("no_email", "not an e-mail address of anybody")
        return found


class CustomerQuery(OrgQuery):
    """One customer."""

    customer_id: RecordId


class SpendingFiguresView(ResponseModel):
    """What has been spent. Unknown figures are absent, never zero, and ``spending`` says so."""

    spending: Literal["unknown"] | None = None
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


class PersonView(SpendingFiguresView):
    """All records of one person together."""

    customer_ids: list[str]


class CustomersResponse(ResponseModel):
    """A page of customers. The last page has no ``nextCursor``. ``together``: what all customers
    with the ``email`` asked for have spent; it names those of this page."""

    items: list[CustomerView]
    next_cursor: str | None
    together: PersonView | None = None


class LikedProductView(ResponseModel):
    """A product that the customer often buys."""

    product_id: str | None = None
    name: str


class PreferencesView(ResponseModel):
    """What the customer prefers, the most bought first. ``source``: ``pos`` where no order counts
    yet and the POS's own summary says it."""

    source: PreferenceSource = PreferenceSource.ORDERS
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


class CustomerResponse(CustomerView):
    """A customer with all known details. If several records are one person, ``person`` is their
    sum; ``duplicateOf`` names the main record, and ``duplicateIds`` the others. The figures of
    channels and of 90 days are those of the last report of metrics, which changed them at
    ``metricsAsOf``. ``removedFromPosAt``: since when the POS has the customer no more."""

    date_of_birth: str | None = None
    social_equity: bool | None = None
    ecom_order_count: int | None = None
    ecom_spent: float | None = None
    retail_order_count: int | None = None
    retail_spent: float | None = None
    rolling90_day_spent: Annotated[float | None, Field(alias="rolling90DaySpent")] = None
    rolling90_day_orders: Annotated[int | None, Field(alias="rolling90DayOrderCount")] = None
    is_vip: bool | None = None
    is_high_value: bool | None = None
    inactive_segment: str | None = None
    spend_tier: str | None = None
    metrics_as_of: datetime | None = None
    removed_from_pos_at: datetime | None = None
    source: str | None = None
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
            if asked.email is not None:
                found = customers.of_email(
                    org_id,
                    asked.email,
                    segment=asked.segment,
                    cursor=asked.cursor,
                    limit=asked.limit,
                )
                return _email_response(found)
            page = customers.page(
                org_id,
                segment=asked.segment,
                query=asked.q,
                sort=asked.sort,
                cursor=asked.cursor,
                limit=asked.limit,
            )
            items = [_listed(each.fields, None) for each in page.documents]
            return CustomersResponse(items=items, next_cursor=page.cursor)

        return RouteReply(answers.of(org_id, asked, KEPT_SECONDS, read, keeps=_list_was_in_time))

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

        return RouteReply(
            answers.of(call.org_id, call.params, KEPT_SECONDS, read, keeps=_customer_was_in_time)
        )

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
    return CustomerResponse.model_validate(
        {
            **_with_figures(found.fields, found.spending),
            "recommendations": found.recommended,
            "person": _together(found.person),
        }
    )


def _email_response(found: CustomersOfEmail) -> CustomersResponse:
    return CustomersResponse(
        items=[_listed(each.fields, found.spending.get(each.id)) for each in found.page.documents],
        next_cursor=found.page.cursor,
        together=_together(found.together),
    )


def _listed(fields: Mapping[str, Any], looked_up: Spending | None) -> CustomerView:
    stored = "totalSpent" in fields
    return CustomerView.model_validate(fields if stored else _with_figures(fields, looked_up))


def _together(found: SharedSpending | None) -> PersonView | None:
    if found is None:
        return None
    fields = {"customerIds": found.customer_ids}
    return PersonView.model_validate(_with_figures(fields, found.spending))


def _with_figures(fields: Mapping[str, Any], spending: Spending | None) -> dict[str, Any]:
    """The fields with these figures in place of their own."""
    figures = customers.spending_fields(spending) if spending else dict[str, Any]()
    others = {k: v for k, v in fields.items() if k not in customers.SPENDING_FIELDS}
    return {**others, **figures, "spending": None if spending else "unknown"}


def _list_was_in_time(answer: CustomersResponse) -> bool:
    """Whether no look-up was given up: another time it may be in time. A list that is not of an
    e-mail looks nothing up."""
    return answer.together is None or _are_known(*answer.items, answer.together)


def _customer_was_in_time(answer: CustomerResponse) -> bool:
    return _are_known(answer, answer.person)


def _are_known(*figures: SpendingFiguresView | None) -> bool:
    return all(each is None or each.spending is None for each in figures)
