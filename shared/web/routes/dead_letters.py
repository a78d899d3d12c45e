"""``GET /api/dead-letters``: messages that could not be processed, for operators."""

from datetime import datetime

from shared.errors import Forbidden
from shared.services.reads.operations import DeadLetterReads
from shared.store.dead_letters import RecordedLetter
from shared.web.auth import Rule
from shared.web.request import Cursor, NoBody, OrgId, Params, SmallPageSize
from shared.web.response import CHECKED, ResponseModel, RouteReply
from shared.web.routes.run_history import RunProblemView
from shared.web.routing import RouteCall, RouteTable


class DeadLettersQuery(Params):
    """Messages about one org, spelled as in the message, or all."""

    org_id: OrgId | None = None
    cursor: Cursor | None = None
    limit: SmallPageSize = 50


class DeadLetterView(ResponseModel):
    """A message that could not be processed. ``source``: its topic, or the subscription that gave
    it up; ``cause``: why its last delivery failed; ``text``: its beginning, of ``bytes`` in all.
    ``truncated``: not all of it is kept, and it cannot be sent again. ``replayedAt``: when it was
    sent again, or will be; ``replayOf``: the message of which this one was the replay."""

    id: str
    source: str
    org_id: str | None = None
    error_code: str
    message: str
    cause: RunProblemView | None = None
    text: str
    bytes: int
    truncated: bool
    last_seen_at: datetime | None = None
    replayed: bool
    replayed_at: datetime | None = None
    replay_of: str | None = None


class DeadLettersResponse(ResponseModel):
    """A page of messages, the latest first. The last page has no ``nextCursor``."""

    items: list[DeadLetterView]
    next_cursor: str | None


def routes(reads: DeadLetterReads, every_org: Rule) -> RouteTable:
    """``every_org`` is the rule for people who may see every org."""
    table = RouteTable(every_org)

    @table.get(
        "/api/dead-letters",
        DeadLettersQuery,
        DeadLettersResponse,
        errors=[Forbidden],
        cached=CHECKED,
    )
    def list_dead_letters(call: RouteCall[DeadLettersQuery, NoBody]) -> RouteReply:
        """Messages that could not be processed, and whether they were sent again."""
        asked = call.params
        page = reads.page(org_id=asked.org_id, cursor=asked.cursor, limit=asked.limit)
        items = list(map(letter_view, page.letters))
        return RouteReply(DeadLettersResponse(items=items, next_cursor=page.cursor))

    return table


def letter_view(found: RecordedLetter) -> DeadLetterView:
    """A dead letter as it is answered."""
    letter = found.letter
    return DeadLetterView(
        id=letter.id,
        source=letter.source,
        org_id=letter.org_id,
        error_code=letter.code,
        message=found.message,
        cause=found.cause and RunProblemView.model_validate(found.cause.model_dump()),
        text=found.text,
        bytes=found.size,
        truncated=letter.truncated,
        last_seen_at=found.last_seen_at,
        replayed=letter.replayed,
        replayed_at=found.replayed_at,
        replay_of=letter.replay_of,
    )
