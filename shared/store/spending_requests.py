"""``tenants/{orgId}/spending_requests/{id}``: spending that was asked for and is not computed yet.

A request is stored before its message is sent and removed once it is done: one that is still
there after some time was lost and is asked for again, whatever became of its message. Its id is
never used for another one.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

import structlog
from pydantic import ValidationError

from shared.domain.customer_ranges import CustomerRange
from shared.models import FrozenCamelModel
from shared.store import paths
from shared.store.database import Database, Document, Filter, Put, Remove, Update

log = structlog.get_logger(__name__)


Step = Literal["figures", "groups", "scores"]
"""What is computed: all, only what follows from several customers together, only the scores."""


class SpendingRequest(FrozenCamelModel):
    """``customers`` is how many are to be computed, ``customer_ids`` who, or those of a ``range``;
    None of both stands for all of the org. ``since``: when they were first asked for, be it as a
    part of another request; ``asked_at``: when a message was last sent for them.

    A large org's request waits for its parts, which name it (``part_of``): its ``step`` is the one
    to take once all of them are done. ``fillers``: see CustomerParts.
    """

    id: str
    org_id: str
    run_id: str | None = None
    customers: int
    customer_ids: tuple[str, ...] | None = None
    since: datetime
    asked_at: datetime
    step: Step = "figures"
    range: CustomerRange | None = None
    part_of: str | None = None
    fillers: tuple[str, ...] = ()


_LARGE_ONLY = {"range", "part_of", "fillers"}


def put(request: SpendingRequest) -> Put:
    """The write for a new request."""
    fields = request.model_dump(by_alias=True, exclude={"id", "org_id", *_LARGE_ONLY})
    fields |= request.model_dump(by_alias=True, include=_LARGE_ONLY, exclude_defaults=True)
    return Put(_path(request.org_id, request.id), fields)


def update_asked(request: SpendingRequest, now: datetime) -> Update:
    """The write for one that was asked for again; refused if it is done meanwhile."""
    return Update(_path(request.org_id, request.id), {"askedAt": now})


def remove(org_id: str, request_id: str) -> Remove:
    """The write for one that is done."""
    return Remove(_path(org_id, request_id))


def read(database: Database, org_id: str, request_id: str) -> SpendingRequest | None:
    """The request; None where it is done."""
    found = database.get(_path(org_id, request_id))
    return next(_valid([found]), None) if found.exists else None


def parts(database: Database, org_id: str, whole: str) -> list[SpendingRequest]:
    """The parts of a request that are not done."""
    found = database.query(paths.spending_requests(org_id), ("partOf", "==", whole))
    return list(_valid(found))


def has_parts(database: Database, org_id: str, whole: str, step: Step | None = None) -> bool:
    """Whether a part of the request is not done; of those at one step, or of all. One read."""
    filters: list[Filter] = [("partOf", "==", whole)]
    if step is not None:
        filters.append(("step", "==", step))
    collection = paths.spending_requests(org_id)
    return bool(list(database.query(collection, *filters, select=["partOf"], limit=1)))


def asked_before(database: Database, moment: datetime, limit: int) -> list[SpendingRequest]:
    """Requests of all orgs that were last asked for before a moment, the first ``limit``."""
    found = database.query(
        paths.SPENDING_REQUESTS,
        ("askedAt", "<", moment),
        order_by=[("askedAt", "ASCENDING")],
        limit=limit,
        everywhere=True,
    )
    return list(_valid(found))


def waiting_since(
    database: Database, org_id: str, moment: datetime, limit: int
) -> list[SpendingRequest]:
    """Requests of an org that were first asked for before a moment, the first ``limit``."""
    found = database.query(
        paths.spending_requests(org_id),
        ("since", "<", moment),
        order_by=[("since", "ASCENDING")],
        limit=limit,
    )
    return list(_valid(found))


def _valid(documents: Iterable[Document]) -> Iterator[SpendingRequest]:
    for document in documents:
        org_id = paths.org_of(document.path)
        fields = {**document.fields, "id": document.id, "orgId": org_id}
        try:
            yield SpendingRequest.model_validate(fields)
        except ValidationError:
            log.warning("spending_request_invalid", org_id=org_id, request_id=document.id)


def _path(org_id: str, request_id: str) -> str:
    return f"{paths.spending_requests(org_id)}/{request_id}"
