"""Records that seem to differ are looked at once more.

A record that changes at the POS or in Firestore while all this is read is no difference. So each
that seems to be one is read again on both sides, by its id, and reported where both are as before.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.batches import batched
from shared.domain.changes import REMOVED_AT, fingerprint
from shared.services.verification.pos_reading import PosReading
from shared.services.verification.pos_side import PosSide
from shared.services.verification.result import Difference
from shared.services.verification.stored_side import (
    StoredSide,
    as_pos_says,
)
from shared.store import discounts, inventory
from shared.store.database import Document, Fields
from shared.store.manifest import REMOVED, SKIPPED, STORED

Problem = Literal["missing", "stray", "differs"]
AT_ONCE = 200
"""Records that are looked at once more together."""
MOST = 1_000
"""Differences of one kind of record that are looked for."""

_PRICES = {"price", "priceSource"}
_SALE = {*discounts.SALE.compared}
_NEVER = (None, SKIPPED, REMOVED)


@dataclass(slots=True)
class Looked:
    """What the second look has confirmed of one kind of record. ``more`` were not looked at again;
    ``meanwhile`` are ids of records that have changed."""

    differences: list[Difference] = field(default_factory=list)
    more: int = 0
    meanwhile: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Again:
    """The second look at one record: the fields that its document should have, None where the POS
    has no such record; the names of those that are compared; whether both sides are unchanged."""

    key: str
    expected: Fields | None
    names: Sequence[str]
    unchanged: bool


Look = Callable[[Sequence[str], Mapping[str, Document]], Iterable[Again]]


@dataclass(frozen=True, slots=True)
class SecondLook:
    """Looks at what one provider's ``side`` has, and at what is ``stored``, a second time."""

    reading: PosReading
    side: PosSide
    stored: StoredSide

    @property
    def org_id(self) -> str:
        return self.reading.session.org_id

    @property
    def provider(self) -> str:
        return self.side.provider

    def looked(self, found: Mapping[str, Problem], collection: str, look: "Look") -> Looked:
        """Look at the records once more, as many as there is time for."""
        looked = Looked()
        left = list(found)
        for some in batched(left, AT_ONCE):
            if len(looked.differences) >= MOST or self.reading.session.deadline.passed:
                looked.more += len(some)
                continue
            documents = self._documents(collection, some)
            answered = {again.key: again for again in look(some, documents)}
            for key in some:
                again = answered.get(key)
                if again is None or not again.unchanged:
                    looked.meanwhile.add(key)
                elif difference := self._difference(collection, documents[key], again):
                    looked.differences.append(difference)
        return looked

    def _documents(self, collection: str, ids: Iterable[str]) -> dict[str, Document]:
        found = self.reading.session.database.get_all([f"{collection}/{i}" for i in ids])
        return {path.rpartition("/")[2]: document for path, document in found.items()}

    def _difference(self, collection: str, document: Document, again: "Again") -> Difference | None:
        """What differs; None where nothing does."""
        path = f"{collection}/{again.key}"
        stored = as_pos_says(document.fields) if document.exists else None
        if again.expected is None:
            if stored is None or stored.get(REMOVED_AT):
                return None
            kind, here, there = "stray", _shown(stored), {}
        elif stored is None:
            kind, here, there = "missing", {}, _shown(again.expected)
        else:
            names = [
                n for n in (*again.names, REMOVED_AT) if stored.get(n) != again.expected.get(n)
            ]
            if not names:
                return None
            here = {n: stored[n] for n in names if n in stored}
            there = {n: again.expected[n] for n in names if n in again.expected}
            kind = "differs"
        return Difference(
            kind=_kind(collection, kind, {*here, *there}),
            path=path,
            stored=here,
            expected=there,
            awaits_sync=self._awaits(collection, again, stored),
            provider=self.provider,
        )

    def _awaits(self, collection: str, again: "Again", stored: Fields | None) -> bool:
        """Whether the document is as the last sync left it, by the manifest."""
        kind = collection.rpartition("/")[2]
        stream = "products" if kind == "items" else kind
        manifest = self.reading.session.manifests[stream]
        mark = manifest.mark(again.key)
        if stored is None:
            return mark in _NEVER
        if again.expected is None:
            return mark == STORED
        left = {n: stored[n] for n in again.names if n in stored and n not in _SALE}
        if stream != "products":
            return manifest.has(again.key, fingerprint(left))
        left |= {n: v for n, v in again.expected.items() if n not in again.names}
        sale = fingerprint({n: stored[n] for n in _SALE if n in stored})
        known = self._prices().get(again.key)
        return manifest.has(again.key, fingerprint(left)) and bool(known and known.sale == sale)

    def _prices(self) -> inventory.PriceList:
        session = self.reading.session
        return inventory.load_prices(session.database, session.org_id, session.provider)


def _shown(fields: Fields) -> dict[str, Any]:
    """What a difference shows of a whole document."""
    names = ("name", "total", "price", "status", "customerId", "createdAt", "source", "type")
    return {n: fields[n] for n in names if n in fields}


def _kind(collection: str, problem: str, names: set[str]) -> str:
    what = {
        "customers": "customer",
        "orders": "order",
        "products": "product",
        "items": "menu_item",
        "discounts": "discount",
    }[collection.rpartition("/")[2]]
    if problem == "differs":
        if what == "order" and "customerId" in names:
            return "order_of_other_customer"
        if what in ("product", "menu_item") and names <= _SALE:
            return "sale_differs"
        if what in ("product", "menu_item") and names & _PRICES:
            return "price_differs"
    return f"{what}_{problem}"
