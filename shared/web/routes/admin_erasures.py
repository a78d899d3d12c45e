"""``/api/admin/erasures``: people of an org who are to be forgotten."""

from datetime import datetime

from shared.errors import NotFound, RequestInvalid
from shared.services.erasure.customer import EraseCustomer, ErasureReads
from shared.services.erasure.holding import ErasureWaits
from shared.store.erasures import ErasureState, StoredErasure
from shared.web.auth import Rule
from shared.web.request import Body, NoBody, NoParams, OrgId, Params, RecordId
from shared.web.response import ResponseModel, RouteReply
from shared.web.routes.audit import actor_of
from shared.web.routing import RouteCall, RouteTable


class ErasureBody(Body):
    """The customer to be erased; ``confirm`` is their id once more."""

    org_id: OrgId
    customer_id: RecordId
    confirm: RecordId


class ErasuresQuery(Params):
    """The org."""

    org_id: OrgId


class ErasureView(ResponseModel):
    """An erasure. ``steps``: how many documents each step that is done has changed. One that is
    ``running`` goes on when the same is asked for again."""

    id: str | None = None
    state: ErasureState
    by: str
    asked_at: datetime
    done_at: datetime | None = None
    steps: dict[str, int]


class ErasuresResponse(ResponseModel):
    """Erasures, the latest first. None says who was erased."""

    erasures: list[ErasureView]


def routes(erase: EraseCustomer, reads: ErasureReads, every_org: Rule) -> RouteTable:
    """Rule: ``every_org`` for a role for every org."""
    table = RouteTable(every_org)

    @table.post(
        "/api/admin/erasures",
        NoParams,
        ErasureBody,
        ErasureView,
        (202, ErasureView),
        errors=[NotFound, ErasureWaits],
    )
    def erased(call: RouteCall[NoParams, ErasureBody]) -> RouteReply:
        """Erase a customer from everything that is stored of an org, for good."""
        asked = call.body
        if asked.confirm != asked.customer_id:
            raise RequestInvalid("confirm: not the id of the customer who is to be erased")
        done = erase(asked.org_id, asked.customer_id, actor_of(call))
        return RouteReply(_view(None, done), status=200 if done.state == "done" else 202)

    @table.get("/api/admin/erasures", ErasuresQuery, ErasuresResponse)
    def listed(call: RouteCall[ErasuresQuery, NoBody]) -> RouteReply:
        """The erasures of an org."""
        found = [_view(erasure_id, each) for erasure_id, each in reads(call.params.org_id)]
        return RouteReply(ErasuresResponse(erasures=found))

    return table


def _view(erasure_id: str | None, erasure: StoredErasure) -> ErasureView:
    return ErasureView(
        id=erasure_id,
        state=erasure.state,
        by=erasure.by,
        asked_at=erasure.asked_at,
        done_at=erasure.done_at,
        steps=erasure.steps,
    )
