"""What the POS is asked to make: once, whatever becomes of the answers."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from deploy.local.simulator.spec import OrgSpec
from shared.domain.write_back import NewCustomer, NewOrder, OrderLine
from shared.errors import Busy, ProviderError, ProviderRefused, RequestInvalid
from shared.services.write_back import WriteBack
from shared.store import locations, pos_writes
from shared.store.database import Database
from tests.emulator.environment import PRODUCTS_ONLY, Environment, SyncRunner
from tests.fakes import OffsetClock
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"
ADA = NewCustomer("Ada", "Quill", email="ada.quill@example.com", phone="(212) 555-0142")


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    """Only what it sells matters here."""
    return (PRODUCTS_ONLY,)


@pytest.fixture
def write_back(database: Database, clock: OffsetClock, environment: Environment) -> WriteBack:
    (location,) = locations.active_of(database, ORG)
    return WriteBack(database, environment.connector.open_writer(location), ORG, clock.now)


def customers(pos: SimulatedPos) -> list[str]:
    data = pos.data(ORG)["customers"]
    return [str(c["id_customer"]) for c in data if c["email"] == ADA.email]


def orders(pos: SimulatedPos) -> list[dict[str, object]]:
    return [order for order in pos.data(ORG)["orders"] if order.get("id_external")]


def an_order(pos: SimulatedPos) -> NewOrder:
    data = pos.data(ORG)
    rows = [row for row in data["inventory"] if row["available"] >= 2][:3]
    lines = tuple(
        OrderLine(str(row["id_batch"]), str(row["id_area"]), Decimal(quantity))
        for row, quantity in zip(rows, (1, 2, 1), strict=True)
    )
    return NewOrder(str(data["customers"][0]["id_customer"]), "1000", "pickup", lines)


# customers


def test_a_customer_is_made_and_comes_back_with_the_next_sync(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner, write_back: WriteBack
) -> None:
    made = write_back.create_customer("k1", ADA)

    assert customers(pos) == [made]
    sync.run(ORG)
    stored = store.document(f"tenants/{ORG}/customers/{made}")
    assert (stored["email"], stored["firstName"]) == (ADA.email, "Ada")


def test_the_same_key_never_makes_a_second_customer(
    pos: SimulatedPos, write_back: WriteBack
) -> None:
    made = [write_back.create_customer("k1", ADA) for _ in range(3)]

    assert customers(pos) == [made[0]]
    assert len(set(made)) == 1


@pytest.mark.parametrize("by", ["email", "phone"])
def test_a_customer_whose_answer_was_lost_is_found_again(
    pos: SimulatedPos, write_back: WriteBack, by: str
) -> None:
    # Given a POS that makes the customer and whose answer breaks off
    customer = ADA if by == "email" else replace(ADA, email=None)
    pos.fault("truncated_json", endpoint="writes", count=1)

    # When it is asked for, and then again
    with pytest.raises(ProviderError):
        write_back.create_customer("k1", customer)
    assert pos.calls(ORG)["writes"] == 1
    found = write_back.create_customer("k1", customer)

    # Then there is one
    last = pos.data(ORG)["customers"][-1]
    assert found == str(last["id_customer"])
    assert len(pos.data(ORG)["customers"]) == 5
    assert pos.calls(ORG)["writes"] == 1


def test_a_customer_that_was_never_made_is_made_at_the_second_try(
    pos: SimulatedPos, write_back: WriteBack
) -> None:
    pos.fault("server_error", endpoint="writes", count=1)

    with pytest.raises(ProviderError):
        write_back.create_customer("k1", ADA)
    assert customers(pos) == []
    made = write_back.create_customer("k1", ADA)

    assert customers(pos) == [made]


def test_a_pos_that_is_busy_is_asked_again_at_once(
    pos: SimulatedPos, write_back: WriteBack
) -> None:
    pos.fault("rate_limited", endpoint="writes", retryAfter=0, count=2)

    write_back.create_customer("k1", ADA)

    assert len(customers(pos)) == 1


def test_a_key_stands_for_one_thing_only(pos: SimulatedPos, write_back: WriteBack) -> None:
    write_back.create_customer("k1", ADA)

    with pytest.raises(RequestInvalid):
        write_back.create_customer("k1", replace(ADA, first_name="Bea"))

    assert len(customers(pos)) == 1


def test_of_many_at_once_one_makes_it(pos: SimulatedPos, write_back: WriteBack) -> None:
    def make(_: int) -> str:
        try:
            return write_back.create_customer("k1", ADA)
        except Busy:
            return "busy"

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(make, range(16)))

    assert len(customers(pos)) == 1
    assert answers <= {"busy", *customers(pos)}


def test_an_attempt_that_died_is_taken_up_when_its_time_is_over(
    database: Database, pos: SimulatedPos, clock: OffsetClock, write_back: WriteBack
) -> None:
    # Given an attempt that was never heard of again
    claim = pos_writes.claim(database, ORG, "customer/k1", content=repr(ADA), now=clock.now())
    assert claim.result is None
    with pytest.raises(Busy):
        write_back.create_customer("k1", ADA)

    # When its time is over
    clock.later += pos_writes.CLAIMED + timedelta(seconds=1)

    # Then another makes the customer
    assert customers(pos) == []
    assert [write_back.create_customer("k1", ADA)] == customers(pos)


# orders


def test_an_order_has_its_header_and_every_line(pos: SimulatedPos, write_back: WriteBack) -> None:
    wanted = an_order(pos)

    made = write_back.submit_order("k1", wanted)

    (order,) = orders(pos)
    assert str(order["id_order"]) == made
    assert order["id_external"] == f"{ORG}/k1"
    assert (order["type"], order["status"], order["complete"]) == ("pickup", "submitted", False)
    lines = order["items"]
    assert isinstance(lines, list)
    assert [(str(line["id_batch"]), line["qty"]) for line in lines] == [
        (line.batch_id, int(line.quantity)) for line in wanted.lines
    ]


@pytest.mark.parametrize("after", range(4), ids=["header", "line 1", "line 2", "line 3"])
@pytest.mark.parametrize("fault", ["truncated_json", "server_error"])
def test_an_order_broken_off_anywhere_is_finished_and_not_repeated(
    pos: SimulatedPos, write_back: WriteBack, after: int, fault: str
) -> None:
    # Given a POS that fails once on the way, before or after it did what it was asked
    wanted = an_order(pos)
    pos.fault(fault, endpoint="writes", after=after, count=1)

    # When the order is submitted until it stands
    with pytest.raises(ProviderError):
        write_back.submit_order("k1", wanted)
    made = write_back.submit_order("k1", wanted)
    assert write_back.submit_order("k1", wanted) == made

    # Then there is one order with each line once
    (order,) = orders(pos)
    lines = order["items"]
    assert isinstance(lines, list)
    assert [line["qty"] for line in lines] == [1, 2, 1]


def test_a_line_that_the_pos_refuses_leaves_the_order_unfinished_and_says_so(
    pos: SimulatedPos, write_back: WriteBack
) -> None:
    wanted = an_order(pos)
    too_many = replace(wanted.lines[1], quantity=Decimal(100_000))

    with pytest.raises(ProviderRefused):
        write_back.submit_order("k1", replace(wanted, lines=(wanted.lines[0], too_many)))

    assert len(orders(pos)) == 1


# discounts


def test_a_discount_is_given_once(pos: SimulatedPos, write_back: WriteBack) -> None:
    order_id = write_back.submit_order("k1", an_order(pos))
    pos.fault("truncated_json", endpoint="writes", count=1)

    with pytest.raises(ProviderError):
        write_back.apply_discount("k2", order_id, "2")
    for _ in range(2):
        write_back.apply_discount("k2", order_id, "2")

    (order,) = orders(pos)
    assert order["discounts"] == [{"id_discount": 2}]


def test_prices_and_stock_are_never_written(pos: SimulatedPos, write_back: WriteBack) -> None:
    before = pos.data(ORG)["inventory"]
    order_id = write_back.submit_order("k1", an_order(pos))
    write_back.apply_discount("k2", order_id, "1")

    assert pos.data(ORG)["inventory"] == before
    written = {name for name in dir(type(write_back.pos)) if not name.startswith("_")}
    assert written == {
        *("create_customer", "find_customer", "open_order", "find_order", "add_line"),
        *("give_discount", "placed"),
    }
