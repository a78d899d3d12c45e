"""An org as its sync sees it: its settings, its active locations by provider, and their POS
accounts."""

import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from threading import Lock
from zoneinfo import ZoneInfo

import structlog

from shared.domain.ids import natural_key
from shared.domain.metadata import PublicLocation
from shared.domain.providers import ALLEAVES, label
from shared.errors import ConfigurationInvalid, CredentialsRejected, ProviderError, ProviderRefused
from shared.pos.config import DEFAULT_TIMEZONE, Location
from shared.pos.port import PosClient
from shared.services.sync.session import Session
from shared.services.sync.suppression import SuppressedPos, Suppression
from shared.store import locations as location_store
from shared.store import status, tenants
from shared.store.database import Database
from shared.store.locations import ConfiguredLocations
from shared.store.status import Place
from shared.store.tenants import SyncSettings, TenantSettings

OpenPos = Callable[[Location], PosClient]
Listed = Sequence[PublicLocation] | ProviderError | None
ASKED_AGAIN_AFTER = timedelta(hours=24)
"""What the settings lack and the POS did not say either."""

_MEANING = {"provider", "base_url", "username", "domain_prefix", "api_style", "location_id"}
LOCATIONS_NAMED = 20
"""In a message."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PosLocation:
    """One location: a client that lists it, the POS's id of it, its name and time zone, the id of
    the document that configures it, and what tells its account from others (None: the client)."""

    client: PosClient
    location_id: str
    name: str
    zone: ZoneInfo
    document_id: str
    account: Hashable = None


@dataclass(frozen=True, slots=True)
class ConfiguredOrg:
    """An org's settings as they stand, right or wrong."""

    org_id: str
    locations: ConfiguredLocations
    settings: TenantSettings | ConfigurationInvalid

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers of its locations, at least one."""
        return tuple(self.locations.providers) or (ALLEAVES,)

    @property
    def name(self) -> str:
        """As people know it: its own name, else that of its first active location; may be empty."""
        own = self.settings.name if isinstance(self.settings, TenantSettings) else ""
        return own or next((each.name for each in self.locations.active), "")

    @property
    def is_active(self) -> bool:
        """Whether it has an active location."""
        return bool(self.locations.active or self.locations.invalid)

    def of(self, provider: str) -> tuple[TenantSettings, list[Location]]:
        """The settings, and the provider's active locations. Raises ConfigurationInvalid where any
        of this is wrong, or there are none."""
        if isinstance(self.settings, ConfigurationInvalid):
            raise self.settings
        found = self.locations.of(provider)
        if not found:
            raise self._without(provider)
        return self.settings, found

    def _without(self, provider: str) -> "NoActiveLocation":
        if self.locations.active:
            return NoActiveLocation(
                f"org {self.org_id} has no active POS location at {label(provider)}"
            )
        return NoActiveLocation(_nothing_active(self.org_id, self.locations.inactive))


@dataclass(frozen=True, slots=True)
class OpenOrg:
    """What a run needs to ask an org's POS at one provider: ``locations`` are that provider's,
    ``today`` is the date at the first of them; ``notify`` is what the org asks to hear of
    (domain/notifications.py)."""

    settings: SyncSettings
    locations: Sequence[PosLocation]
    provider: str
    today: date
    notify: frozenset[str] = frozenset()

    @property
    def accounts(self) -> list[PosLocation]:
        """The first location of each client: of each account, or each location where an account
        lists every location's customers and orders apart."""
        first: dict[int, PosLocation] = {}
        for location in self.locations:
            first.setdefault(id(location.client), location)
        return list(first.values())

    @property
    def clients(self) -> list[PosClient]:
        """The clients, each once: together they list all customers and orders."""
        return [each.client for each in self.accounts]

    @property
    def account_clients(self) -> list[PosClient]:
        """One client of each account, for what an account has only once: its discounts, its
        brands, its locations."""
        first: dict[Hashable, PosClient] = {}
        for location in self.locations:
            first.setdefault(location.account or id(location.client), location.client)
        return list(first.values())


class NoActiveLocation(ConfigurationInvalid):
    """The org has no location that is to be synced."""


def read_org(database: Database, org_id: str) -> ConfiguredOrg:
    """Read the org's configuration. Two reads, and one more for each further location."""
    settings: TenantSettings | ConfigurationInvalid
    try:
        settings = tenants.read(database, org_id)
    except ConfigurationInvalid as error:
        settings = error
    return ConfiguredOrg(org_id, location_store.configured(database, org_id), settings)


def open_org(session: Session, org: ConfiguredOrg, open_pos: OpenPos) -> OpenOrg:
    """Open the org's locations at the session's provider, and note on the run what is doubtful
    about the configuration. The POS is asked only about locations that are new, or whose settings
    lack something.

    Raises ConfigurationInvalid; ProviderError where the settings do not do without the POS.
    """
    settings, configured = org.of(session.provider)
    session.run.warn([*settings.warnings, *org.locations.warnings])
    active = Places(session, open_pos).identified(configured)
    different, twins = _without_twins(active)
    session.run.warn(twins)
    return OpenOrg(
        settings.sync,
        _open_locations(different, _without_erased(session, open_pos)),
        session.provider,
        session.now().astimezone(active[0].zone).date(),
        settings.notify,
    )


def _without_erased(session: Session, open_pos: OpenPos) -> OpenPos:
    """How accounts are opened for a session: where somebody was erased, without these people."""
    if not session.erased:
        return open_pos
    run, lock = session.run, Lock()
    suppression = Suppression(session.erased, lambda: run.tally("customers"), lock)
    return lambda location: SuppressedPos(open_pos(location), suppression)


def active_locations(database: Database, org_id: str, needed: str | None = None) -> list[Location]:
    """The org's active locations, each of the POS's once; the POS's id of one whose settings lack
    it as a run has found it, if one has. Those of a provider of which any is not valid are left
    out. Raises ConfigurationInvalid where none is left, or those of the ``needed`` provider are
    not valid."""
    configured = location_store.configured(database, org_id)
    if needed:
        configured.of(needed)
    found: list[Location] = []
    for provider in configured.providers:
        with suppress(ConfigurationInvalid):
            found += _as_found(database, org_id, provider, configured.of(provider))
    if not found:
        for wrong in configured.invalid.values():
            raise wrong
        raise NoActiveLocation(_nothing_active(org_id, configured.inactive))
    return sorted(_without_twins(found)[0], key=lambda each: each.id)


def _as_found(
    database: Database, org_id: str, provider: str, locations: list[Location]
) -> list[Location]:
    if all(each.pos_config.location_id for each in locations):
        return locations
    places = status.read_progress(database, org_id, provider).places
    return [_at(each, places.get(_hash(each))) for each in locations]


def _nothing_active(org_id: str, inactive: Sequence[str]) -> str:
    says = f"org {org_id} has no active POS location"
    if not inactive:
        return f"{says}: no document of locations has its orgId"
    return f"{says}: {'; '.join(inactive)}. Set posConfig.status to active to sync it"


class Places:
    """Which of the POS's locations an org's settings mean. Each is asked for once and remembered in
    the org's progress; ``locationId`` is thereby held against what the POS has."""

    def __init__(self, session: Session, open_pos: OpenPos) -> None:
        self._session = session
        self._open_pos = open_pos
        self._listed: dict[Hashable, Listed] = {}

    def identified(self, locations: Sequence[Location]) -> list[Location]:
        """The locations, what their settings lack of id and time zone as the POS says. Raises as
        ``open_org``."""
        progress, now = self._session.progress, self._session.now()
        known, found = progress.places, []
        kept: dict[str, Place] = {}
        for location in locations:
            key = _hash(location)
            place = known.get(key)
            lacks = not location.timezone or not location.pos_config.location_id
            if place is None or (lacks and now - place.asked_at >= ASKED_AGAIN_AFTER):
                place = self._ask(location, place)
            if place is not None:
                kept[key] = place
            meant = [place, *place.more] if place else [None]
            found += [self._with(location, each) for each in meant]
        progress.places = kept
        return found

    def _with(self, location: Location, place: Place | None) -> Location:
        zone = location.timezone or (place.timezone if place else None)
        if zone is None:
            unknown = (
                f"The time zone of location {location.id} is not known: neither its settings nor"
                f" the POS name one. {DEFAULT_TIMEZONE} is assumed: set timezone."
            )
            self._session.run.warn([unknown])
        return _at(location, place).model_copy(update={"timezone": zone})

    def _ask(self, location: Location, before: Place | None) -> Place | None:
        """As ``before`` where the POS does not answer now and that, or the settings, do without:
        times that were read in another zone would be stored."""
        config, client = location.pos_config, self._open_pos(location)
        account = config.account_key
        if account not in self._listed:
            self._listed[account] = _locations(client)
        listed = self._listed[account]
        if isinstance(listed, ProviderError):
            if before is None and not (location.timezone and config.location_id):
                raise listed
            return before
        known = {each.id: each for each in listed or ()}
        own = config.location_id or client.login_location()
        meant, *others = locations_meant(location, known, own)
        if others:
            first, *more = (self._place(known[each]) for each in (meant, *others))
            return first.model_copy(update={"more": more})
        if listed is None and config.location_id:
            return before
        zone = zone_of(known[meant]) if meant in known else None
        if zone is None and before is not None and before.location_id == meant:
            zone = before.timezone
        return Place(location_id=meant, timezone=zone, asked_at=self._session.now())

    def _place(self, listed: PublicLocation) -> Place:
        return Place(location_id=listed.id, timezone=zone_of(listed), asked_at=self._session.now())


def locations_meant(
    location: Location, known: Mapping[str, PublicLocation], own: str | None
) -> list[str]:
    """The POS's ids of the locations that settings mean: ``own``, which they or the login name,
    else the account's only one of those that are ``known``, or all of them. Raises
    ConfigurationInvalid where that is not clear, or the POS has none of that id."""
    if not own and location.pos_config.means_all and known:
        return list(known)
    if not own and len(known) != 1:
        raise ConfigurationInvalid(
            f"posConfig.locationId of location {location.id} is missing, and the POS does"
            f" not say which is meant{_among(known)}"
        )
    meant = own or next(iter(known))
    if known and meant not in known:
        raise ConfigurationInvalid(
            f"the POS has no location {meant}, which posConfig.locationId of location"
            f" {location.id} names{_among(known)}"
        )
    return [meant]


def _at(location: Location, place: Place | None) -> Location:
    return location if place is None else at_location(location, place.location_id)


def at_location(location: Location, location_id: str) -> Location:
    """The location with the POS's id of it as the POS said."""
    config = location.pos_config.model_copy(update={"location_id": location_id})
    return location.model_copy(update={"pos_config": config})


def _locations(client: PosClient) -> Listed:
    """The locations of an account; none where it does not list them. None where the login may not
    see them, if it is one: the streams find out, and report it."""
    try:
        return client.locations().value
    except ProviderRefused as error:
        log.info("locations_not_given", code=error.code)
        return ()
    except CredentialsRejected as error:
        log.warning("locations_not_given", code=error.code)
        return None
    except ProviderError as error:
        log.warning("locations_not_given", code=error.code)
        return error


def _among(known: Mapping[str, PublicLocation]) -> str:
    named = (f"{i} ({name})" if (name := p.fields.get("name")) else i for i, p in known.items())
    return f": it has {', '.join(list(named)[:LOCATIONS_NAMED])}" if known else ""


def zone_of(listed: PublicLocation) -> str | None:
    """The time zone that the POS says; None where it says none that there is."""
    name = listed.fields.get("timezone")
    with suppress(KeyError, ValueError, OSError, TypeError):
        return ZoneInfo(name).key if isinstance(name, str) else None
    return None


def _hash(location: Location) -> str:
    """Of the settings by which one location or another is meant; of no secret."""
    meant = location.pos_config.model_dump_json(include=_MEANING)
    return hashlib.blake2b(f"{location.id} {meant}".encode(), digest_size=12).hexdigest()


def _without_twins(locations: Sequence[Location]) -> tuple[list[Location], list[str]]:
    """Each of the POS's locations once, and a sentence about each document that is left out: its
    stock would count double."""
    first: dict[Hashable, Location] = {}
    warnings = []
    for location in locations:
        config = location.pos_config
        known = first.setdefault(config.location_key, location)
        if known is not location:
            warnings.append(
                f"Locations {known.id} and {location.id} are the same location"
                f" {config.location_id} of the POS. It is counted once, as {known.id}: set the"
                " other inactive."
            )
    return list(first.values()), warnings


def _open_locations(locations: Sequence[Location], open_pos: OpenPos) -> list[PosLocation]:
    """In the order of the POS's location ids. Locations that are listed together share a client, so
    that nothing is listed twice."""
    clients: dict[Hashable, PosClient] = {}
    opened: list[PosLocation] = []
    for location in sorted(locations, key=lambda each: natural_key(each.pos_config.location_id)):
        config = location.pos_config
        if config.listing_key not in clients:
            clients[config.listing_key] = open_pos(location)
        opened.append(
            PosLocation(
                clients[config.listing_key],
                config.location_id,
                location.name,
                location.zone,
                location.id,
                config.account_key,
            )
        )
    return opened
