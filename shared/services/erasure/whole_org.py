"""Deletes an org: its settings, its records, everything below its document, its dead letters.

Its locations are paused first, so that no sync begins; they are deleted last, so that an erasure
which was killed finds the org again.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import structlog

from shared.clock import Clock, Deadline, OutOfTime
from shared.domain.runs import ERASURE_RUN
from shared.outbound.credentials import PREFIX
from shared.services.admin.audit import Actor, record_action
from shared.services.admin.locations import paused
from shared.services.erasure.collections import COLLECTIONS
from shared.services.erasure.holding import OrgHold
from shared.store import erasures, locations, paths
from shared.store.audit import Action
from shared.store.database import Database, Document, Remove, commits

LEASES = "sync_state"
"""The collection that holds the leases: deleted once nothing is written under them any more."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ErasedOrg:
    """What became of an org: how many documents were deleted, whether there are ``more``; the
    secrets that its settings named, which are to be deleted in Secret Manager."""

    deleted: int
    more: bool = False
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EraseOrg:
    """Deletes orgs. ``seconds`` is how long one call works."""

    database: Database
    hold: OrgHold
    clock: Clock
    seconds: float = 240.0

    def __call__(self, org_id: str, actor: Actor) -> ErasedOrg:
        """Delete the org, or as much of it as there is time for: then it is to be asked for again.
        Raises ErasureWaits while a run has the org, and NotFound where there is none (any more)."""
        deadline = Deadline(self.seconds)
        done = ErasedOrg(0)
        with ExitStack() as held:
            run = self.hold(held, org_id, f"{ERASURE_RUN}org")
            self._record("org_erasure_asked", org_id, actor)
            configured = locations.documents_of(self.database, org_id)
            named = _secrets(list(self._settings(org_id, configured)))
            done = replace(done, secrets=tuple(sorted(named)))
            self._pause(org_id, configured)
            try:
                for part in commits(map(Remove, self._documents(org_id))):
                    deadline.check()
                    run.commit(part)
                    done = replace(done, deleted=done.deleted + len(part))
            except OutOfTime:
                run.hand_over([])
                return replace(done, more=True)
            run.end([])
        last = [*self._last(org_id), *(each.path for each in configured)]
        for part in commits(map(Remove, last)):
            self.database.commit(part)
        self._record("org_erased", org_id, actor)
        log.info("org_erased", org_id=org_id, deleted=done.deleted + len(last))
        return replace(done, deleted=done.deleted + len(last))

    def _record(self, action: Action, org_id: str, actor: Actor) -> None:
        """In the log of no org: the org's own is deleted."""
        now = self.clock()
        record_action(self.database, actor, action, org_id=None, target=org_id, now=now)

    def _settings(self, org_id: str, configured: Iterable[Document]) -> Iterator[object]:
        yield dict(self.database.get(paths.tenant(org_id)).fields)
        yield from (dict(each.fields) for each in configured)

    def _pause(self, org_id: str, configured: Iterable[Document]) -> None:
        for each in configured:
            write = locations.put(each.id, paused(each.fields), each.fields, each.version)
            self.database.commit([write])
        log.info("org_paused_for_erasure", org_id=org_id)

    def _documents(self, org_id: str) -> Iterator[str]:
        """Paths of all documents but the last ones."""
        tenant = paths.tenant(org_id)
        for collection in self.database.collections_below(tenant):
            if collection != f"{tenant}/{LEASES}":
                yield from self._below(collection)
        yield from (each.path for each in erasures.letters(self.database, org_id))

    def _below(self, collection: str) -> Iterator[str]:
        for document_id in list(self.database.ids(collection)):
            path = f"{collection}/{document_id}"
            if _has_collections(collection):
                for inner in self.database.collections_below(path):
                    yield from self._below(inner)
            yield path

    def _last(self, org_id: str) -> list[str]:
        """What says of a run that it is, and the org's own settings."""
        tenant = paths.tenant(org_id)
        return [*self._below(f"{tenant}/{LEASES}"), tenant]


def _has_collections(collection: str) -> bool:
    """Whether documents of a collection may have others below them."""
    names = _names(collection)
    return any(
        _names(each.path)[: len(names)] == names and _names(each.path) != names
        for each in COLLECTIONS
    )


def _names(path: str) -> list[str]:
    return path.split("/")[::2]


def _secrets(value: object) -> set[str]:
    """The secrets of Secret Manager that settings name."""
    match value:
        case str():
            named = value.startswith(PREFIX)
            return {value.removeprefix(PREFIX).partition("/")[0]} if named else set()
        case dict():
            return set().union(*map(_secrets, value.values()))
        case list():
            return set().union(*map(_secrets, value))
    return set()
