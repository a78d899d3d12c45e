"""The metadata stream: brands, categories, vendors, and locations with the areas of their stock,
asked for at the same time.

What the POS does not give is derived from the menu and marked so; the next run then asks again.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import structlog

from shared.domain.inventory import StockArea
from shared.domain.metadata import NAMED_KINDS, NamedEntry, NamedKind, PublicLocation
from shared.domain.org_health import METADATA_EVERY
from shared.errors import OrgError, ProviderError
from shared.pos.port import LookUpResult, PosClient
from shared.services.sync.attempts import NotProvided
from shared.services.sync.pos_locations import OpenOrg, PosLocation
from shared.services.sync.records import Changed, Record, StreamRecords
from shared.services.sync.session import Session
from shared.store import metadata
from shared.store.database import Write
from shared.store.inventory import BatchStore, PriceList

STREAM = "metadata"

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MenuNames:
    """Brands, categories and vendors as the menu names them."""

    prices: PriceList
    batches: BatchStore

    def of(self, kind: NamedKind) -> list[NamedEntry]:
        """The names, in alphabetical order."""
        found: set[str | None]
        match kind:
            case "brands":
                found = {product.brand for product in self.prices.menu()}
            case "categories":
                found = {product.category for product in self.prices.menu()}
            case "vendors":
                found = {batch.vendor for batch in self.batches.all()}
        return [NamedEntry(None, name) for name in sorted(filter(None, found))]


def is_due(session: Session) -> bool:
    """Whether the last complete answer is a day old."""
    at = session.progress.metadata_at
    return at is None or session.now() - at >= METADATA_EVERY


def sync_metadata(session: Session, org: OpenOrg, menu: MenuNames) -> None:
    """Store the provider's part of the four documents. Raises NotProvided where the POS gives none
    of them."""
    clients = org.account_clients
    with ThreadPoolExecutor(len(NAMED_KINDS) + 2, thread_name_prefix="metadata") as pool:

        def ask(
            what: str, call: Callable[[PosClient], LookUpResult[tuple[T, ...]]]
        ) -> Future[LookUpResult[tuple[T, ...]] | None]:
            return pool.submit(copy_context().run, _ask, what, clients, call)

        named = {kind: ask(kind, partial(_named, kind=kind)) for kind in NAMED_KINDS}
        places = ask(metadata.LOCATION, lambda client: client.locations())
        areas = {
            each.location_id: pool.submit(copy_context().run, _areas, each)
            for each in org.locations
        }
    with session.lock:
        records = StreamRecords(session, STREAM)
        found: dict[str, Mapping[str, Any]] = {}
        for kind, asked in named.items():
            answer = asked.result()
            names = menu.of(kind) if answer is None else _each_once(answer.value)
            found[kind] = metadata.names(
                names, session.org_id, session.provider, derived=answer is None
            )
            records.tally.counts[kind] = len(names)
            records.tally.requests += answer.requests if answer else 0
        listed = places.result()
        of_location = {key: asked.result() for key, asked in areas.items()}
        found[metadata.LOCATION] = metadata.locations(
            [
                replace(place, areas=_value(of_location[place.id]))
                for place in _synced_locations(org, _value(listed))
            ],
            session.org_id,
            session.provider,
            derived=listed is None,
        )
        for answered in (listed, *of_location.values()):
            records.tally.requests += answered.requests if answered else 0
        records.tally.fetched += sum(records.tally.counts.values())
        _store(session, records, found)
        derived = sum(1 for fields in found.values() if fields.get("derived"))
        if not derived:
            session.progress.metadata_at = session.now()
        if derived == len(found):
            raise NotProvided


def _store(
    session: Session, records: StreamRecords, found: Mapping[str, Mapping[str, Any]]
) -> None:
    changed = records.changed(Record(kind, fields) for kind, fields in found.items())
    stored = metadata.read_all(session.database, session.org_id) if changed else {}

    def put(change: Changed) -> list[Write]:
        kind = change.record.id
        whole = metadata.beside(kind, change.record.fields, stored[kind], session.provider)
        return [metadata.put(session.org_id, kind, whole, now=session.now())]

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


def _areas(location: PosLocation) -> LookUpResult[tuple[StockArea, ...]] | None:
    return _ask("areas", [location.client], lambda client: client.areas(location.location_id))


def _value(answer: LookUpResult[tuple[T, ...]] | None) -> tuple[T, ...]:
    return answer.value if answer else ()


def _each_once(names: Sequence[NamedEntry]) -> list[NamedEntry]:
    """Accounts of one company name the same: each counts once."""
    first: dict[str, NamedEntry] = {}
    for entry in names:
        first.setdefault(entry.name.casefold(), entry)
    return list(first.values())


def _named(client: PosClient, *, kind: NamedKind) -> LookUpResult[tuple[NamedEntry, ...]]:
    return client.named(kind)


def _synced_locations(org: OpenOrg, listed: Sequence[PublicLocation]) -> list[PublicLocation]:
    """The locations that the org syncs, in its own order: as the POS lists them, else as they are
    configured."""
    known = {each.id: each for each in reversed(listed)}
    return [
        known.get(each.location_id)
        or PublicLocation(each.location_id, {"name": each.name, "timezone": each.zone.key})
        for each in org.locations
    ]
