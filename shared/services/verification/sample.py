"""A sample of what one provider's POS has, where all of it would take too long."""

import hashlib
from contextlib import closing
from typing import Any

from shared.domain.order_matching import match_orders
from shared.domain.orders import Order
from shared.services.sync.customers import StoredCustomers
from shared.services.sync.session import Session
from shared.services.verification.pos_reading import PosReading
from shared.services.verification.pos_side import Directory, PosSide, Sampled
from shared.services.verification.stored_side import ORDER_FIELDS, StoredReading
from shared.store import paths, verifications
from shared.store.manifest import REMOVED, STORED


class SampleReading(PosReading):
    """Reads so many customers and as many orders, drawn from those that runs say are stored, each
    by its id; what the org sells is read whole. The figures of these customers are counted once
    more from their stored orders. A sample finds no strays among people and orders: of these it
    tells how many there are on both sides."""

    def __init__(self, size: int, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._size = size

    def read(self, stored: StoredReading) -> PosSide:
        """The sample. Raises what the listings raise."""
        side = self.new_side()
        database, org_id = self.session.database, self.session.org_id
        people, sold = paths.customers(org_id), paths.orders(org_id)
        side.sampled = sampled = Sampled(
            {stream: self._drawn(stream, side) for stream in ("customers", "orders")},
            {"customers": self._at_pos("customers"), "orders": self._at_pos("orders")},
            {
                "customers": self._stored("customers", people),
                "orders": self._stored("orders", sold),
            },
        )
        side.directory = _Known(self.session)
        theirs = sampled.ids["customers"]
        stored.add_people(theirs)
        stored.add_orders(verifications.orders_of(database, org_id, theirs, ORDER_FIELDS))
        where = [f"{sold}/{i}" for i in sampled.ids["orders"]]
        stored.add_orders(database.get_all(where).values())
        self.read_catalogue(side)
        return side

    def _drawn(self, stream: str, side: PosSide) -> list[str]:
        """Ids of the records that are compared: others each time, so that in the end all are."""
        seed = f"{self.session.org_id} {self.session.now().isoformat()}".encode()
        key = hashlib.blake2b(seed, digest_size=16).digest()
        known = set(self.session.manifests[stream].ids(STORED)) - side.unsure[stream]
        return sorted(known, key=lambda i: hashlib.blake2b(i.encode(), key=key).digest())[
            : self._size
        ]

    def _stored(self, stream: str, collection: str) -> int:
        """How many documents there are of records that the POS still has."""
        removed = self.session.manifests[stream].count(REMOVED)
        return verifications.count(self.session.database, collection) - removed

    def _at_pos(self, stream: str) -> int:
        """How many records the POS says it has; where it does not, how many runs have stored."""
        total = 0
        for client in self.org.clients:
            pages = client.customers() if stream == "customers" else self.orders_of(client)
            with closing(pages):
                first = next(pages, None)
            if first is None or first.total is None:
                return self.session.manifests[stream].count(STORED)
            total += first.total
        return total


class _Known(Directory):
    """Matches orders to the customers that are stored."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._stored = StoredCustomers(session, None)

    def owner(self, order: Order) -> str | None:
        return match_orders([order], self._stored).customer_ids.get(order.external_id)
