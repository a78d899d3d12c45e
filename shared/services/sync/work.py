"""All that a run does about an org's records: the same for a sync and for a dry run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.bus.messages import PosSync
from shared.errors import ConfigurationInvalid, OrgError
from shared.services.sync import ending, metadata
from shared.services.sync.accounts import OpenPos, open_shelves
from shared.services.sync.session import Session
from shared.services.sync.streams import STREAMS, OrgStreams
from shared.store import locations, tenants


@dataclass(frozen=True, slots=True)
class Done:
    """What was worked on. ``sales_change_at`` is when what is on sale next changes by itself, as
    far as the run knows."""

    wanted: Sequence[str] = STREAMS
    provider: str | None = None
    sales_change_at: datetime | None = None


def sync_records(message: PosSync, session: Session, open_pos: OpenPos) -> Done:
    """Sync every stream that the message wants and the run has not done yet.

    What the org must act on is noted on the run. Raises OutOfTime when there is more to do than
    there is time for, and whatever was not foreseen.
    """
    done = Done()
    try:
        settings = tenants.read(session.database, message.org_id)
        active = locations.active_of(session.database, message.org_id)
        if not active:
            raise ConfigurationInvalid(f"org {message.org_id} has no active POS location")
        done = Done(_wanted(message, session), active[0].pos_config.provider)
        change_at = OrgStreams(
            session=session,
            shelves=open_shelves(active, open_pos),
            settings=settings.sync,
            today=session.now().astimezone(active[0].zone).date(),
            wanted=done.wanted,
            allow_deletions=message.allow_deletions,
        ).sync()
    except OrgError as error:
        session.run.errors.append(ending.note(error))
        return done
    return Done(done.wanted, done.provider, change_at)


def _wanted(message: PosSync, session: Session) -> list[str]:
    """The streams to sync. Orders bring the customers along that they cannot do without."""
    asked = set(message.streams or STREAMS)
    if "orders" in asked and session.progress.customers_complete_at is None:
        asked.add("customers")
    if message.streams is None and not message.full and not metadata.is_due(session):
        asked.discard(metadata.STREAM)
    return [stream for stream in STREAMS if stream in asked]
