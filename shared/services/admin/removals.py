"""A person's decision on a removal that waits for one.

The removal is named as it was shown (domain.removal), and nothing else is decided: where the POS
has answered differently since, it is another removal, of another id. An approval is a sync that may
make just this removal. A refusal is kept in the org's progress, and the next sync takes the removal
for settled, until it is another one.
"""

from collections.abc import Collection
from dataclasses import dataclass

from shared.bus.messages import StreamName
from shared.clock import Clock
from shared.domain.providers import PROVIDERS
from shared.errors import RateLimited, RequestRefused
from shared.services.admin.audit import Actor, record_action
from shared.services.manual_sync import Decision, ManualSync, RunUnderWay, SyncRequest
from shared.services.sync.run_end import REMOVING
from shared.store import status
from shared.store.database import Database
from shared.store.runs import Hold


class RemovalChanged(RequestRefused):
    """The removal is not held any more, or it is another one by now."""

    code = "removal_changed"
    status = 409


class RemovalUnproven(RequestRefused):
    """The POS's answer is no proof that anything is gone: nobody can approve it."""

    code = "removal_unproven"
    status = 409


@dataclass(frozen=True, slots=True)
class HeldRemoval:
    """A removal that waits for a person, of a provider's stream."""

    provider: str
    stream: StreamName
    hold: Hold


@dataclass(frozen=True, slots=True)
class RemovalDecisions:
    """Approves and refuses removals. Methods raise RemovalChanged where one of the ids is not that
    of a removal which is held now."""

    database: Database
    sync: ManualSync
    clock: Clock

    def approve(self, org_id: str, removals: Collection[str], actor: Actor) -> str:
        """Start a sync that makes these removals; returns its run's id. Raises RemovalUnproven, and
        RunUnderWay and RateLimited as ManualSync."""
        named = self._named(org_id, removals)
        for each in named:
            if not each.hold.proven:
                raise RemovalUnproven(
                    f"{each.hold.reason}. That is no proof that they are gone: see at the POS why"
                )
        approved = Decision("removal_approved", _target(named))
        request = self._request(org_id, named, actor, approved=True)
        return self.sync.start(request, actor, decision=approved)

    def refuse(self, org_id: str, removals: Collection[str], actor: Actor) -> str | None:
        """Keep the records; returns the id of the run that settles it, None where that is the next
        one by itself."""
        named = self._named(org_id, removals)
        self._refuse(org_id, named, actor)
        try:
            return self.sync.start(self._request(org_id, named, actor, approved=False), actor)
        except (RunUnderWay, RateLimited):
            return None

    def _named(self, org_id: str, removals: Collection[str]) -> list[HeldRemoval]:
        held = {each.hold.id: each for each in held_removals(self.database, org_id)}
        wanted = [held.get(removal) for removal in dict.fromkeys(removals) if removal]
        if not wanted or None in wanted:
            raise RemovalChanged(
                "what is held has changed since it was shown, or somebody has decided: look again"
            )
        return [each for each in wanted if each]

    def _request(
        self, org_id: str, named: Collection[HeldRemoval], actor: Actor, *, approved: bool
    ) -> SyncRequest:
        ids = tuple(each.hold.id for each in named)
        streams: tuple[StreamName, ...] = tuple(dict.fromkeys(each.stream for each in named))
        return SyncRequest(
            org_id=org_id,
            requested_by=actor.uid,
            streams=streams,
            approved_removals=ids if approved else (),
        )

    def _refuse(self, org_id: str, named: Collection[HeldRemoval], actor: Actor) -> None:
        writes = []
        for provider in {each.provider for each in named}:
            known = status.read_progress(self.database, org_id, provider).refused
            refusals = dict(known)
            for each in named:
                if each.provider == provider:
                    refusals[each.stream] = each.hold.id
            writes.append(status.put_refused(org_id, provider, refusals))
        record_action(
            self.database,
            actor,
            "removal_refused",
            org_id=org_id,
            target=_target(named),
            now=self.clock(),
            writes=writes,
        )


def _target(named: Collection[HeldRemoval]) -> str:
    return ", ".join(f"{each.stream} {each.hold.id}" for each in named)


def held_removals(database: Database, org_id: str) -> list[HeldRemoval]:
    """The org's removals that wait for a person. A read for each provider that there is."""
    by_provider = {
        provider: status.read_progress(database, org_id, provider).holds for provider in PROVIDERS
    }
    return [
        HeldRemoval(provider, stream, holds[stream])
        for provider, holds in by_provider.items()
        for stream in REMOVING
        if stream in holds
    ]
