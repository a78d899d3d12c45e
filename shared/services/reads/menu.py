"""Reading the menu: rendered once, kept by the instance until it changes."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cachetools import LRUCache
from pydantic import ConfigDict, TypeAdapter

from shared.cache import ExpiringCache
from shared.clock import Clock
from shared.domain.public_menu import (
    MenuFilter,
    MenuPosition,
    MenuProduct,
    demo_menu,
    menu_page,
    showcase,
)
from shared.store import paths
from shared.store import products as products_store
from shared.store.database import Database
from shared.store.listing import decode_cursor, encode_cursor

ORGS = 128
KEPT_SECONDS = 300.0
"""After this long a menu is read again: a merchant's own changes show by then."""
CHECK_SECONDS = 3.0
"""How often at most the version of an org's data is read."""
PAGES = 64

_POSITION: TypeAdapter[MenuPosition] = TypeAdapter(MenuPosition, config=ConfigDict(strict=True))

Rendered = tuple[bytes, str]
"""JSON and its ETag."""


@dataclass(slots=True)
class _Snapshot:
    version: datetime | None
    products: Sequence[MenuProduct]
    checked_at: float
    until: datetime | None
    pages: LRUCache[object, Rendered] = field(default_factory=lambda: LRUCache(PAGES))


class PublicMenu:
    """The menus of the orgs last asked about. Safe for threads.

    A menu is read again when the status of the org's sync has changed, when a sale on it ends,
    and every KEPT_SECONDS.
    """

    def __init__(
        self, database: Database, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._kept = ExpiringCache[str, _Snapshot](ORGS, monotonic)
        self._locks = [threading.Lock() for _ in range(16)]

    def page(self, org_id: str, wanted: MenuFilter, *, cursor: str | None, limit: int) -> Rendered:
        """``{"items": […], "nextCursor"?}``. Raises RequestInvalid for a cursor of another form."""
        after = decode_cursor(cursor, _POSITION) if cursor else None

        def make(products: Sequence[MenuProduct]) -> bytes:
            found, last = menu_page(products, wanted, after=after, limit=limit)
            body: dict[str, object] = {"items": [product.view for product in found]}
            if last is not None:
                body["nextCursor"] = encode_cursor(last)
            return _json(body)

        return self._rendered(org_id, (wanted, after, limit), make)

    def builder(self, org_id: str, *, limit: int) -> Rendered:
        """``{"items": […], "isDemo"}``: the showcase of the org's products, or invented ones."""

        def make(products: Sequence[MenuProduct]) -> bytes:
            found = showcase(products, limit) if products else demo_menu()[:limit]
            views = [product.view for product in found]
            return _json({"items": views, "isDemo": not products})

        return self._rendered(org_id, ("builder", limit), make)

    def _rendered(
        self, org_id: str, key: object, make: Callable[[Sequence[MenuProduct]], bytes]
    ) -> Rendered:
        with self._locks[hash(org_id) % len(self._locks)]:
            snapshot = self._current(org_id)
            kept = snapshot.pages.get(key)
            if kept is None:
                data = make(snapshot.products)
                kept = data, hashlib.blake2b(data, digest_size=12).hexdigest()
                snapshot.pages[key] = kept
            return kept

    def _current(self, org_id: str) -> _Snapshot:
        kept = self._kept.get(org_id)
        now = self._clock()
        if kept and (kept.until is None or now < kept.until):
            if self._monotonic() - kept.checked_at < CHECK_SECONDS:
                return kept
            if self._version(org_id) == kept.version:
                kept.checked_at = self._monotonic()
                return kept
        return self._read(org_id, now)

    def _read(self, org_id: str, now: datetime) -> _Snapshot:
        # The version first: changes made while the menu is read are then noticed at the next check.
        version, checked_at = self._version(org_id), self._monotonic()
        products = [
            product.at(now) for product in products_store.public_menu(self._database, org_id)
        ]
        until = min((p.sale_ends_at for p in products if p.sale_ends_at), default=None)
        return self._kept.put(org_id, KEPT_SECONDS, _Snapshot(version, products, checked_at, until))

    def _version(self, org_id: str) -> datetime | None:
        path = paths.pos_status(org_id)
        return self._database.get_all([path], ["lastRunId"])[path].version


def _json(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
