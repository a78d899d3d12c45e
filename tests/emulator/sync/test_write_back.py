"""What the POS is asked to make: once, whatever becomes of the answers."""

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Request
from google.cloud.firestore import Client
from werkzeug.test import Client as Browser

from deploy.local.simulator.spec import OrgSpec
from shared.bootstrap import manual_sync
from shared.bus.messages import PosSync
from shared.domain.write_back import NewCustomer, NewOrder, OrderLine
from shared.errors import (
    ConfigurationInvalid,
    CredentialsRejected,
    ProviderError,
    RequestInvalid,
    RetryLater,
    UnderWay,
)
from shared.services.admin.audit import Actor
from shared.services.sync.commands import SyncRecords, command_of
from shared.services.write_back import (
    OpenWriteBack,
    OutcomeUnknown,
    RefusedByPos,
    WriteBack,
)
from shared.store import pos_writes
from shared.store.database import Database
from shared.store.pos_writes import KeyReused
from shared.store.writes import Write
from tests.emulator.environment import (
    PRODUCTS_ONLY,
    Environment,
    OrgConfig,
    SyncRunner,
    hold_org,
)
from tests.emulator.functions import InProcess
from tests.fakes import FailingPublisher, OffsetClock, RecordingPublisher
from tests.simulated_pos import SimulatedPos, placed_order
from tests.stored import StoredDocuments

ORG = "org_test"
ACTOR = Actor("u1")
MAIN = "org_test-1000"
TWO_PLACES = PRODUCTS_ONLY.model_copy(update={"locations": 2})
ADA = NewCustomer("Ada", "Quill", email="ada.quill@example.com", phone="(212) 555-0142")


class DyingDatabase(Database):
    """The process ends at the commit of that number."""

    def __init__(self, client: Client, number: int) -> None:
        super().__init__(client)
        self._left = number

    def commit(self, writes: Iterable[Write]) -> datetime | None:
        self._left -= 1
        if not self._left:
            raise SystemExit
        return super().commit(writes)


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    """Only what it sells matters here."""
    return (PRODUCTS_ONLY,)


@pytest.fixture
def queue() -> RecordingPublisher:
    """Where what was made is asked for."""
    return RecordingPublisher()


@pytest.fixture
def open_account(
    database: Database, clock: OffsetClock, environment: Environment, queue: RecordingPublisher
) -> OpenWriteBack:
    return OpenWriteBack(database, environment.connector.open_account, queue, clock.now)


@pytest.fixture
def write_back(open_account: OpenWriteBack) -> WriteBack:
    return open_account(ORG, None, ACTOR)


def fetch(sync: SyncRunner, queue: RecordingPublisher) -> list[PosSync]:
    """Do what was asked for; the messages."""
    taken = [message for message in queue.take() if isinstance(message, PosSync)]
    for message in taken:
        command = command_of(message)
        assert isinstance(command, SyncRecords)
        sync.targeted(queue)(command)
    return taken


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


def test_a_customer_is_made_and_stored_at_once(
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
    queue: RecordingPublisher,
    write_back: WriteBack,
) -> None:
    made = write_back.create_customer("k1", ADA)

    assert customers(pos) == [made]
    (asked,) = fetch(sync, queue)
    assert (asked.customer_ids, asked.trigger) == ((made,), "manual")
    stored = store.document(f"tenants/{ORG}/customers/{made}")
    assert (stored["email"], stored["firstName"]) == (ADA.email, "Ada")
    (event,) = store.documents(f"tenants/{ORG}/webhook_events").values()
    assert (event["event"], event["state"]) == ("write_back", "done")


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

    with pytest.raises(KeyReused):
        write_back.create_customer("k1", replace(ADA, first_name="Bea"))

    assert len(customers(pos)) == 1


def test_of_many_at_once_one_makes_it(pos: SimulatedPos, write_back: WriteBack) -> None:
    def make(_: int) -> str:
        try:
            return write_back.create_customer("k1", ADA)
        except UnderWay:
            return "busy"

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(make, range(16)))

    assert len(customers(pos)) == 1
    assert answers <= {"busy", *customers(pos)}


def test_an_attempt_that_died_is_taken_up_when_its_time_is_over(
    database: Database, pos: SimulatedPos, clock: OffsetClock, write_back: WriteBack
) -> None:
    # Given an attempt that was never heard of again
    content = f"{MAIN} {ADA!r}"
    claim = pos_writes.claim(database, ORG, "customer/k1", content=content, now=clock.now())
    assert claim.result is None
    with pytest.raises(UnderWay):
        write_back.create_customer("k1", ADA)

    # When its time is over
    clock.later += pos_writes.CLAIMED + timedelta(seconds=1)

    # Then another makes the customer
    assert customers(pos) == []
    assert [write_back.create_customer("k1", ADA)] == customers(pos)


def test_a_customer_whose_answer_comes_too_late_is_found_again(
    pos: SimulatedPos, write_back: WriteBack
) -> None:
    # Given a POS that makes the customer and answers when nobody waits any more
    pos.fault("late_answer", endpoint="writes", seconds=3, count=1)

    # When / Then the caller is told what to do
    with pytest.raises(OutcomeUnknown, match=r"did not answer .* the same Idempotency-Key"):
        write_back.create_customer("k1", ADA)
    assert [write_back.create_customer("k1", ADA)] == customers(pos)


def test_refused_credentials_are_the_dispensarys_turn_and_leave_no_doubt(
    pos: SimulatedPos, open_account: OpenWriteBack, org_config: OrgConfig
) -> None:
    # Given
    password = org_config.location()["posConfig"]["password"]
    org_config.update_locations(password="wrong")
    with pytest.raises(CredentialsRejected, match="in the POS settings"):
        open_account(ORG, None, ACTOR).create_customer("k1", ADA)

    # When they are corrected
    org_config.update_locations(password=password)
    made = open_account(ORG, None, ACTOR).create_customer("k1", ADA)

    # Then it is made without a search
    assert customers(pos) == [made]
    assert "customers" not in pos.calls(ORG)


@pytest.mark.parametrize(("what", "dies_at"), [("customer", 2), ("order", 2), ("order", 3)])
def test_a_worker_that_dies_after_the_pos_did_it_leaves_nothing_to_be_done_twice(
    client: Client,
    clock: OffsetClock,
    pos: SimulatedPos,
    sync: SyncRunner,
    queue: RecordingPublisher,
    write_back: WriteBack,
    what: str,
    dies_at: int,
) -> None:
    # Given a worker that dies at a commit: of the order's header, or of the result
    wanted = an_order(pos)

    def make(account: WriteBack) -> str:
        if what == "customer":
            return account.create_customer("k1", ADA)
        return account.submit_order("k1", wanted)

    with pytest.raises(SystemExit):
        make(replace(write_back, database=DyingDatabase(client, dies_at)))

    # When the same is asked for, too early and then again
    with pytest.raises(UnderWay):
        make(write_back)
    clock.later += pos_writes.CLAIMED + timedelta(seconds=1)
    made = make(write_back)

    # Then it is there once, and is fetched
    found = customers(pos) if what == "customer" else [str(o["id_order"]) for o in orders(pos)]
    assert found == [made]
    (asked,) = fetch(sync, queue)
    assert made in (*(asked.customer_ids or ()), *(asked.order_ids or ()))


def test_a_key_is_forgotten_after_a_day(
    clock: OffsetClock, pos: SimulatedPos, write_back: WriteBack
) -> None:
    # Given
    made = write_back.create_customer("k1", ADA)
    clock.later = timedelta(hours=23)
    assert write_back.create_customer("k1", ADA) == made

    # When
    clock.later = timedelta(hours=25)
    again = write_back.create_customer("k1", ADA)

    # Then
    assert customers(pos) == [made, again]


# the door


def test_the_same_request_is_answered_the_same_and_nothing_personal_is_logged(
    client: Client,
    database: Database,
    pos: SimulatedPos,
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    claims = json.dumps({"role": "dispensary_admin", "orgId": ORG})
    headers = {"Authorization": f"Bearer {claims}", "Idempotency-Key": "k1"}
    body = {"firstName": ADA.first_name, "lastName": ADA.last_name, "email": ADA.email}

    with pytest.MonkeyPatch.context() as patch:
        functions = InProcess(client.project, database, patch)
        door = Browser(Request.application(functions.app(manual_sync)))  # type: ignore[arg-type]
        answers = [
            door.post("/api/pos/customers", json=each, headers=headers)
            for each in (body, body, {**body, "lastName": "Pen"})
        ]

    assert [answer.status_code for answer in answers] == [201, 201, 422]
    assert answers[0].json == answers[1].json
    assert answers[0].json == {"customerId": customers(pos)[0], "orgId": ORG, "locationId": "1000"}
    # Nothing has fetched it yet: each asks for the same run
    ((topic, message), *others) = functions.published
    assert isinstance(message, PosSync)
    assert (topic, message.customer_ids) == ("pos-sync", tuple(customers(pos)))
    assert others == [(topic, message)]
    said = capsys.readouterr().out.casefold()
    assert "pos_write_done" in said
    assert not [word for word in ("quill", "example.com", "k1") if word in said]


# what follows


def test_what_could_not_be_asked_for_is_asked_for_with_the_next_request_or_run(
    store: StoredDocuments, sync: SyncRunner, queue: RecordingPublisher, write_back: WriteBack
) -> None:
    # Given a queue that takes nothing
    deaf = replace(write_back, pos_sync=FailingPublisher(TimeoutError()))

    # When / Then the customer is made all the same
    made = deaf.create_customer("k1", ADA)
    assert queue.messages == []

    # and the same request, or the end of the next run, asks for it
    assert write_back.create_customer("k1", ADA) == made
    assert len(queue.take()) == 1
    sync.targeted(queue).catch_up(ORG)
    assert len(fetch(sync, queue)) == 1
    assert store.document(f"tenants/{ORG}/customers/{made}")

    # and then nobody
    write_back.create_customer("k1", ADA)
    assert queue.messages == []


def test_what_is_made_while_a_run_has_the_org_is_stored_after_it(
    database: Database,
    store: StoredDocuments,
    sync: SyncRunner,
    queue: RecordingPublisher,
    write_back: WriteBack,
) -> None:
    # Given a run under way, and a customer that is made meanwhile
    made = write_back.create_customer("k1", ADA)
    held = hold_org(database, ORG, "cron-1")
    fetch(sync, queue)
    assert store.documents(f"tenants/{ORG}/customers") == {}

    # When the run has ended
    held.end([])
    sync.targeted(queue).catch_up(ORG)

    # Then
    fetch(sync, queue)
    assert store.document(f"tenants/{ORG}/customers/{made}")


# locations


@pytest.mark.parametrize("specs", [(TWO_PLACES,)], ids=["two locations"])
def test_of_several_locations_one_must_be_named(
    pos: SimulatedPos, open_account: OpenWriteBack
) -> None:
    for wanted in (None, "1002"):
        with pytest.raises(RequestInvalid, match=rf"{MAIN} \(1000\), org_test-1001 \(1001\)"):
            open_account(ORG, wanted, ACTOR)

    found = [open_account(ORG, named, ACTOR).location_id for named in ("1001", MAIN)]
    assert found == ["1001", "1000"]
    side = open_account(ORG, "1001", ACTOR)
    side.submit_order("k1", replace(an_order(pos), location_id=side.location_id))
    assert [order["id_location"] for order in orders(pos)] == [1001]


def test_a_location_that_is_not_synced_is_not_written_to(
    open_account: OpenWriteBack, org_config: OrgConfig
) -> None:
    org_config.update_locations(status="inactive")

    with pytest.raises(ConfigurationInvalid, match=f"location {MAIN} is inactive"):
        open_account(ORG, None, ACTOR)


def test_a_location_whose_id_only_the_pos_knows_is_written_to_once_it_was_synced(
    open_account: OpenWriteBack, org_config: OrgConfig, sync: SyncRunner
) -> None:
    # Given
    org_config.update_locations(locationId="")
    with pytest.raises(ConfigurationInvalid, match=r"posConfig\.locationId"):
        open_account(ORG, None, ACTOR)

    # When
    sync.run(ORG)

    # Then
    assert open_account(ORG, None, ACTOR).location_id == "1000"


# orders


def test_an_order_has_its_header_and_every_line(pos: SimulatedPos, write_back: WriteBack) -> None:
    wanted = an_order(pos)

    made = write_back.submit_order("k1", wanted)

    (order,) = orders(pos)
    assert str(order["id_order"]) == made
    assert str(order["id_external"]).startswith(f"{ORG}/")
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


@pytest.mark.parametrize(
    "specs", [(PRODUCTS_ONLY.model_copy(update={"api_style": "rest"}),)], ids=["rest"]
)
def test_an_account_of_the_rest_style_is_written_to_alike(
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
    queue: RecordingPublisher,
    write_back: WriteBack,
) -> None:
    # When
    customer_id = write_back.create_customer("k1", ADA)
    order_id = write_back.submit_order("k2", replace(an_order(pos), customer_id=customer_id))
    write_back.apply_discount("k3", order_id, "2")

    # Then
    assert len(fetch(sync, queue)) == 3
    stored = store.document(f"tenants/{ORG}/orders/alleaves_{order_id}")
    assert (stored["customerId"], len(stored["items"])) == (customer_id, 3)
    (order,) = orders(pos)
    assert order["discounts"] == [{"id_discount": 2}]


def test_an_order_that_the_pos_does_not_tell_from_others_is_for_a_person_to_look_at(
    pos: SimulatedPos, write_back: WriteBack
) -> None:
    # Given an order whose outcome is not known, and another of the customer that has no such id
    wanted = an_order(pos)
    pos.fault("server_error", endpoint="writes", count=1)
    with pytest.raises(OutcomeUnknown):
        write_back.submit_order("k1", wanted)
    now = datetime.now(UTC).isoformat()
    template = pos.data(ORG)["orders"][0]
    pos.add(ORG, "orders", placed_order(template, 700_000, int(wanted.customer_id), now))

    # When / Then
    with pytest.raises(OutcomeUnknown, match="See there whether the order was made"):
        write_back.submit_order("k1", wanted)
    assert orders(pos) == []


def test_a_line_that_the_pos_refuses_leaves_the_order_unfinished_and_says_so(
    pos: SimulatedPos, write_back: WriteBack
) -> None:
    wanted = an_order(pos)
    too_many = replace(wanted.lines[1], quantity=Decimal(100_000))

    with pytest.raises(RefusedByPos) as refused:
        write_back.submit_order("k1", replace(wanted, lines=(wanted.lines[0], too_many)))

    (order,) = orders(pos)
    assert f"as order {order['id_order']}, without line 2" in str(refused.value)


def test_an_order_that_takes_too_long_is_finished_at_the_next_request(
    pos: SimulatedPos, write_back: WriteBack
) -> None:
    wanted = an_order(pos)

    with pytest.raises(RetryLater):
        replace(write_back, seconds=0).submit_order("k1", wanted)
    made = write_back.submit_order("k1", wanted)

    (order,) = orders(pos)
    assert str(order["id_order"]) == made
    assert pos.calls(ORG)["writes"] == 1 + len(wanted.lines)


@pytest.mark.parametrize("what", ["customer", "order", "discount"])
def test_what_the_pos_does_not_know_is_the_callers_turn(
    pos: SimulatedPos, write_back: WriteBack, what: str
) -> None:
    order = an_order(pos)
    made = write_back.submit_order("k1", order)
    ask: dict[str, Callable[[], object]] = {
        "customer": lambda: write_back.submit_order("k2", replace(order, customer_id="999999")),
        "order": lambda: write_back.apply_discount("k2", "999999", "2"),
        "discount": lambda: write_back.apply_discount("k2", made, "999"),
    }

    with pytest.raises(RefusedByPos, match="404"):
        ask[what]()


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
