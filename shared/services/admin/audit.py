"""Who decided or changed what: one entry and one log line for each action."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from shared.errors import RequestInvalid
from shared.store import audit
from shared.store.audit import Action, AuditEntry
from shared.store.database import Create, Database, Write

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person's uid, or the name of a program and the account that has started it; and
    the request that it came with."""

    uid: str
    request_id: str = ""


def record_action(
    database: Database,
    actor: Actor,
    action: Action,
    *,
    org_id: str | None,
    target: str = "",
    now: datetime,
    writes: Sequence[Write] = (),
) -> datetime | None:
    """Note an action, in one commit with the ``writes`` that do it: neither is there without the
    other. Returns the new version of the first document written. ``target`` names what it was done
    to by ids, without secrets or personal data. Raises as ``Database.commit``."""
    entry = action_entry(actor, action, org_id=org_id, target=target, now=now)
    version = database.commit([*writes, entry])
    log.info("action_recorded", action=action, by=actor.uid, org_id=org_id, target=target)
    return version


def action_entry(
    actor: Actor, action: Action, *, org_id: str | None, target: str, now: datetime
) -> Create:
    """The write of the entry alone, for those who commit it themselves with what they do."""
    return audit.add(
        AuditEntry(
            at=now,
            by=actor.uid,
            action=action,
            org_id=org_id,
            target=target,
            request_id=actor.request_id,
        )
    )


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, the latest first; ``next_cursor`` is None on the last page."""

    entries: Sequence[AuditEntry]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Audit:
    """Reads who has decided or changed what."""

    database: Database

    def page(self, org_id: str | None, limit: int, cursor: str | None = None) -> AuditPage:
        """The actions of an org, or those that concern none. Raises RequestInvalid for a cursor
        that is none."""
        try:
            before = datetime.fromisoformat(cursor) if cursor else None
        except ValueError:
            before = None
        if cursor and (before is None or before.tzinfo is None):
            raise RequestInvalid("cursor: not one of this list")
        found = list(audit.latest(self.database, org_id, limit + 1, before))
        more = found[limit - 1].at.isoformat() if len(found) > limit else None
        return AuditPage(found[:limit], more)
