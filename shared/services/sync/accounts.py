"""Which POS accounts an org's locations share, so that no account is listed twice."""

from collections.abc import Callable, Sequence

from shared.domain.identity import natural
from shared.pos.base import PosClient
from shared.pos.config import Location
from shared.services.sync.stock import Shelf

OpenPos = Callable[[Location], PosClient]


def open_shelves(locations: Sequence[Location], open_pos: OpenPos) -> list[Shelf]:
    """A shelf per location, in the order of the POS's location ids; those of one account share
    its client."""
    clients: dict[tuple[object, ...], PosClient] = {}
    shelves: list[Shelf] = []
    for location in sorted(locations, key=lambda each: natural(each.pos_config.location_id)):
        config = location.pos_config
        account = (config.provider, config.base_url, config.username, config.api_style)
        if account not in clients:
            clients[account] = open_pos(location)
        shelves.append(Shelf(clients[account], config.location_id, location.name, location.zone))
    return shelves


def clients_of(shelves: Sequence[Shelf]) -> list[PosClient]:
    """The accounts' clients, each once."""
    return list({id(shelf.client): shelf.client for shelf in shelves}.values())
