"""The metadata stream: brands, categories, vendors and locations, asked for at once."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import structlog

from shared.domain.metadata import NAMED_KINDS, NamedEntry, NamedKind, PublicLocation
from shared.errors import OrgError, ProviderError
from shared.pos.port import LookUpResult, PosClient
from shared.services.sync.pos_locations import PosLocation
from shared.services.sync.records import Changed, Record, StreamRecords
from shared.services.sync.session import NotProvided, Session
from shared.store import metadata
from shared.store.batches import BatchStore
from shared.store.database import Write
from shared.store.prices import PriceList

STREAM = "metadata"
EVERY = timedelta(hours=24)

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MenuNames:
    """What the menu itself tells, for where the POS does not."""

    prices: PriceList
    batches: BatchStore
    places: Sequence[PosLocation]

    def names(self, kind: NamedKind) -> list[NamedEntry]:
        """The names on the menu, in alphabetical order."""
        found: set[str | None]
        match kind:
            case "brands":
                found = {product.brand for product in self.prices.menu()}
            case "categories":
                found = {product.category for product in self.prices.menu()}
            case "vendors":
                found = {batch.vendor for batch in self.batches.all()}
        return [NamedEntry(None, name) for name in sorted(filter(None, found))]

    def locations(self) -> list[PublicLocation]:
        """The locations as the org has configured them."""
        return [
            PublicLocation(each.location_id, {"name": each.name, "timezone": each.zone.key})
            for each in self.places
        ]


def is_due(session: Session) -> bool:
    """Whether the last complete answer is a day old."""
    at = session.progress.metadata_at
    return at is None or session.now() - at >= EVERY


def sync_metadata(session: Session, clients: Sequence[PosClient], menu: MenuNames) -> None:
    """Store what surrounds the catalogue. What an endpoint does not give is derived from the menu
    and marked so; then the next run asks again. Raises NotGiven where it gives nothing at all."""
    with ThreadPoolExecutor(len(NAMED_KINDS) + 1, thread_name_prefix="metadata") as pool:
        named = {
            kind: pool.submit(copy_context().run, _ask, kind, clients, partial(_named, kind=kind))
            for kind in NAMED_KINDS
        }
        places = pool.submit(
            copy_context().run, _ask, metadata.LOCATION, clients, lambda client: client.locations()
        )
    with session.lock:
        records = StreamRecords(session, STREAM)
        found: dict[str, Mapping[str, Any]] = {}
        for kind, asked in named.items():
            answer = asked.result()
            names = menu.names(kind) if answer is None else answer.value
            found[kind] = metadata.names(names, session.org_id, derived=answer is None)
            records.tally.requests += answer.requests if answer else 0
        answered = places.result()
        locations = menu.locations() if answered is None else _own(answered.value, menu)
        found[metadata.LOCATION] = metadata.locations(
            locations, session.org_id, derived=answered is None
        )
        records.tally.requests += answered.requests if answered else 0
        records.tally.fetched += len(found)
        _store(session, records, found)
        derived = sum(1 for fields in found.values() if fields.get("derived"))
        if not derived:
            session.progress.metadata_at = session.now()
        if derived == len(found):
            raise NotProvided


def _store(
    session: Session, records: StreamRecords, found: Mapping[str, Mapping[str, Any]]
) -> None:
    def put(change: Changed) -> list[Write]:
        record = change.record
        return [metadata.put(session.org_id, record.id, record.fields, now=session.now())]

    changed = records.changed(Record(kind, fields) for kind, fields in found.items())
    records.store(changed, put)


def _ask(
    what: str,
    clients: Sequence[PosClient],
    call: Callable[[PosClient], LookUpResult[tuple[T, ...]]],
) -> LookUpResult[tuple[T, ...]] | None:
    """The answers of all accounts together; None where one of them gives none."""
    values: list[T] = []
    requests = 0
    for client in clients:
        try:
            answer = call(client)
        except (ProviderError, OrgError) as error:
            log.warning("metadata_not_given", what=what, code=error.code)
            return None
        values += answer.value
        requests += answer.requests
    return LookUpResult(tuple(values), requests)


def _named(client: PosClient, *, kind: NamedKind) -> LookUpResult[tuple[NamedEntry, ...]]:
    return client.named(kind)


def _own(listed: Sequence[PublicLocation], menu: MenuNames) -> list[PublicLocation]:
    """Of an account's locations those that the org syncs, in its own order."""
    by_id = {each.id: each for each in reversed(listed)}
    return [by_id.get(each.id, each) for each in menu.locations()]
