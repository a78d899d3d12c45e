"""Whole replies of a POS in which any field of any record may be anything: one bad record stops
nobody.

An example is one hostile record. FUZZ_CASES=5000 (``make fuzz``) is the long form.
"""

import itertools
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.bus.messages import STREAMS
from shared.clock import utc_now
from shared.domain.discounts import is_over
from shared.pos.alleaves import catalogue
from shared.pos.alleaves.orders import to_customer, to_order
from shared.pos.config import Location
from shared.pos.port import PosClient, Rejected
from shared.services.sync.commands import SyncRecords
from shared.store import quarantine
from shared.store.database import Database
from tests.emulator.environment import Environment, SyncRunner
from tests.emulator.sync.hostile_pos import LOCATION, NAMED, ZONE, HostilePos, Row
from tests.fakes import RecordingPublisher
from tests.stored import MENU, StoredDocuments
from tests.unit.pos.alleaves import rows

CASES = int(os.environ.get("FUZZ_CASES", "200"))
PER_REPLY = {"customers": 18, "orders": 22, "stock": 18, "discounts": 8, "named": 6}
"""Hostile records of one round. They stay below 5 % of each listing: from there on it is the POS
that is wrong."""
FRESH = 4
"""Faultless new records beside them in each round."""
KNOWN = {"customers": 420, "orders": 520, "stock": 420, "discounts": 12}
SECONDS = 60 + CASES // 15
ORG = "org_fuzz"
VICTIM = 100_000
"""The customer of all hostile orders."""


@dataclass(frozen=True)
class Long:
    """A text that is too long to be printed with a failure."""

    character: str
    length: int


VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 7, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**40, 10**400),
    *(0.1, -0.0, 1e-320, 1e308, 1.5e9, float("nan"), float("inf"), float("-inf")),
    *(
        "",
        " ",
        "\u200b",
        "\x00",
        "a\x00b",
        "\ud800",
        "\udfff\ud800",
        "😀",
        "ü" * 90,
        "NaN",
        "Infinity",
    ),
    *("-1", "1e-999999", "1e999999", "1_0", "٣", "0x10", "12.345", "1,000", "true", "null"),
    *(
        "__x__",
        "____",
        "__name__",
        ".",
        "..",
        "a/b",
        "../x",
        "?1",
        "raw-1",
        "a\tb",
        "%2F",
        "#",
        "$ref",
    ),
    *(
        "x" * 199,
        "x" * 200,
        "x" * 201,
        Long("x", 1_600),
        Long("x", 5_000),
        Long("é", 2_000),
        Long("x", 300_000),
    ),
    *("0001-01-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"),
    *("2026-02-30", "1969-12-31", "3026-01-01T00:00:00Z", "2026-01-01T00:00:00+99:00", "24:00"),
    *([], [[]], {}, {"__x__": 1}, {"": ""}, [None], [True, {}], ["\ud800"], {"a": {"b": [1] * 50}}),
    *([{"item": "x" * 5_000}], [{"id_item": "__x__", "quantity": "NaN", "price": "\ud800"}]),
    *({"categories": ["\ud800"], "products": [True, None, "__x__"], "min_qty": "1e-999999"},),
    *({"brands": "x", "min_total": -1}, {"min_qty": [], "customer_types": {"a": "adult_use"}}),
    *([{"compound": "THC %", "result": "1e-999999"}], [{"compound": "THC %", "result": []}]),
)
MISSING = object()

values = st.sampled_from([*VALUES, MISSING]) | st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=3,
)


def hostile(
    template: Row,
) -> st.SearchStrategy[dict[str, Any]]:
    """Changes of one to three fields of a row."""
    allowed = sorted(template)
    ids = [name for name in allowed if name.startswith("id_")]
    names = st.sampled_from(ids) | st.sampled_from(allowed)
    return st.dictionaries(names, values, min_size=1, max_size=3)


DISCOUNT: Row = {
    "id_discount": 1,
    "name": "Vapes",
    "discount_type": "percent",
    "discount_value": 10,
    "start_date": "2020-01-01",
    "end_date": None,
    "active": True,
    "conditions": {"categories": ["None of ours"], "brands": [], "products": []},
    "badge_text": None,
    "priority": 1,
}
NAME: Row = {"id_brand": 1, "brand": "Sample Brand", "name": None, "id": None}
ROUND = st.fixed_dictionaries(
    {
        kind: st.lists(changes, min_size=PER_REPLY[kind], max_size=PER_REPLY[kind])
        for kind, changes in {
            "customers": hostile(rows.customer(user_id=None)),
            "orders": hostile(rows.order(user_id=None, email=None)),
            "stock": hostile(rows.stock()),
            "discounts": hostile(DISCOUNT),
            "named": hostile(NAME),
        }.items()
    }
)


def changed(row: Row, changes: dict[str, Any]) -> Row:
    return {
        name: value.character * value.length if isinstance(value, Long) else value
        for name, value in {**row, **changes}.items()
        if value is not MISSING
    }


class Shop:
    """What the POS lists: faultless records, and their own figures kept beside."""

    def __init__(self) -> None:
        self.pos = HostilePos()
        self.customers: list[Row] = []
        self.orders: list[Row] = []
        self.stock: list[Row] = []
        self.numbers = itertools.count(1)
        self.customers.append(self.customer(0))
        self.discounts = [
            {**DISCOUNT, "id_discount": 100 + number} for number in range(KNOWN["discounts"])
        ]
        self.grow(KNOWN["customers"], KNOWN["orders"], KNOWN["stock"])

    def grow(self, customers: int, orders: int, stock: int) -> None:
        """New faultless records."""
        for _ in range(customers):
            self.customers.append(self.customer(next(self.numbers)))
        for _ in range(orders):
            number = next(self.numbers)
            buyer = self.customers[number % len(self.customers)]["id_customer"]
            self.orders.append(self.order(number, buyer))
        for _ in range(stock):
            self.stock.append(self.stock_row(next(self.numbers)))

    def customer(self, number: int) -> Row:
        key = 100_000 + number
        contact = {"email": f"person{key}@example.com", "phone": None, "user_id": f"user-{key}"}
        return rows.customer(id_customer=key, name_first=f"Ida {key}", **contact)

    def order(self, number: int, buyer: object) -> Row:
        now = utc_now().isoformat()
        total = f"{10 + number % 90}.{number % 100:02}"
        stamps = {"date_created": now, "date_updated": now, "email": None, "phone": None}
        return rows.order(id_order=500_000 + number, id_customer=buyer, total=total, **stamps)

    def stock_row(self, number: int) -> Row:
        return rows.stock(id_item=300_000 + number, id_batch=400_000 + number, date_expire=None)

    def victims(self, found: dict[str, list[dict[str, Any]]]) -> dict[str, list[Row]]:
        """Hostile records, the same ones in each round unless it is their ids that are odd. The
        first of each kind is listed twice."""
        makers: dict[str, Callable[[int], Row]] = {
            "customers": lambda number: self.customer(-number),
            "orders": lambda number: self.order(-number, VICTIM if number % 2 else None),
            "stock": lambda number: self.stock_row(-number),
            "discounts": lambda number: {**DISCOUNT, "id_discount": number},
            "named": lambda number: NAME,
        }
        made = {
            kind: [changed(make(number), c) for number, c in enumerate(found[kind], start=1)]
            for kind, make in makers.items()
        }
        return {kind: [*odd, odd[0]] for kind, odd in made.items()}

    def list(self, odd: dict[str, list[Row]]) -> None:
        """Have the POS list it all, the hostile records among the others."""
        pos = self.pos
        pos.customer_rows = [*self.customers[:-FRESH], *odd["customers"], *self.customers[-FRESH:]]
        total = {"total_rows": len(odd["orders"]) + len(self.orders)}
        pos.order_rows = [*odd["orders"], *({**row, **total} for row in reversed(self.orders))]
        pos.stock = [*self.stock[:50], *odd["stock"], *self.stock[50:]]
        pos.lists = {f"/inventory/{kind}": [{kind: "Ours"}, *odd["named"]] for kind in NAMED}
        pos.lists["/discount"] = [*self.discounts, *odd["discounts"]]
        place = {"id_location": int(LOCATION), "location": "Main Street", "license": "SIM-1"}
        fields = [{**place, **row, "id_location": 1000} for row in odd["named"]]
        pos.lists["/location"] = [{**odd["stock"][0], **odd["named"][0]}, place, *fields]
        batches = {f"/inventory/batch/{row['id_batch']}": row for row in self.stock}
        look_ups = dict(zip(batches, itertools.cycle(odd["stock"]), strict=False))
        pos.records = {path: look_ups[path] for path in batches}


def as_sent(row: Row) -> Row:
    sent: Row = json.loads(json.dumps(row))
    return sent


def traces(odd: dict[str, list[Row]]) -> Iterator[tuple[str, ...]]:
    """For each hostile record the documents of which one must exist."""
    tenant = f"tenants/{ORG}"
    for row in map(as_sent, odd["customers"]):
        yield of_record(
            "customers", to_customer(row, ZONE), lambda c: [f"{tenant}/customers/{c.id}"]
        )
    for row in map(as_sent, odd["orders"]):
        yield of_record(
            "orders",
            to_order(row, ZONE, LOCATION, now=utc_now()),
            lambda o: [f"{tenant}/orders/{o.id}", f"{tenant}/skipped_orders/{o.id}"],
        )
    for row in map(as_sent, odd["stock"]):
        yield of_record(
            "products",
            catalogue.to_inventory_row(row, LOCATION),
            lambda r: [f"{tenant}/{MENU}/{r.item_id}", f"{tenant}/quarantine/products_{r.item_id}"],
        )
    discounts = [catalogue.to_discount(row, ZONE) for row in map(as_sent, odd["discounts"])]
    # Of two under one id the last counts: where that one is over, none is stored.
    last = {d.id: d for d in discounts if not isinstance(d, Rejected)}
    for mapped in discounts:
        if isinstance(mapped, Rejected) or not is_over(last[mapped.id], utc_now()):
            yield of_record("discounts", mapped, lambda d: [f"{tenant}/discounts/{d.id}"])


def of_record(
    stream: str, mapped: Any, documents: Callable[[Any], Sequence[str]]
) -> tuple[str, ...]:
    if isinstance(mapped, Rejected):
        kept = f"tenants/{ORG}/quarantine/{stream}_{quarantine.key_of(mapped)}"
        # Of two records of a page under one id the last counts.
        others = (stream, "skipped_orders") if mapped.record_id and stream == "orders" else ()
        return (kept, *(f"tenants/{ORG}/{name}/{mapped.record_id}" for name in others))
    key = getattr(mapped, "id", None)
    return (*documents(mapped), *([f"tenants/{ORG}/quarantine/{stream}_{key}"] if key else []))


def check_traces(database: Database, odd: dict[str, list[Row]]) -> None:
    wanted = list(traces(odd))
    found = database.get_all(sorted({path for paths in wanted for path in paths}), ["orgId", "id"])
    for paths in wanted:
        assert any(found[path].exists for path in paths), paths


def check_others(store: StoredDocuments, shop: Shop, newest: int | None) -> None:
    """The faultless records are all stored, with the right fields: the newest, or all."""
    first = 0 if newest is None else -newest
    tenant = f"tenants/{ORG}"
    whole = {
        name: store.documents(f"{tenant}/{name}") if newest is None else {}
        for name in ("customers", "orders", MENU)
    }

    def read(name: str, key: object) -> dict[str, Any]:
        known = whole[name].get(str(key))
        return store.document(f"{tenant}/{name}/{key}") if known is None else known

    for row in shop.customers[first:]:
        stored = read("customers", row["id_customer"])
        assert (stored["email"], stored["firstName"]) == (row["email"], row["name_first"])
    for row in shop.orders[first:]:
        stored = read("orders", f"alleaves_{row['id_order']}")
        assert (stored["customerId"], stored["total"]) == (
            str(row["id_customer"]),
            float(row["total"]),
        )
        assert len(stored["items"]) == 1
    for row in shop.stock[first:]:
        stored = read(MENU, row["id_item"])
        assert (stored["name"], stored["quantity"], stored["price"]) == (
            "Sample Vape 1g",
            10,
            39.55,
        )


def check_spending(store: StoredDocuments, shop: Shop) -> None:
    """What each has spent, counted again from the POS's own rows."""
    spent: defaultdict[object, list[Decimal]] = defaultdict(list)
    for row in shop.orders:
        spent[row["id_customer"]].append(Decimal(row["total"]))
    stored = store.documents(f"tenants/{ORG}/customers")
    for row in shop.customers:
        customer_id = row["id_customer"]
        if customer_id == VICTIM:
            continue
        fields, totals = stored[str(customer_id)], spent[customer_id]
        assert fields["orderCount"] == len(totals), customer_id
        assert fields["totalSpent"] == float(sum(totals)), customer_id


@pytest.fixture
def shop(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The org, at a POS that may answer anything."""
    shop = Shop()
    location: dict[str, Any] = environment.server.locations()[0]["document"]
    config = {**location["posConfig"], "locationId": LOCATION}
    environment.client.document("locations/fuzz").set(
        {**location, "orgId": ORG, "posConfig": config}
    )
    client = shop.pos.client

    def open_pos(_: Location) -> PosClient:
        return client

    monkeypatch.setattr(environment.connector, "open", open_pos)
    return shop


@pytest.mark.timeout(SECONDS + 120)
def test_whatever_a_record_holds_it_is_stored_or_reported_and_all_others_are_stored(
    environment: Environment, shop: Shop, report_figure: Callable[[str], None]
) -> None:
    # Given an org of faultless records
    sync, spending, store = environment.sync, environment.spending, environment.store
    shop.list({kind: [NAME] if kind == "named" else [] for kind in PER_REPLY} | {"stock": [{}]})
    assert sync.run(ORG)["state"] == "partial"
    spending.compute_requested()
    tried: list[int] = []
    failures: list[Exception] = []

    @settings(
        max_examples=ceil(CASES / sum(PER_REPLY.values())),
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
        deadline=None,
        database=None,
    )
    @given(ROUND)
    def one_round(found: dict[str, list[dict[str, Any]]]) -> None:
        if failures:  # the org is not what it was: what failed first is what failed
            raise failures[0]
        odd = shop.victims(found)
        shop.grow(FRESH, FRESH, FRESH)
        shop.list(odd)
        try:
            sync_and_check(environment, shop, odd)
        except Exception as error:
            failures.append(error)
            raise
        tried.append(sum(map(len, found.values())))

    one_round()

    # And nothing of it has changed the others
    check_others(store, shop, None)
    check_spending(store, shop)
    report_figure(f"{sum(tried)} hostile records, every run ended")
    assert sum(tried) >= CASES


def sync_and_check(environment: Environment, shop: Shop, odd: dict[str, list[Row]]) -> None:
    # When the org is synced, and single records are asked for
    run = environment.sync.run(ORG, streams=STREAMS)
    ask_for_records(environment.sync, shop, odd)
    environment.spending.compute_requested()

    # Then the run has ended, each hostile record can be accounted for, the others are stored
    assert run["state"] in ("succeeded", "partial"), run
    assert run["errors"] == []
    check_traces(environment.database, odd)
    check_others(environment.store, shop, FRESH)


def ask_for_records(sync: SyncRunner, shop: Shop, odd: dict[str, list[Row]]) -> None:
    """Look-ups of single records, answered with hostile ones; each must end its run."""
    number = next(shop.numbers)
    shop.pos.records |= {"/customer/1": odd["customers"][1], "/order/1": odd["orders"][1]}
    command = SyncRecords(
        ORG,
        f"webhook-{number}",
        "webhook",
        customer_ids=frozenset({"1"}),
        order_ids=frozenset({"1"}),
        product_ids=frozenset(),
    )
    sync.targeted(RecordingPublisher())(command)
    assert sync.store.run(ORG, command.run_id)["state"] in ("succeeded", "partial")
