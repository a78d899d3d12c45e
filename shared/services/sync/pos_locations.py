"""An org as its sync sees it: its settings, its active locations, and their POS accounts."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from shared.domain.ids import natural_key
from shared.errors import ConfigurationInvalid
from shared.pos.config import Location
from shared.pos.port import PosClient
from shared.services.sync.session import Session
from shared.store import locations as location_store
from shared.store import tenants
from shared.store.tenants import SyncSettings

OpenPos = Callable[[Location], PosClient]


@dataclass(frozen=True, slots=True)
class PosLocation:
    """One location: the client of its account, the POS's id of it, its name and time zone, and the
    id of the document that configures it."""

    client: PosClient
    location_id: str
    name: str
    zone: ZoneInfo
    document_id: str


@dataclass(frozen=True, slots=True)
class OpenOrg:
    """What a run needs to ask an org's POS. ``today`` is the date at the org's first location."""

    settings: SyncSettings
    locations: Sequence[PosLocation]
    provider: str
    today: date

    @property
    def accounts(self) -> list[PosLocation]:
        """The first location of each account."""
        first: dict[int, PosLocation] = {}
        for location in self.locations:
            first.setdefault(id(location.client), location)
        return list(first.values())

    @property
    def clients(self) -> list[PosClient]:
        """The accounts' clients, each once."""
        return [each.client for each in self.accounts]


class NoActiveLocation(ConfigurationInvalid):
    """The org has no location that is to be synced."""


def open_org(session: Session, open_pos: OpenPos) -> OpenOrg:
    """Read the org's configuration and note on the run what is doubtful about it; nothing is
    called yet. Raises ConfigurationInvalid."""
    database, org_id = session.database, session.org_id
    settings = tenants.read(database, org_id)
    active = location_store.active_of(database, org_id)
    if not active:
        raise NoActiveLocation(f"org {org_id} has no active POS location")
    different, session.run.warnings = _without_twins(active)
    return OpenOrg(
        settings.sync,
        _open_locations(different, open_pos),
        active[0].pos_config.provider,
        session.now().astimezone(active[0].zone).date(),
    )


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
    """In the order of the POS's location ids. Locations of one account share its client, so that
    no account is listed twice."""
    clients: dict[Hashable, PosClient] = {}
    opened: list[PosLocation] = []
    for location in sorted(locations, key=lambda each: natural_key(each.pos_config.location_id)):
        config = location.pos_config
        account = config.account_key
        if account not in clients:
            clients[account] = open_pos(location)
        opened.append(
            PosLocation(
                clients[account], config.location_id, location.name, location.zone, location.id
            )
        )
    return opened
