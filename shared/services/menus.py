"""What can be bought at each org, kept by an instance for a few minutes."""

import threading

from cachetools import TTLCache

from shared.domain.recommendations import Menu
from shared.store import menu
from shared.store.database import Database

MENUS = 64
SECONDS = 300.0


class Menus:
    """The menus of the orgs last asked about. Safe for threads."""

    def __init__(self) -> None:
        self._kept: TTLCache[str, Menu] = TTLCache(MENUS, SECONDS)
        self._lock = threading.Lock()

    def of(self, database: Database, org_id: str) -> Menu:
        """The org's menu as it was at most SECONDS ago."""
        with self._lock:
            kept = self._kept.get(org_id)
        return kept or self.fresh(database, org_id)

    def fresh(self, database: Database, org_id: str) -> Menu:
        """The org's menu as it is. One that is empty may be about to be filled: it is not kept."""
        found = menu.read(database, org_id)
        with self._lock:
            if len(found):
                self._kept[org_id] = found
        return found
