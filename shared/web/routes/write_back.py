"""``/api/pos/customers`` and ``/api/pos/orders``: what the staff of an org has its point of sale
create. The same request, sent again with the same Idempotency-Key, is answered the same."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.domain.orders import document_id
from shared.domain.write_back import NewCustomer, NewOrder, OrderLine
from shared.errors import RequestInvalid, UnderWay
from shared.services.write_back import OpenWriteBack, RefusedByPos
from shared.store.pos_writes import KeyReused
from shared.web.auth import Rule
from shared.web.request import Body, IdempotencyKey, OrgId, Params, RecordId
from shared.web.response import ResponseModel, RouteReply
from shared.web.routes.audit import actor_of
from shared.web.routing import RouteCall, RouteTable

MOST_LINES = 100

_PLAIN = r"[^\s\x00-\x1f\x7f]"
Name = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=100, pattern=rf"^{_PLAIN}([^\x00-\x1f\x7f]*{_PLAIN})?$"
    ),
]
Email = Annotated[
    str,
    StringConstraints(
        max_length=254,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
    ),
]
Phone = Annotated[
    str, StringConstraints(max_length=40, pattern=r"^\+?([ ().-]{0,3}[0-9]){7,15}[ ().-]{0,3}$")
]


class WriteQuery(Params):
    """``orgId`` may also stand in the body. The key is the caller's own, a new one for each thing
    to be created, and kept for 24 hours."""

    org_id: OrgId | None = None
    idempotency_key: IdempotencyKey


class OrderWriteQuery(WriteQuery):
    """An order, by the POS's own id or its document's."""

    order_id: RecordId


class WriteBody(Body):
    """``locationId``, the POS's own id of a location or its document's, may be omitted where the
    org has only one, ``orgId`` by a user with only one."""

    org_id: OrgId | None = None
    location_id: RecordId | None = None


class NewCustomerBody(WriteBody):
    """A customer. An e-mail or a telephone number is needed."""

    first_name: Name
    last_name: Name
    email: Email | None = None
    phone: Phone | None = None
    date_of_birth: date | None = None


class OrderLineBody(Body):
    """So many units of a batch, out of an area of the location."""

    batch_id: RecordId
    area_id: RecordId
    quantity: Annotated[float, Field(ge=0.001, le=10_000)]


class NewOrderBody(WriteBody):
    """An order for a customer of the POS."""

    customer_id: RecordId
    type: Literal["retail", "pickup", "delivery"]
    lines: Annotated[tuple[OrderLineBody, ...], Field(min_length=1, max_length=MOST_LINES)]


class DiscountBody(WriteBody):
    """One of the account's discounts."""

    discount_id: RecordId


class WrittenCustomerResponse(ResponseModel):
    """The customer's id at the POS, which its document will have too: it is being fetched."""

    customer_id: str
    org_id: str
    location_id: str


class WrittenOrderResponse(ResponseModel):
    """The order's id at the POS, and that of its document: it is being fetched."""

    order_id: str
    document_id: str
    org_id: str
    location_id: str


def routes(open_account: OpenWriteBack, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)
    refusals = [UnderWay, KeyReused, RefusedByPos]

    @table.post(
        "/api/pos/customers",
        WriteQuery,
        NewCustomerBody,
        (201, WrittenCustomerResponse),
        errors=refusals,
    )
    def create_customer(call: RouteCall[WriteQuery, NewCustomerBody]) -> RouteReply:
        """Create a customer at the point of sale."""
        customer = _customer(call.body)
        account = open_account(call.org_id, call.body.location_id, actor_of(call))
        made = account.create_customer(call.params.idempotency_key, customer)
        written = WrittenCustomerResponse(
            customer_id=made, org_id=call.org_id, location_id=account.location_id
        )
        return RouteReply(written, status=201)

    @table.post(
        "/api/pos/orders",
        WriteQuery,
        NewOrderBody,
        (201, WrittenOrderResponse),
        errors=refusals,
    )
    def submit_order(call: RouteCall[WriteQuery, NewOrderBody]) -> RouteReply:
        """Submit an order to the point of sale."""
        account = open_account(call.org_id, call.body.location_id, actor_of(call))
        order = _order(call.body, account.location_id)
        made = account.submit_order(call.params.idempotency_key, order)
        written = WrittenOrderResponse(
            order_id=made,
            document_id=document_id(account.provider, made),
            org_id=call.org_id,
            location_id=account.location_id,
        )
        return RouteReply(written, status=201)

    @table.post(
        "/api/pos/orders/{orderId}/discount",
        OrderWriteQuery,
        DiscountBody,
        WrittenOrderResponse,
        errors=refusals,
    )
    def apply_discount(call: RouteCall[OrderWriteQuery, DiscountBody]) -> RouteReply:
        """Apply a discount to an order at the point of sale."""
        account = open_account(call.org_id, call.body.location_id, actor_of(call))
        order_id = call.params.order_id.removeprefix(document_id(account.provider, ""))
        account.apply_discount(call.params.idempotency_key, order_id, call.body.discount_id)
        return RouteReply(
            WrittenOrderResponse(
                order_id=order_id,
                document_id=document_id(account.provider, order_id),
                org_id=call.org_id,
                location_id=account.location_id,
            )
        )

    return table


def _customer(given: NewCustomerBody) -> NewCustomer:
    """Raises RequestInvalid where the customer could not be found again."""
    born = given.date_of_birth
    try:
        return NewCustomer(
            given.first_name,
            given.last_name,
            given.email,
            given.phone,
            born.isoformat() if born else None,
        )
    except ValueError as error:
        raise RequestInvalid(str(error)) from None


def _order(given: NewOrderBody, location_id: str) -> NewOrder:
    lines = (OrderLine(x.batch_id, x.area_id, Decimal(str(x.quantity))) for x in given.lines)
    return NewOrder(given.customer_id, location_id, given.type, tuple(lines))
