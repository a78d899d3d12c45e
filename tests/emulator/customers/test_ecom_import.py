"""Orders of the web shop are imported, and each counts once, whichever of export and sale comes
first."""

import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from google.cloud.firestore import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from shared.bus.messages import ComputeSpending
from shared.domain.customers import Customer
from shared.domain.spending import fold
from shared.errors import InvalidMessage
from shared.pos.lightspeed.ecom_export import BadRow
from shared.services.ecom import linking
from shared.services.ecom.importing import EcomImport, ImportUnderWay
from shared.store import loyalty, orders
from tests.ecom_export import ExportedLine, ExportedOrder
from tests.emulator.customers.web_shop import (
    ShopModel,
    WebShop,
    cancelled,
    customer,
    sale,
    store,
)
from tests.fakes import DatabaseFailingAtPath

ADA = customer("c1", "ada@example.com", "+15185550123")
NOOR = customer("c2", "noor@example.com", "+15185550188")
LONG = bool(os.environ.get("LONG"))
EXAMPLES = 100 if LONG else 3
MANY = 700 if LONG else 234
"""More than are looked up one by one: of limits that are a third of what they are, except in the
long form."""


@pytest.fixture
def web_shop(client: Client) -> WebShop:
    return WebShop(client)


def order(number: int, cents: int = 40_00, **fields: Any) -> ExportedOrder:
    """An order of Ada's."""
    return replace(ExportedOrder(number).costing(cents), **fields)


def test_an_export_counts_before_any_sale_has_come(web_shop: WebShop) -> None:
    # Given
    web_shop.sync([ADA, NOOR])
    two_lines = order(2, lines=(ExportedLine(price=5_00), ExportedLine(price=7_00)), tax=1_00)
    # When
    report = web_shop.import_(
        order(1),
        two_lines,
        order(3, payment="Refunded"),
        order(4, payment="Awaiting Payment"),
        order(5, payment="Canceled"),
        order(7, email="", phone="(518) 555-0188"),
    )
    # Then
    assert (web_shop.cents("c1"), web_shop.cents("c2")) == (53_00, 40_00)
    assert (report.created, report.unmatched, report.superseded) == (6, 0, 0)
    stored = web_shop.order(2)
    assert (stored["total"], len(stored["items"]), stored["status"]) == (13.0, 2, "completed")
    assert (stored["channel"], stored["source"], stored["ecomNumber"]) == ("ecom", "ecom", "2")
    assert web_shop.figures() == {
        "imported": 6,
        "superseded": 0,
        "waiting": 6,
        "unmatched": 0,
        "missing": 1,
        "differing": 0,
    }


def test_a_second_import_of_the_same_orders_writes_none_and_asks_for_nothing(
    web_shop: WebShop,
) -> None:
    # Given
    web_shop.sync([ADA])
    web_shop.import_(*(order(number) for number in range(1, 60)))
    web_shop.compute()
    meter = web_shop.database.meter
    reads, writes = meter.reads, meter.writes
    # When
    report = web_shop.import_(*(order(number) for number in range(1, 60)))
    # Then: the lease, who was erased, and the fingerprints of one block
    assert (report.unchanged, report.created, report.updated) == (59, 0, 0)
    assert (meter.reads - reads, meter.writes - writes) == (4, 2)
    assert web_shop.requests.take() == []


def test_what_an_overlapping_export_says_anew_is_all_that_is_written(web_shop: WebShop) -> None:
    web_shop.sync([ADA])
    web_shop.import_(order(1), order(2), order(3))
    report = web_shop.import_(order(2), order(3, payment="Refunded"), order(4, 10_00))
    assert (report.created, report.updated, report.unchanged) == (1, 1, 1)
    assert web_shop.cents("c1") == 90_00


def test_a_sale_that_comes_later_takes_the_orders_place(web_shop: WebShop) -> None:
    # Given
    web_shop.sync([ADA])
    web_shop.import_(order(1), order(2), order(3, sale_id="s3"))
    assert web_shop.cents("c1") == 120_00
    # When: one names the number, one is named by the export
    web_shop.sync([], [sale("s2", "c1", 40_00, number="2"), sale("s3", "c1", 41_00)])
    # Then
    assert web_shop.cents("c1") == 121_00
    assert [web_shop.order(n).get("supersededBy") for n in (1, 2, 3)] == [
        None,
        "lightspeed_s2",
        "lightspeed_s3",
    ]
    figures = web_shop.figures()
    assert (figures["superseded"], figures["waiting"], figures["differing"]) == (2, 1, 1)
    known = orders.spending_of(web_shop.database, web_shop.org_id, "c1")
    points = loyalty.orders_of(web_shop.database, web_shop.org_id, ["c1"])["c1"]
    assert known.total_cents == fold(points.values()).total_cents == 121_00
    assert known.order_count == 3


def test_a_sale_that_came_first_keeps_the_order_from_counting(web_shop: WebShop) -> None:
    web_shop.sync(
        [ADA],
        [
            sale("s1", "c1", 40_00, number="1"),
            sale("s2", "c1", 40_00),
            sale("r", "c1", -5_00, number="3"),
        ],
    )
    report = web_shop.import_(order(1), order(2, sale_id="s2"), order(3))
    assert web_shop.cents("c1") == 40_00 + 40_00 + 40_00 - 5_00
    assert (report.superseded, web_shop.order(3).get("supersededBy")) == (2, None)


def test_what_takes_the_place_of_an_order_keeps_it_though_it_be_removed(web_shop: WebShop) -> None:
    # Given: the till knows best what became of the money
    web_shop.sync([ADA])
    web_shop.import_(order(1))
    sold = sale("s1", "c1", 40_00, number="1")
    web_shop.sync([], [sold])
    # When
    web_shop.sync([], [cancelled(sold)])
    now = web_shop.clock.now()
    gone = orders.mark_removed(web_shop.org_id, "lightspeed_s1", run_id="run", now=now)
    web_shop.database.commit([gone])
    web_shop.import_(order(1, payment="Awaiting Payment"))
    web_shop.import_(order(1))
    # Then
    assert web_shop.cents("c1") == 0
    assert web_shop.order(1)["supersededBy"] == "lightspeed_s1"


def test_an_order_without_a_customer_waits_until_there_is_one(web_shop: WebShop) -> None:
    # Given
    web_shop.sync([ADA])
    by_phone = order(2, email="", phone="518-555-0188")
    report = web_shop.import_(order(1, email="Noor@Example.com"), by_phone, order(3, email=""))
    assert (report.unmatched, web_shop.figures()["unmatched"]) == (3, 3)
    assert web_shop.skipped() == {"ecom_1", "ecom_2", "ecom_3"}
    assert web_shop.document("skipped_orders/ecom_2")["reason"] == "unknown_phone"
    assert "customerId" not in web_shop.order(1)
    # When
    web_shop.sync([NOOR])
    # Then
    assert web_shop.cents("c2") == 80_00
    assert (web_shop.figures()["unmatched"], web_shop.skipped()) == (1, {"ecom_3"})
    assert web_shop.document("customers/c3") == {}


def test_an_export_before_the_first_sync_ends_as_after_it(
    web_shop: WebShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("KEYS_LOOKED_UP", "WAITING_AT_ONCE"):
        monkeypatch.setattr(linking, limit, getattr(linking, limit) // (1 if LONG else 3))
    everybody = range(1, MANY)
    web_shop.import_(*(order(number, email=f"p{number}@example.com") for number in everybody))
    people = [customer(f"c{number}", f"p{number}@example.com") for number in everybody]
    web_shop.sync(people[: MANY // 2], [sale("s9", "c9", 41_00, number="9")])
    web_shop.sync(people[MANY // 2 :])
    assert [web_shop.cents(f"c{number}") for number in (1, 9, MANY - 1)] == [40_00, 41_00, 40_00]
    assert web_shop.figures()["unmatched"] == 0


def test_one_run_brings_both_the_customer_and_the_sale_of_an_order_that_waits(
    web_shop: WebShop,
) -> None:
    # Given
    web_shop.sync([NOOR])
    web_shop.import_(order(1), order(2, 25_00, sale_id="s2"), order(3, 15_00))
    web_shop.sync()
    assert web_shop.figures()["unmatched"] == 3
    # When: both are looked for at once
    web_shop.sync([ADA], [sale("s1", "c1", 41_00, number="1"), sale("s2", "c1", 25_00)])
    # Then
    stored = [web_shop.order(number) for number in (1, 2, 3)]
    states = [each["ecomState"] for each in stored]
    assert states == ["superseded", "superseded", "waiting"]
    assert {each["customerId"] for each in stored} == {"c1"}
    assert web_shop.cents("c1") == 41_00 + 25_00 + 15_00
    assert web_shop.skipped() == set()
    figures = web_shop.figures()
    assert (figures["superseded"], figures["waiting"], figures["unmatched"]) == (2, 1, 0)


def test_a_sync_that_began_before_the_import_misses_nothing_for_longer_than_one_run(
    web_shop: WebShop,
) -> None:
    # Given: a run that knows of no import
    opened, session = web_shop.session()
    with opened, session:
        store(session, [ADA], [])
        session.checkpoint()
        web_shop.import_(order(1), order(2, email=NOOR.email), order(3, sale_id="s3"))
        # When: it stores what the import looked for in vain
        store(session, [NOOR], [sale("s1", "c1", 40_00, number="1"), sale("s3", "c1", 40_00)])
        session.end()
    web_shop.sync()
    # Then
    assert (web_shop.cents("c1"), web_shop.cents("c2")) == (80_00, 40_00)


def test_a_worker_that_dies_behind_a_superseded_order_leaves_no_spending_behind(
    web_shop: WebShop,
) -> None:
    # Given: the web shop knows another buyer than the till
    web_shop.sync([ADA, NOOR])
    web_shop.import_(order(1))
    assert web_shop.cents("c1") == 40_00
    sold = sale("s1", "c2", 40_00, number="1")

    def dies_before_spending_is_asked_for() -> None:
        opened, session = web_shop.session("dying")
        with opened, session:
            store(session, [], [sold])
            session.flush()
            session.store(session.ecom.look().writes)
            session.flush()
            raise ConnectionError

    # When
    with pytest.raises(ConnectionError):
        dies_before_spending_is_asked_for()
    web_shop.sync([], [sold], run_id="dying")
    # Then
    assert (web_shop.cents("c1"), web_shop.cents("c2")) == (0, 40_00)


def test_an_order_that_moves_to_another_customer_leaves_the_first(web_shop: WebShop) -> None:
    web_shop.sync([ADA, NOOR])
    web_shop.import_(order(1))
    assert web_shop.cents("c1") == 40_00
    web_shop.import_(order(1, email=NOOR.email))
    assert (web_shop.cents("c1"), web_shop.cents("c2")) == (0, 40_00)


@pytest.mark.parametrize("known", [(), (NOOR,)], ids=["together", "one after the other"])
def test_an_e_mail_takes_precedence_over_a_number_whoever_is_stored_first(
    web_shop: WebShop, known: tuple[Customer, ...]
) -> None:
    # Given an order with the number of one customer, and the e-mail of another who comes later
    late = customer("c9", "x@example.com")
    web_shop.sync(known or [NOOR, late])
    web_shop.import_(order(1, email="x@example.com", phone=NOOR.phone))

    # When
    web_shop.sync([late])

    # Then
    assert (web_shop.cents("c2"), web_shop.cents("c9")) == (0, 40_00)


@pytest.mark.parametrize("known", [(), (ADA,)], ids=["together", "one after the other"])
def test_of_several_with_an_e_mail_it_is_the_first_by_id_whoever_is_stored_first(
    web_shop: WebShop, known: tuple[Customer, ...]
) -> None:
    late = customer("c0", ADA.email)
    web_shop.sync(known or [ADA, late])
    web_shop.import_(order(1))
    web_shop.sync([late])

    assert (web_shop.cents("c0"), web_shop.cents("c1")) == (40_00, 0)


def test_a_number_that_twenty_one_customers_have_identifies_none(web_shop: WebShop) -> None:
    web_shop.sync([customer(f"c{n}", f"p{n}@example.com", "+15185550123") for n in range(21)])
    report = web_shop.import_(order(1, email="", phone="+15185550123"))
    assert report.unmatched == 1


def test_a_dry_run_says_what_would_be_and_writes_nothing(web_shop: WebShop) -> None:
    web_shop.sync([ADA], [sale("s1", "c1", 40_00, number="1")])
    writes = web_shop.database.meter.writes
    report = web_shop.import_(order(1), order(2, email="x@example.com"), dry_run=True)
    assert (report.created, report.superseded, report.unmatched) == (2, 1, 1)
    assert web_shop.database.meter.writes == writes
    assert web_shop.order(1) == {}


def test_an_import_that_dies_is_simply_run_again(web_shop: WebShop) -> None:
    # Given: it dies as it keeps the fingerprints
    web_shop.sync([ADA, NOOR])
    web_shop.import_(order(1))
    web_shop.compute()
    path = f"tenants/{web_shop.org_id}/sync_manifests/ecom-0"
    dying = DatabaseFailingAtPath(web_shop.client, path)
    whole = web_shop.importer
    web_shop.importer = EcomImport(dying, web_shop.requests, web_shop.clock.now)
    changed = [order(1, email=NOOR.email), order(2)]
    with pytest.raises(ConnectionError):
        web_shop.import_(*changed)
    # When
    web_shop.importer = whole
    report = web_shop.import_(*changed)
    # Then
    assert (report.created, report.updated) == (0, 2)
    assert (web_shop.cents("c1"), web_shop.cents("c2")) == (40_00, 40_00)


def test_one_import_at_a_time(web_shop: WebShop) -> None:
    web_shop.sync([ADA])

    def while_it_reads() -> Iterator[BadRow]:
        with pytest.raises(ImportUnderWay):
            web_shop.import_(order(2))
        yield BadRow(2, 2, "done")

    web_shop.importer(web_shop.org_id, while_it_reads(), web_shop.bad_rows.append)
    assert [row.message for row in web_shop.bad_rows] == ["done"]


def test_an_org_that_is_unknown_is_refused(client: Client) -> None:
    shop = WebShop(client)
    shop.org_id = "org_nobody"
    for dry_run in (False, True):
        with pytest.raises(InvalidMessage):
            shop.import_(order(1), dry_run=dry_run)


def test_many_customers_are_computed_by_one_request(web_shop: WebShop) -> None:
    people = [customer(f"c{n}", f"p{n}@example.com") for n in range(300)]
    web_shop.sync(people)
    web_shop.compute()
    web_shop.import_(*(order(n, email=f"p{n}@example.com") for n in range(300)))
    asked = [each for each in web_shop.requests.messages if isinstance(each, ComputeSpending)]
    assert [message.customer_ids for message in asked] == [None]
    assert web_shop.cents("c299") == 40_00


def test_imported_orders_ask_for_no_recompute_one_by_one(web_shop: WebShop) -> None:
    """The trigger leaves alone what bears a new run."""
    web_shop.sync([ADA])
    web_shop.import_(order(1))
    first = web_shop.order(1)["syncRunId"]
    web_shop.import_(order(1, 41_00))
    assert web_shop.order(1)["syncRunId"] != first


class CountedOnce(RuleBasedStateMachine):
    """Exports, late sales and late customers in any order: spending is as in the model."""

    client: Client

    @initialize()
    def open_shop(self) -> None:
        self.shop = WebShop(self.client, f"org_{uuid.uuid4().hex}")
        self.model = ShopModel()

    @rule(
        numbers=st.sets(st.integers(1, 6), min_size=1),
        cents=st.sampled_from([10_00, 25_00]),
        payment=st.sampled_from(["Paid", "Paid", "Refunded", "Awaiting Payment"]),
        buyer=st.sampled_from([ADA.email, NOOR.email, "nobody@example.com", NOOR.phone]),
        named=st.booleans(),
        twice=st.booleans(),
    )
    def import_(
        self, numbers: set[int], cents: int, payment: str, buyer: str, named: bool, twice: bool
    ) -> None:
        email, phone = (buyer, "") if "@" in buyer else ("", buyer)
        exported = [
            order(
                number,
                cents,
                payment=payment,
                email=email,
                phone=phone,
                sale_id=f"s{number}" if named else "",
            )
            for number in sorted(numbers)
        ]
        for _ in range(1 + twice):
            self.shop.import_(*exported)
        self.model.exported |= {each.number: each for each in exported}
        self.model.settle()

    @rule(person=st.sampled_from([ADA, NOOR]))
    def customer_appears(self, person: Any) -> None:
        self.shop.sync([person])
        self.model.customers[person.id] = person

    @rule(
        number=st.integers(1, 6),
        person=st.sampled_from([ADA, NOOR]),
        cents=st.sampled_from([10_00, 25_00]),
        numbered=st.booleans(),
        voided=st.booleans(),
    )
    def sale_arrives(
        self, number: int, person: Any, cents: int, numbered: bool, voided: bool
    ) -> None:
        sold = sale(f"s{number}", person.id, cents, number=str(number) if numbered else None)
        sold = cancelled(sold) if voided else sold
        self.shop.sync([person], [sold])
        self.model.customers[person.id] = person
        self.model.sales[sold.external_id] = sold
        self.model.settle()

    @rule(
        number=st.integers(1, 6),
        person=st.sampled_from([ADA, NOOR]),
        numbered=st.booleans(),
        before=st.booleans(),
    )
    def import_while_a_sync_runs(
        self, number: int, person: Any, numbered: bool, before: bool
    ) -> None:
        """The sync stores the sale before the import, which it does not know of, or after it."""
        sold = sale(f"s{number}", person.id, 15_00, number=str(number) if numbered else None)
        exported = order(number, 15_00, email=person.email, sale_id=f"s{number}")
        opened, session = self.shop.session()
        with opened, session:
            store(session, [person], [sold] if before else [])
            session.checkpoint()
            self.shop.import_(exported)
            store(session, [], [] if before else [sold])
            session.end()
        self.shop.sync()
        self.model.customers[person.id] = person
        self.model.sales[sold.external_id] = sold
        self.model.exported[number] = exported
        self.model.settle()

    @invariant()
    def everybody_has_spent_what_the_model_says(self) -> None:
        if not hasattr(self, "shop"):
            return
        for person in self.model.customers:
            assert self.shop.cents(person) == self.model.cents_of(person), person
        figures = self.shop.figures()
        if self.model.exported:
            assert figures["imported"] == len(self.model.exported)
            assert figures["superseded"] == len(self.model.superseded)


def test_every_order_counts_once_in_any_order_of_events(client: Client) -> None:
    CountedOnce.client = client
    run_state_machine_as_test(
        CountedOnce,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
