"""What people look through when something is to be decided: quarantine, removals that wait,
incidents, dead letters."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from shared.domain.incidents import Incident
from shared.domain.providers import PROVIDERS, Provider, suffixed
from shared.domain.removal import held_incident
from shared.store import dead_letters, incidents, paths, quarantine, status
from shared.store.database import Database
from shared.store.dead_letters import RecordedLetter
from shared.store.quarantine import QuarantinedRecord
from shared.store.runs import Hold

MOST_INCIDENTS = 200
"""More than there are kinds of them: an org has one of each."""
IncidentState = Literal["open", "resolved"]

NAMED_BY = {
    "customers": (paths.customers, ("firstName", "lastName")),
    "orders": (paths.orders, ("customer.name",)),
    "products": (paths.products, ("name",)),
}
"""Where the records of a stream are stored, and by which fields people know them."""


class QuarantinePage(NamedTuple):
    """Some records, and the cursor of the next page; None where this is the last."""

    records: Sequence[QuarantinedRecord]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class QuarantineReads:
    """Lists the records of an org that could not be used. What the POS sent may be personal data:
    it is for people of the org."""

    database: Database

    def page(
        self, org_id: str, *, stream: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> QuarantinePage:
        """Some of the records, of one stream or of all. Raises RequestInvalid for a cursor of
        another listing."""
        found = quarantine.page(self.database, org_id, stream, cursor=cursor, limit=limit)
        return QuarantinePage(*found)


@dataclass(frozen=True, slots=True)
class NamedRecord:
    """A stored record, as people know it; None where it has no name, or is not stored."""

    id: str
    name: str | None


@dataclass(frozen=True, slots=True)
class WaitingRemoval:
    """A removal that waits for a person: of which of a provider's records, why, and since when.
    ``id`` is by which it is decided; empty where the next sync has yet to give it one. Not
    ``proven``: the POS's answer is no proof that anything is gone, and nobody can approve it.
    ``records`` are the first of ``count``."""

    id: str
    provider: Provider
    stream: str
    reason: str
    count: int
    proven: bool
    since: datetime | None
    records: Sequence[NamedRecord]


@dataclass(frozen=True, slots=True)
class RemovalReads:
    """Lists the removals that wait. Costs a read for each provider, and for each removal one and
    those of the records that it names."""

    database: Database

    def __call__(self, org_id: str) -> list[WaitingRemoval]:
        """The org's removals, by provider and stream."""
        return [
            self._removal(org_id, provider, stream, hold)
            for provider in PROVIDERS
            for stream, hold in sorted(
                status.read_progress(self.database, org_id, provider).holds.items()
            )
        ]

    def _removal(self, org_id: str, provider: Provider, stream: str, hold: Hold) -> WaitingRemoval:
        key = suffixed(provider, held_incident(stream))
        raised = incidents.read(self.database, org_id, key).incident
        return WaitingRemoval(
            id=hold.id,
            provider=provider,
            stream=stream,
            reason=hold.reason,
            count=hold.count,
            proven=hold.proven,
            since=raised.opened_at if raised and raised.is_open else None,
            records=list(self._named(org_id, stream, hold.record_ids)),
        )

    def _named(self, org_id: str, stream: str, ids: Sequence[str]) -> Iterable[NamedRecord]:
        collection, fields = NAMED_BY[stream]
        at = {f"{collection(org_id)}/{record_id}": record_id for record_id in ids}
        found = self.database.get_all(list(at), fields)
        return (NamedRecord(i, _name(found[path].fields) or None) for path, i in at.items())


def _name(fields: Mapping[str, Any]) -> str:
    """What a record's fields of NAMED_BY say together."""
    values = (v.get("name") if isinstance(v, dict) else v for v in fields.values())
    return " ".join(str(value) for value in values if value)


@dataclass(frozen=True, slots=True)
class IncidentReads:
    """Lists incidents: what people were alerted to."""

    database: Database

    def of_org(self, org_id: str, state: IncidentState | None = None) -> list[Incident]:
        """An org's incidents, of one state or of all: the open ones first, then the latest."""
        found = incidents.of_org(self.database, org_id, MOST_INCIDENTS)
        wanted = [each for each in found if state in (None, each.state)]
        return sorted(wanted, key=_open_and_latest_first)

    def open_ones(self, limit: int = MOST_INCIDENTS) -> list[Incident]:
        """Open incidents of all orgs, and those of none, the latest first."""
        return sorted(incidents.open_ones(self.database, limit), key=_open_and_latest_first)


def _open_and_latest_first(incident: Incident) -> tuple[bool, float]:
    return not incident.is_open, -incident.opened_at.timestamp()


class DeadLetterPage(NamedTuple):
    """Some dead letters, and the cursor of the next page; None where this is the last."""

    letters: Sequence[RecordedLetter]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class DeadLetterReads:
    """Lists the messages that could not be processed."""

    database: Database

    def page(
        self, *, org_id: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> DeadLetterPage:
        """Some of the dead letters, of all orgs or of one, the latest first. Raises RequestInvalid
        for a cursor of another listing."""
        return DeadLetterPage(*dead_letters.page(self.database, org_id, cursor=cursor, limit=limit))
