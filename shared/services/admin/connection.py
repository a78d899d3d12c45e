"""Trying an account at a POS with settings that are not saved: whether it can be signed in to, what
each of its lists answers and how fast, and which locations it has. The POS is only read.
"""

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import structlog

from shared.clock import Clock
from shared.domain.metadata import PublicLocation
from shared.domain.order_windows import DateWindow
from shared.errors import (
    NotFound,
    Owner,
    ProviderRefused,
    SyncSamError,
)
from shared.outbound.destinations import Destinations
from shared.pos.config import Location
from shared.pos.port import Page, PosClient
from shared.pos.registry import PosAccount
from shared.services.admin.drafts import LocationChange, draft_of
from shared.services.sync.pos_locations import at_location, locations_meant, zone_of
from shared.store import locations
from shared.store.database import Database

SECONDS = 40.0
"""For all of it: somebody waits, and Firebase Hosting for 60 s."""
AT_ONCE = 6
ORDERS_OF = timedelta(days=1)
NEW = "new"
"""Stands for the id of a location that has none yet."""

log = structlog.get_logger(__name__)

OpenAccount = Callable[[Location], PosAccount]
"""Opens a location's account, its secrets resolved."""


@dataclass(frozen=True, slots=True)
class TriedCall:
    """One thing that was asked: ``settings`` of Secret Manager, ``sign_in``, ``location`` (which
    one is meant), or the name of a list, of which ``rows`` are those of the first page. Without a
    ``problem`` it was answered. ``owner``: whose turn it is."""

    name: str
    milliseconds: int
    rows: int | None = None
    code: str | None = None
    owner: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectionResult:
    """What came of it. ``location_ids`` and ``timezone`` are those that a sync would take, empty or
    None where it could not know them; ``locations`` are those to choose from."""

    provider: str
    calls: tuple[TriedCall, ...]
    location_ids: tuple[str, ...] = ()
    timezone: str | None = None
    locations: tuple[PublicLocation, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether a sync could do its work."""
        return bool(self.location_ids) and not any(each.problem for each in self.calls)


@dataclass(frozen=True, slots=True)
class TryConnection:
    """Tries settings as they were given, with those stored of the location for what they lack."""

    database: Database
    open_account: OpenAccount
    destinations: Destinations
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    seconds: float = SECONDS

    def __call__(
        self, org_id: str, change: LocationChange, location_id: str | None = None
    ) -> ConnectionResult:
        """Ask the POS. Raises RequestInvalid naming each field that is wrong, and NotFound for a
        location that the org does not have."""
        stored = locations.document(self.database, location_id).fields if location_id else {}
        if location_id and stored.get("orgId") != org_id:
            raise NotFound("the org has no such location")
        draft = draft_of(org_id, location_id or NEW, stored, change, self.destinations).location
        try:
            client = self._open(draft)
        except SyncSamError as error:
            result = ConnectionResult(draft.pos_config.provider, (_failed("settings", error),))
        else:
            today = self.clock().astimezone(draft.zone).date()
            trial = _Trial(client, draft, today, self._open, self.monotonic, self.seconds)
            result = trial.run()
        failed = [each.name for each in result.calls if each.problem]
        log.info("connection_tried", pos_provider=result.provider, ok=result.ok, failed=failed)
        return result

    def _open(self, draft: Location) -> PosClient:
        return self.open_account(draft).client


@dataclass(slots=True)
class _Trial:
    """The calls to one account. What is not answered when the time is up is left at that."""

    client: PosClient
    draft: Location
    today: date
    open: Callable[[Location], PosClient]
    monotonic: Callable[[], float]
    seconds: float
    known: dict[str, PublicLocation] = field(default_factory=dict)
    own: str | None = None
    pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(AT_ONCE, thread_name_prefix="connection")
    )

    def run(self) -> ConnectionResult:
        """All calls: the sign-in first, nothing more where it fails."""
        begun = self.monotonic()
        provider = self.draft.pos_config.provider
        try:
            signed_in = self._outcome("sign_in", self._begin("sign_in", self._sign_in), begun)
            if signed_in.problem:
                return ConnectionResult(provider, (signed_in,))
            found = list(self.known.values())
            try:
                meant, wrong = self._meant(), []
            except SyncSamError as error:
                meant, wrong = [], [_failed("location", error)]
            asked = {name: self._begin(name, ask) for name, ask in self._lists(meant).items()}
            calls = [self._outcome(name, each, begun) for name, each in asked.items()]
            zone = zone_of(self.known[meant[0]]) if meant and meant[0] in self.known else None
            return ConnectionResult(
                provider,
                (signed_in, *wrong, *calls),
                tuple(meant),
                self.draft.timezone or zone,
                tuple(found),
            )
        finally:
            self.pool.shutdown(wait=False, cancel_futures=True)

    def _sign_in(self) -> int | None:
        """Sign in; the list of locations is what shows whether a key or a token is accepted."""
        self.own = self.client.login_location()
        try:
            listed = self.client.locations().value
        except ProviderRefused:
            return None  # not every POS that speaks this API lists them
        self.known = {each.id: each for each in listed}
        return len(listed)

    def _meant(self) -> list[str]:
        """The POS's ids of the locations that a sync would take. Where the settings name none it
        is asked as the one that was found, as a sync does. Raises ConfigurationInvalid."""
        config = self.draft.pos_config
        meant = locations_meant(self.draft, self.known, config.location_id or self.own)
        if not config.location_id and not config.means_all:
            self.client = self.open(at_location(self.draft, meant[0]))
        return meant

    def _lists(self, meant: list[str]) -> dict[str, Callable[[], int | None]]:
        client, window = self.client, DateWindow(self.today - ORDERS_OF, self.today)
        of_people: dict[str, Callable[[], int | None]] = {
            "customers": lambda: _first_page(client.customers()),
            "orders": lambda: _first_page(client.orders(window)),
        }
        of_stock: dict[str, Callable[[], int | None]] = {
            "inventory": lambda: _first_page(client.inventory(meant[0])),
        }
        needs_location = self.draft.pos_config.lists_by_location
        return {
            **(of_people if meant or not needs_location else {}),
            "discounts": lambda: client.discounts().rows,
            "brands": lambda: len(client.named("brands").value),
            **(of_stock if meant else {}),
        }

    def _begin(self, name: str, ask: Callable[[], int | None]) -> "Future[TriedCall]":
        return self.pool.submit(copy_context().run, self._ask, name, ask)

    def _ask(self, name: str, ask: Callable[[], int | None]) -> TriedCall:
        began = self.monotonic()
        try:
            rows = ask()
        except SyncSamError as error:
            return _failed(name, error, self._since(began))
        return TriedCall(name, self._since(began), rows)

    def _outcome(self, name: str, asked: "Future[TriedCall]", begun: float) -> TriedCall:
        left = max(0.0, begun + self.seconds - self.monotonic())
        if wait([asked], timeout=left).not_done:
            late = f"There was no answer within {self.seconds:g} seconds."
            owner = Owner.PROVIDER.value
            return TriedCall(name, self._since(begun), None, "late", owner, late)
        return asked.result()

    def _since(self, began: float) -> int:
        return round((self.monotonic() - began) * 1000)


def _failed(name: str, error: SyncSamError, milliseconds: int = 0) -> TriedCall:
    return TriedCall(name, milliseconds, None, error.code, error.owner.value, str(error))


def _first_page(listing: Generator[Page[Any], None, None]) -> int:
    """The rows of a listing's first page; no other is asked for."""
    try:
        return next((page.rows for page in listing), 0)
    finally:
        listing.close()
