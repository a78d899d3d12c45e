"""``/api/customers`` and ``/api/segments``: customers as those who work for the org see them."""

from typing import Annotated, Any

from pydantic import StringConstraints

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
from shared.store import customer_fields
from shared.web.fields import Cursor, OrgId, PageSize, RecordId
from shared.web.reply import Reply
from shared.web.route import Cached, Call, NoBody, Params, Route
from shared.web.routes.customer_answers import (
    CustomerAnswer,
    CustomerPage,
    CustomerView,
    SegmentsAnswer,
    SegmentView,
)
from shared.web.rules import Rule

KEPT_SECONDS = 300.0

# The pattern is for the description: it cannot tell that white space does not count.
Search = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"\S")
]


class CustomersQuery(Params):
    """``q`` is the beginning of a name or an e-mail, a whole telephone number, or an id; what it
    finds comes in the order of that, not by ``sort``. Whoever lacks what is sorted by (a last
    order, say) is not listed."""

    org_id: OrgId
    segment: Segment | None = None
    q: Search | None = None
    sort: CustomerSort = CustomerSort.MOST_SPENT
    cursor: Cursor | None = None
    limit: PageSize = 50


class CustomerQuery(Params):
    """One customer."""

    customer_id: RecordId
    org_id: OrgId


class SegmentsQuery(Params):
    """An org."""

    org_id: OrgId


def routes(
    customers: CustomerReads, segments: SegmentReads, answers: ResponseCache, staff: Rule
) -> tuple[Route[Any, Any], ...]:
    """``staff`` is the rule for those who work for the org."""

    def list_customers(call: Call[CustomersQuery, NoBody]) -> Reply:
        asked, org_id = call.params, call.org_id

        def read() -> CustomerPage:
            page = customers.page(
                org_id,
                segment=asked.segment,
                query=asked.q,
                sort=asked.sort,
                cursor=asked.cursor,
                limit=asked.limit,
            )
            items = [CustomerView.model_validate(each.fields) for each in page.documents]
            return CustomerPage(items=items, next_cursor=page.cursor)

        return Reply(answers.of(org_id, asked, KEPT_SECONDS, read))

    def get_customer(call: Call[CustomerQuery, NoBody]) -> Reply:
        def read() -> CustomerAnswer:
            return _answer(customers.detail(call.org_id, call.params.customer_id))

        return Reply(answers.of(call.org_id, call.params, KEPT_SECONDS, read))

    def count_segments(call: Call[SegmentsQuery, NoBody]) -> Reply:
        def read() -> SegmentsAnswer:
            found = segments(call.org_id)
            return SegmentsAnswer(
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

        return Reply(answers.of(call.org_id, call.params, KEPT_SECONDS, read))

    return (
        Route(
            method="GET",
            path="/api/customers",
            rule=staff,
            summary="Customers, page by page.",
            params=CustomersQuery,
            body=NoBody,
            answers=[(200, CustomerPage)],
            handler=list_customers,
            cached=Cached(seconds=0),
        ),
        Route(
            method="GET",
            path="/api/customers/{customerId}",
            rule=staff,
            summary="One customer, with all that is known.",
            params=CustomerQuery,
            body=NoBody,
            answers=[(200, CustomerAnswer)],
            errors=[NotFound],
            handler=get_customer,
            cached=Cached(seconds=0),
        ),
        Route(
            method="GET",
            path="/api/segments",
            rule=staff,
            summary="How many customers each segment has, and what they have spent.",
            params=SegmentsQuery,
            body=NoBody,
            answers=[(200, SegmentsAnswer)],
            handler=count_segments,
            cached=Cached(seconds=0),
        ),
    )


def _answer(found: CustomerDetail) -> CustomerAnswer:
    fields = {k: v for k, v in found.fields.items() if k not in customer_fields.SPENDING_FIELDS}
    if found.spending:
        fields |= customer_fields.spending_fields(found.spending)
    person = found.person and {
        **customer_fields.spending_fields(found.person.spending),
        "customerIds": found.person.customer_ids,
    }
    return CustomerAnswer.model_validate(
        {**fields, "recommendations": found.recommended, "person": person}
    )
