"""``GET /api/quarantine``: an org's records that could not be used, for its staff."""

from datetime import datetime
from typing import Literal

from shared.bus.messages import StreamName
from shared.services.reads.operations import QuarantineReads
from shared.store.quarantine import QuarantinedRecord
from shared.web.auth import Rule
from shared.web.request import Cursor, NoBody, OrgQuery, SmallPageSize
from shared.web.response import CHECKED, ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable

RAW_SHOWN = 10_000
"""Characters of what the POS sent."""


class QuarantineQuery(OrgQuery):
    """Records of one ``stream``, or of all; ``spending``: customers whose figures could not be
    computed."""

    stream: StreamName | Literal["spending"] | None = None
    cursor: Cursor | None = None
    limit: SmallPageSize = 50


class QuarantinedView(ResponseModel):
    """A record that could not be used, and why. ``recordId``: its own id at the POS, if it has one;
    ``raw``: what the POS sent, its first 10,000 characters; ``runId``: the run that found it
    last. Times in UTC."""

    id: str
    stream: str
    provider: str
    record_id: str | None = None
    error_code: str
    message: str
    raw: str
    run_id: str | None = None
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None


class QuarantineResponse(ResponseModel):
    """A page of records, by id. The last page has no ``nextCursor``."""

    items: list[QuarantinedView]
    next_cursor: str | None


def routes(reads: QuarantineReads, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/api/quarantine", QuarantineQuery, QuarantineResponse, cached=CHECKED)
    def list_quarantine(call: RouteCall[QuarantineQuery, NoBody]) -> RouteReply:
        """The org's records that could not be used, each with the reason, page by page."""
        asked = call.params
        page = reads.page(call.org_id, stream=asked.stream, cursor=asked.cursor, limit=asked.limit)
        items = list(map(_view, page.records))
        return RouteReply(QuarantineResponse(items=items, next_cursor=page.cursor))

    return table


def _view(found: QuarantinedRecord) -> QuarantinedView:
    record = found.record
    return QuarantinedView(
        id=record.id,
        stream=record.stream,
        provider=record.provider,
        record_id=record.key if record.named else None,
        error_code=found.code,
        message=found.message,
        raw=found.raw[:RAW_SHOWN],
        run_id=found.run_id,
        first_seen_at=found.first_seen_at,
        last_seen_at=found.last_seen_at,
    )
