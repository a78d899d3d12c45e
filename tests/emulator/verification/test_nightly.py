"""An org is verified at night: the result is kept and shown, and people hear of it once."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from shared.bus.messages import CronTick, VerifyOrg
from shared.clock import utc_now
from shared.services.fan_out import FanOut, verify_message
from shared.services.verification.nightly import NIGHTS, NightlyVerification, Turns
from tests.emulator.environment import SMALL, Environment
from tests.emulator.verification.books import Books, bought_twice, counts
from tests.fakes import RecordingLaterPublisher, RecordingNotifier, RecordingPublisher
from tests.simulated_pos import SimulatedPos, placed_order
from tests.stored import StoredDocuments

ORG = "org_test"
FIRST, SECOND, THIRD = (date(2026, 3, day) for day in (18, 19, 20))

Night = Callable[[date], dict[str, Any]]


@pytest.fixture
def books(environment: Environment) -> Books:
    found = Books(environment, ORG)
    found.sync()
    return found


@pytest.fixture
def night(environment: Environment, books: Books, store: StoredDocuments) -> Night:
    """Delivers a night's message; what is stored of it."""
    service = NightlyVerification(
        environment.database, books.verifier, environment.alerts, environment.clock.now
    )

    def verified(day: date) -> dict[str, Any]:
        service(VerifyOrg(org_id=ORG, night=day))
        return store.document(f"tenants/{ORG}/verifications/{day.isoformat()}")

    return verified


def test_a_clean_org_is_noted_in_its_status_and_nobody_is_alerted(
    books: Books, night: Night, notifier: RecordingNotifier, store: StoredDocuments
) -> None:
    found = night(FIRST)

    assert (found["ok"], found["differencesCount"], found["differences"]) == (True, 0, [])
    assert found["expireAt"] - found["verifiedAt"] == timedelta(days=400)
    assert found["customers"]["topSpender"].keys() == {"customerId", "totalSpent"}
    assert store.status(ORG)["verification"] == {
        "verifiedAt": found["verifiedAt"],
        "ok": True,
        "customers": SMALL.customers,
        "orders": len(books.documents("orders")),
        "differences": 0,
    }
    assert notifier.titles == []


def test_a_message_that_comes_twice_reads_the_pos_once(night: Night, pos: SimulatedPos) -> None:
    first = night(FIRST)
    calls = pos.total_calls()

    assert night(FIRST) == first
    assert pos.total_calls() == calls


def test_people_hear_once_that_an_org_differs_and_the_incident_closes_when_it_is_mended(
    books: Books, night: Night, notifier: RecordingNotifier, store: StoredDocuments
) -> None:
    incident = f"tenants/{ORG}/incidents/verification_differs"
    order, buyer = books.keys("orders", counts)[0], books.keys("customers", bought_twice)[0]
    email = books.documents("customers")[buyer]["email"]
    books.change("orders", order, total=1.5)
    books.change("customers", buyer, lastName="Changed", email="other@example.org")

    found = night(FIRST)
    night(SECOND)

    assert (found["ok"], found["differencesCount"]) == (False, 2)
    assert len(notifier.titles) == 1
    assert store.document(incident)["state"] == "open"
    # and nothing personal is kept with the result
    assert "Changed" not in str(found)
    assert email not in str(found)

    books.repair(books.verify())
    night(THIRD)

    assert store.document(incident)["state"] == "resolved"
    assert len(notifier.titles) == 1


def test_what_awaits_the_next_sync_alerts_nobody(
    books: Books, night: Night, notifier: RecordingNotifier, pos: SimulatedPos
) -> None:
    order = pos.newest_order(ORG)
    before = (utc_now() - timedelta(minutes=1)).isoformat()
    pos.add(ORG, "orders", placed_order(order, 990_001, order["id_customer"], before))

    found = night(FIRST)

    assert (found["ok"], found["differencesCount"]) == (True, 0)
    assert found["awaitingSync"] > 0
    assert notifier.titles == []


def test_an_org_whose_pos_does_not_answer_is_left_to_its_next_night(
    night: Night, pos: SimulatedPos, notifier: RecordingNotifier
) -> None:
    pos.fault("server_error")

    assert night(FIRST) == {}
    assert notifier.titles == []

    pos.clear_faults()
    assert night(SECOND)["ok"]


def test_an_org_that_is_paused_or_has_no_active_location_is_left_alone(
    books: Books, night: Night, pos: SimulatedPos, environment: Environment
) -> None:
    books.client.document(f"tenants/{ORG}/integrations/pos").update(
        {"status": "paused", "nextTryAt": utc_now() + timedelta(hours=20)}
    )
    pos.reset_calls()
    assert night(FIRST) == {}
    environment.org_config.update_locations(status="inactive")
    assert night(FIRST) == {}
    assert pos.total_calls() == 0


def test_every_org_has_one_night_in_seven_and_one_that_differs_has_each(
    books: Books, night: Night, environment: Environment
) -> None:
    topic = RecordingPublisher()
    clock = environment.clock
    fan_out = FanOut(
        environment.database,
        topic,
        RecordingLaterPublisher(),
        clock.now,
        verify_message(clock.now),
        Turns(environment.database, clock.now),
    )

    def nights() -> int:
        for _ in range(NIGHTS):
            clock.later += timedelta(days=1)
            fan_out(CronTick(job="verify"), "1")
        return len(topic.take())

    assert nights() == 1
    fan_out(CronTick(job="verify", org_id=ORG), "2")
    assert topic.take() == [VerifyOrg(org_id=ORG, night=clock.now().date())]

    books.change("orders", books.keys("orders", counts)[0], total=1.5)
    night(FIRST)
    assert nights() == NIGHTS
