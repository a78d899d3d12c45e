"""A run whose orders match hardly any customer is no success, and people are told once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.emulator.environment import SyncRunner
from tests.fakes import RecordingNotifier
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"
STREAMS = ("customers", "orders")
COUNT, RECENT = 60, 5


@pytest.fixture
def orders(pos: SimulatedPos) -> list[dict[str, Any]]:
    """Orders of a customer whom the POS lists, in place of all others; RECENT ones are of today."""
    customer = pos.data(ORG)["customers"][0]["id_customer"]
    template = next(o for o in pos.data(ORG)["orders"] if o["id_customer"] and o["total"])
    now = datetime.now(UTC)
    found = [
        {
            **template,
            "id_customer": customer,
            "email": "",
            "user_id": None,
            "id_order": 920_000 + number,
            "date_created": (now - timedelta(days=0 if number < RECENT else 5)).isoformat(),
            "date_updated": now.isoformat(),
        }
        for number in range(COUNT)
    ]
    pos.replace(ORG, "orders", found)
    return found


def strangers(pos: SimulatedPos, orders: list[dict[str, Any]], count: int) -> None:
    """Have so many of the orders name somebody whom the POS does not list."""
    pos.replace(
        ORG,
        "orders",
        [{**o, "id_customer": 9_000_000} if n < count else o for n, o in enumerate(orders)],
    )


@pytest.mark.parametrize(
    ("skipped", "state", "status"),
    [(COUNT // 3, "succeeded", "active"), (COUNT // 3 + 1, "partial", "error")],
)
def test_over_a_third_of_the_orders_skipped_is_no_success(
    pos: SimulatedPos,
    orders: list[dict[str, Any]],
    sync: SyncRunner,
    store: StoredDocuments,
    skipped: int,
    state: str,
    status: str,
) -> None:
    # Given
    strangers(pos, orders, skipped)

    # When
    run = sync.run(ORG, streams=STREAMS)

    # Then
    assert (run["state"], store.status(ORG)["status"]) == (state, status)
    assert run["streams"]["orders"]["skipped"] == skipped
    succeeded_at = store.status(ORG).get("lastSuccessAt")
    assert (succeeded_at is not None) == (state == "succeeded")


def test_the_error_says_what_the_orders_carried_and_why_none_matched(
    pos: SimulatedPos, orders: list[dict[str, Any]], sync: SyncRunner, store: StoredDocuments
) -> None:
    # Given orders of strangers, some without any buyer
    nobody = {"id_customer": None, "email": "", "user_id": None}
    named = [{**o, "id_customer": 9_000_000} for o in orders]
    pos.replace(ORG, "orders", [{**o, **nobody} if n < 10 else o for n, o in enumerate(named)])

    # When
    run = sync.run(ORG, streams=STREAMS)

    # Then
    said = (
        "60 of 60 orders match no customer: 50 name a customer whom the POS does not list; 10"
        " carry neither customer id, e-mail address nor user account."
    )
    assert run["error"]["message"].startswith(said)
    assert (run["error"]["code"], run["error"]["stream"]) == ("orders_without_customers", "orders")
    stored = store.status(ORG)
    assert stored["lastError"].startswith(said)
    assert stored["lastErrorOwner"] == "org"


def test_people_are_told_once_until_it_is_over(
    pos: SimulatedPos,
    orders: list[dict[str, Any]],
    sync: SyncRunner,
    store: StoredDocuments,
    notifier: RecordingNotifier,
) -> None:
    # Given a run that has skipped them all
    strangers(pos, orders, COUNT)
    sync.run(ORG, streams=STREAMS)
    # When the next lists only the newest, too few to tell, and another one all again
    few = sync.run(ORG, streams=STREAMS)
    after_few = store.status(ORG)
    sync.run(ORG, streams=STREAMS, full=True)

    # Then nobody is told again, and the status has said so all the time
    assert few["streams"]["orders"]["fetched"] == RECENT
    assert notifier.titles == ["Most orders match no customer"]
    for status in (after_few, store.status(ORG)):
        assert status["status"] == "error"
        assert status["lastErrorCode"] == "orders_without_customers"

    # When they match
    pos.replace(ORG, "orders", orders)
    run = sync.run(ORG, streams=STREAMS, full=True)

    # Then it is over
    assert run["state"] == "succeeded"
    assert store.status(ORG)["status"] == "active"
    assert "lastError" not in store.status(ORG)


def test_a_few_skipped_orders_are_those_of_walk_in_customers(
    pos: SimulatedPos, orders: list[dict[str, Any]], sync: SyncRunner
) -> None:
    # Given
    strangers(pos, orders[:19], 19)
    # When
    run = sync.run(ORG, streams=STREAMS)
    # Then
    assert (run["state"], run["streams"]["orders"]["skipped"]) == ("succeeded", 19)
