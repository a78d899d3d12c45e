"""Records that no POS should send, among an org's ordinary ones.

Each has its name in the field MARK: so it is told from the ordinary ones, and found in quarantine.
"""

import json
import re
import reprlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from deploy.local.simulator import metadata
from deploy.local.simulator.org import Org
from deploy.local.simulator.seed.calendar import local_text, utc_text
from tests.campaign.stored import MENU, Fields, Stored

Record = dict[str, Any]

MARK = "campaign"
FIRST_ID = 900_000
OWNER_ID = FIRST_ID
"""Of the customer who has the hostile orders: nobody else's spending may rest on them."""
COUNTED_PREFIX = "counted"

WRONG: tuple[object, ...] = (
    *([], {}, [[]], {"a": {"b": 1}}, True, -1, 10**30, 1e308, 0.1),
    *("", "no such thing", "\ud800", "\x00", "9" * 400, "x" * 30_000, "2026-13-45T99:99"),
)
WRONG_FIELDS = {
    # Not when one was created: without that it is the moment of the first sync.
    "customers": (
        *("name_first", "name_last", "full_name", "email", "phone", "date_of_birth"),
        *("user_id", "loyalty_points", "date_updated"),
    ),
    "orders": (
        *("id_customer", "name_first", "email", "phone", "user_id", "id_location"),
        *("status", "complete", "type", "items", "total", "subtotal", "tax", "discount"),
        *("date_created", "date_updated"),
    ),
    # Not those by which the simulated POS itself lists: id_location, brand, vendor, category.
    "inventory": (
        *("item", "strain", "on_hand", "available", "area_type", "status", "deleted"),
        *("date_closed", "price_retail_adult_use", "price_otd_adult_use", "cost_of_good"),
        *("batch_cost_of_good", "thc", "cbd", "compounds", "date_expire", "date_received"),
        "metrc_package_label",
    ),
    # Not whether it runs: one that does not is rightly nowhere.
    "discounts": (
        *("name", "discount_type", "discount_value", "start_date", "end_date"),
        *("conditions", "badge_text", "priority"),
    ),
}
OWN_ID = {
    "customers": "id_customer",
    "orders": "id_order",
    "inventory": "id_item",
    "discounts": "id_discount",
}
COLLECTION = {
    "customers": "customers",
    "orders": "orders",
    "inventory": "products",
    "discounts": "discounts",
}
STREAM = {**COLLECTION, "inventory": "products"}
KINDS = ("customers", "customers", "orders", "orders", "orders", "inventory", "discounts")


class Fate(StrEnum):
    """What is to become of a hostile record."""

    COUNTED = "stored, and its figures count"
    ACCOUNTED = "stored, quarantined or skipped"
    REFUSED = "quarantined and never stored"
    OFF_THE_MENU = "quarantined and never on the menu"


@dataclass(frozen=True, slots=True)
class HostileRecord:
    """A record that the POS of ``org_id`` has from the ``tick``-th tick on (0-based): an ordinary
    one but for ``fields``. ``hours_ahead``: created so long after the moment it is entered at."""

    org_id: str
    kind: str
    number: int
    tick: int
    what: str
    fate: Fate
    fields: Record
    hours_ahead: float = 0.0

    @property
    def name(self) -> str:
        prefix = COUNTED_PREFIX if self.fate is Fate.COUNTED else "hostile"
        return f"{prefix}-{self.number}"

    @property
    def id(self) -> Any:
        return self.fields[OWN_ID[self.kind]]

    @property
    def usable_id(self) -> bool:
        """Whether it can be told by its id. Where one cannot, any record that is missing from the
        listing may be this one: nothing is removed at the word of such a listing."""
        return bool(self.id == FIRST_ID + self.number)

    @property
    def only_by_webhook(self) -> bool:
        """Whether no listing brings it: its day is beyond those that are asked for."""
        return self.hours_ahead > 48

    def __str__(self) -> str:
        fields = {key: _short.repr(value) for key, value in self.fields.items()}
        ahead = f", {self.hours_ahead:.1f} h ahead" if self.hours_ahead else ""
        where = f"{self.kind} of {self.org_id} from tick {self.tick + 1} on"
        return f"{self.name}, {where}: {self.what}{ahead}: {fields} -> {self.fate}"


def draw(dice: Random, org_ids: list[str], ticks: int) -> tuple[HostileRecord, ...]:
    """Some hostile records for the first of the ``ticks`` or a later one."""
    found: list[HostileRecord] = []
    for _ in range(dice.choice((0, 2, 4, 7))):
        org_id, tick = dice.choice(org_ids), dice.randrange(ticks)
        kind = dice.choice(KINDS)
        what, fate, fields, hours_ahead = dice.choice(_MAKERS[kind])(dice, kind)
        number = 1 + len(found)
        given = {OWN_ID[kind]: FIRST_ID + number, **fields}
        same = (org_id, kind, repr(given[OWN_ID[kind]]))
        if any(same == (each.org_id, each.kind, repr(each.id)) for each in found):
            continue  # it would take the other's place at the POS
        found.append(HostileRecord(org_id, kind, number, tick, what, fate, given, hours_ahead))
        if kind == "customers" and fate is Fate.COUNTED:
            number += 1
            order = {"id_order": FIRST_ID + number, "id_customer": FIRST_ID + number - 1}
            found.append(
                HostileRecord(
                    org_id, "orders", number, tick, "of that customer", fate, order | fields
                )
            )
    return tuple(found)


def is_ordinary(record: Record) -> bool:
    """Whether the POS's people may change the record."""
    return MARK not in record


def is_counted(record: Record) -> bool:
    """Whether the record counts for what is to be stored."""
    return str(record.get(MARK, COUNTED_PREFIX)).startswith(COUNTED_PREFIX)


def enter(record: HostileRecord, org: Org, now: datetime) -> list[bytes]:
    """The POS has the record from now on; the webhooks that it sends about it."""
    if record.kind == "discounts":
        template = metadata.discounts(org)[0]
        org.discounts = [*metadata.discounts(org), {MARK: record.name} | template | record.fields]
        return []
    templates = {"customers": _customer, "orders": _order, "inventory": _stock_row}
    made = templates[record.kind](record, org, now)
    org.dataset.table(record.kind).put({MARK: record.name} | made | record.fields)
    if not record.only_by_webhook:
        return []
    event = {"event": "order.created", "data": {"id_order": record.id}, "event_id": record.name}
    return [json.dumps(event).encode()]


def withdraw(record: HostileRecord, org: Org) -> None:
    """The dispensary takes the record out."""
    if record.kind == "discounts":
        org.discounts = [d for d in metadata.discounts(org) if d.get(MARK) != record.name]
        return
    table = org.dataset.table(record.kind)
    table.replace([each for each in table if each.get(MARK) != record.name])


def problems(record: HostileRecord, stored: Stored) -> Iterator[str]:
    """Where the record has not met its fate."""
    document = f"alleaves_{record.id}" if record.kind == "orders" else str(record.id)
    kept = document in stored.documents(COLLECTION[record.kind])
    skipped = record.kind == "orders" and document in stored.documents("skipped_orders")
    entries = in_quarantine(stored, [record.name])
    # What was read and cannot be stored, or not be sold, is kept there without its mark.
    if read := stored.documents("quarantine").get(f"{STREAM[record.kind]}_{document}"):
        entries |= {document: read}
    codes = {entry.get("errorCode") for entry in entries.values()}
    on_menu = record.kind == "inventory" and document in stored.documents(MENU)
    right = {
        Fate.COUNTED: kept,
        Fate.ACCOUNTED: kept or skipped or bool(codes),
        Fate.REFUSED: bool(codes) and not kept,
        Fate.OFF_THE_MENU: bool(codes) and not on_menu,
    }[record.fate]
    if record.hours_ahead > 24 and codes != {"bad_time"}:
        # A webhook that has waited for an hour is left to the listing, which does not reach so far.
        right = record.only_by_webhook and not kept and not codes
    if not right:
        found = [
            *(["stored"] if kept else []),
            *(["skipped"] if skipped else []),
            *(["on the menu"] if on_menu else []),
            *(f"quarantined as {code}" for code in sorted(map(str, codes))),
        ]
        yield f"{record} is {', '.join(found) or 'nowhere'}"


def in_quarantine(stored: Stored, names: Iterable[str]) -> dict[str, Fields]:
    """The documents in quarantine of the hostile records of these names."""
    pattern = re.compile(rf'"{MARK}"\s*:\s*"({"|".join(names)})"') if names else None
    documents = stored.documents("quarantine").items()
    return {k: q for k, q in documents if pattern and pattern.search(str(q.get("raw")))}


_short = reprlib.Repr()
_short.maxstring, _short.maxlist, _short.maxdict = 60, 2, 3

_Made = tuple[str, Fate, Record, float]
_Maker = Callable[[Random, str], _Made]


def _bad_id(dice: Random, kind: str) -> _Made:
    number = dice.randrange(1000)
    texts = (f"__h{number}__", "9" * 250, f"h/{number}", f"h{number}\ud800", "..", "")
    others = (True, [number], {"id": number})
    return "an id of no document", Fate.ACCOUNTED, {OWN_ID[kind]: dice.choice(texts + others)}, 0.0


def _wrong_type(dice: Random, kind: str) -> _Made:
    names = dice.sample(WRONG_FIELDS[kind], dice.choice((1, 1, 3)))
    return "wrong types", Fate.ACCOUNTED, {name: dice.choice(WRONG) for name in names}, 0.0


def _odd_email(dice: Random, kind: str) -> _Made:
    number = dice.randrange(1000)
    email = dice.choice((f"h{number}" + "x" * 3_000 + "@example.com", f"__h{number}@example.c__"))
    return "an e-mail that is no key", Fate.COUNTED, {"email": email}, 0.0


def _long_order(dice: Random, kind: str) -> _Made:
    line = {"id_item": 1, "id_inventory_item": 2001, "item": "A long name " * 8, "quantity": 1}
    return "9,000 lines", Fate.REFUSED, {"items": [line | {"price": 1.5}] * 9_000}, 0.0


def _soon(dice: Random, kind: str) -> _Made:
    return "dated in the future", Fate.COUNTED, {}, dice.uniform(0.2, 10)


def _far_ahead(dice: Random, kind: str) -> _Made:
    return "dated in the far future", Fate.REFUSED, {}, dice.choice((40, 400, 4000)) * 24.0


def _nameless(dice: Random, kind: str) -> _Made:
    return "nameless", Fate.OFF_THE_MENU, {"item": dice.choice(("", "   ", None))}, 0.0


_MAKERS: dict[str, tuple[_Maker, ...]] = {
    "customers": (_bad_id, _odd_email, _odd_email, _wrong_type),
    "orders": (_bad_id, _long_order, _soon, _far_ahead, _wrong_type, _wrong_type),
    "inventory": (_bad_id, _nameless, _wrong_type),
    "discounts": (_bad_id, _wrong_type),
}


def _customer(record: HostileRecord, org: Org, now: datetime) -> Record:
    template = next(filter(is_ordinary, org.dataset.customers))
    return {
        **template,
        "name_last": f"Hostile{record.number}",
        "email": f"hostile.{record.number}@example.com",
        "phone": "",
        "user_id": None,
    }


def _order(record: HostileRecord, org: Org, now: datetime) -> Record:
    table = org.dataset.orders
    template = next(o for o in table if is_ordinary(o) and o["type"] == "retail")
    created = now + timedelta(hours=record.hours_ahead or -1)
    buyer = next(filter(is_ordinary, org.dataset.customers))
    if record.fate is not Fate.COUNTED:
        buyer = _owner(org)
    named = {name: buyer[name] for name in ("id_customer", "name_first", "name_last", "email")}
    return {
        **template,
        **named,
        "phone": "",
        "user_id": None,
        "status": "completed",
        "total": 12.5,
        "date_created": local_text(created.astimezone(ZoneInfo(org.spec.timezone))),
        "date_updated": utc_text(now),
    }


def _owner(org: Org) -> Record:
    table = org.dataset.customers
    if found := next((c for c in table if c["id_customer"] == OWNER_ID), None):
        return found
    owner = {
        **next(customer for customer in table if is_ordinary(customer)),
        "id_customer": OWNER_ID,
        "name_last": "Owner",
        "email": "hostile.owner@example.com",
        "phone": "",
        "user_id": None,
    }
    table.put({MARK: "hostile-owner"} | owner)
    return owner


def _stock_row(record: HostileRecord, org: Org, now: datetime) -> Record:
    template = next(filter(is_ordinary, org.dataset.inventory))
    own = {"id_batch": FIRST_ID + record.number, "batch": f"H{record.number}"}
    return {**template, **own, "item": f"Hostile {record.number}", "metrc_package_label": None}
