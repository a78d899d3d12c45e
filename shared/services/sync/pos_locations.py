"""Which POS accounts an org's locations share, so that no account is listed twice."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from shared.domain.ids import natural_key
from shared.pos.config import Location
from shared.pos.port import PosClient


@dataclass(frozen=True, slots=True)
class PosLocation:
    """One location: the client of its account, the POS's id of it, its name and time zone."""

    client: PosClient
    location_id: str
    name: str
    zone: ZoneInfo


OpenPos = Callable[[Location], PosClient]


def open_pos_locations(locations: Sequence[Location], open_pos: OpenPos) -> list[PosLocation]:
    """A shelf per location, in the order of the POS's location ids; those of one account share
    its client."""
    clients: dict[Hashable, PosClient] = {}
    shelves: list[PosLocation] = []
    for location in sorted(locations, key=lambda each: natural_key(each.pos_config.location_id)):
        config = location.pos_config
        account = config.account_key
        if account not in clients:
            clients[account] = open_pos(location)
        shelves.append(
            PosLocation(clients[account], config.location_id, location.name, location.zone)
        )
    return shelves


def clients_of(shelves: Sequence[PosLocation]) -> list[PosClient]:
    """The accounts' clients, each once."""
    return list({id(shelf.client): shelf.client for shelf in shelves}.values())
