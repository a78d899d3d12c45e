"""Records that no X-Series should send, among a retailer's ordinary ones; marked as those of
Alleaves are."""

import reprlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from deploy.local.simulator.lightspeed.retailer import SimulatedRetailer
from deploy.local.simulator.lightspeed.seed.ids import iso_text
from deploy.local.simulator.lightspeed.versions import VersionedTable
from tests.campaign.hostile_records import MARK, WRONG, in_quarantine, is_ordinary
from tests.campaign.stored import Stored

Record = dict[str, Any]

OWNER_ID = "hostile-owner"
"""Of the customer who has the hostile sales: nobody else's spending may rest on them."""
WRONG_FIELDS = {
    # Not when one was created: without that it is the moment of the first sync.
    "customers": (
        *("first_name", "last_name", "name", "email", "phone", "mobile", "date_of_birth"),
        *("loyalty_balance", "customer_code", "note", "updated_at"),
    ),
    "sales": (
        *("customer_id", "outlet_id", "register_id", "source", "note", "status", "state"),
        *("attributes", "total_price", "total_tax", "total_price_incl", "line_items"),
        *("created_at", "sale_date", "updated_at", "return_for", "payments"),
    ),
    # Not whether it is sold: one that is not is rightly nowhere.
    "products": (
        *("name", "variant_name", "brand", "supplier", "product_category", "supply_price"),
        *("price_including_tax", "price_excluding_tax", "image_url", "updated_at", "sku"),
    ),
}
BAD_IDS = ("__h1__", "9" * 250, "h/1", "h\ud800", "..", "", True, [7], {"id": 7}, None)
STORED_AS = {"customers": "customers", "sales": "orders", "products": "products"}


@dataclass(frozen=True, slots=True)
class RetailRecord:
    """A record that the retailer of ``org_id`` has from the ``tick``-th tick on (0-based): an
    ordinary one but for ``fields``."""

    org_id: str
    kind: str
    number: int
    tick: int
    what: str
    fields: Record

    @property
    def name(self) -> str:
        return f"hostile-x{self.number}"

    @property
    def collection(self) -> str:
        """Where it would be stored."""
        return STORED_AS[self.kind]

    @property
    def document(self) -> str:
        """Id of the document that it would be."""
        own = str(self.fields.get("id", self.name))
        return f"lightspeed_{own}" if self.kind == "sales" else own

    def __str__(self) -> str:
        fields = {key: _short.repr(value) for key, value in self.fields.items()}
        where = f"{self.kind} of {self.org_id} from tick {self.tick + 1} on"
        return f"{self.name}, {where}: {self.what}: {fields}"


def draw(dice: Random, org_ids: list[str], ticks: int) -> tuple[RetailRecord, ...]:
    """Some hostile records for the first of the ``ticks`` or a later one."""
    found = []
    for number in range(1, 1 + dice.choice((0, 0, 2, 5))):
        org_id, tick = dice.choice(org_ids), dice.randrange(ticks)
        kind = dice.choice(("customers", "sales", "sales", "products"))
        if dice.random() < 0.25:
            what = "an id of no document"
            fields: Record = {"id": dice.choice(BAD_IDS)}
        else:
            names = dice.sample(WRONG_FIELDS[kind], dice.choice((1, 1, 3)))
            what, fields = "wrong types", {name: dice.choice(WRONG) for name in names}
        found.append(RetailRecord(org_id, kind, number, tick, what, fields))
    return tuple(found)


def enter(record: RetailRecord, retailer: SimulatedRetailer, now: datetime) -> None:
    """The retailer has the record from now on."""
    tables = retailer.data.tables
    at = iso_text(now)
    if record.kind == "sales" and OWNER_ID not in tables["customers"]:
        owner = {"id": OWNER_ID, "email": "hostile.owner@example.com", **_EMPTY}
        tables["customers"].put({**_template(tables["customers"]), MARK: OWNER_ID, **owner})
    own: Record = {"id": record.name, "updated_at": at}
    if record.kind == "sales":
        own |= {"customer_id": OWNER_ID, "created_at": at, "sale_date": at, "return_for": None}
        own |= {"source": "USER", "source_id": None, "note": ""}
    elif record.kind == "customers":
        own |= {"email": f"{record.name}@example.com", **_EMPTY}
    template = _template(tables[record.kind])
    tables[record.kind].put({**template, MARK: record.name, **own, **record.fields})


def problems(record: RetailRecord, stored: Stored) -> Iterator[str]:
    """Where the record is neither stored, nor skipped, nor in quarantine."""
    document = record.document
    kept = document in stored.documents(record.collection)
    kept |= record.kind == "sales" and document in stored.documents("skipped_orders")
    # What was read and cannot be stored, or not be sold, is kept there without its mark.
    kept |= f"{record.collection}_{document}" in stored.documents("quarantine")
    if not kept and not in_quarantine(stored, [record.name]):
        yield f"{record} is nowhere"


_short = reprlib.Repr()
_short.maxstring, _short.maxlist, _short.maxdict = 60, 2, 3
_EMPTY: Record = {"phone": None, "mobile": None, "note": None, "deleted_at": None}


def _template(table: VersionedTable) -> Record:
    living = (r for r in table if is_ordinary(r) and not r["deleted_at"])
    return min(living, key=lambda row: str(row["id"]))
