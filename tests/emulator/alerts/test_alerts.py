"""People hear of an incident once, whoever meets it and however often."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client
from pydantic import SecretStr

from shared.bus import notifier
from shared.bus.notifier import Notifier
from shared.domain.incidents import SENDING
from shared.services.alerts import Alerts
from shared.store.database import Database
from tests.emulator.alerts.mailbox import Mailbox

ORG = "org_test"
INCIDENT = f"tenants/{ORG}/incidents/removal_held"


class World:
    """Alerts with a clock that the test moves."""

    def __init__(self, client: Client, operator: Mailbox, merchant: Mailbox) -> None:
        self.client = client
        self.now = datetime(2026, 3, 2, 12, tzinfo=UTC)
        self.database = Database(client)
        self.alerts = self.channel(operator.url)
        client.document(f"tenants/{ORG}").set({"alerts": {"urls": [merchant.url]}})

    def channel(self, *operator_urls: str) -> Alerts:
        urls = [SecretStr(url) for url in operator_urls]
        return Alerts(self.database, Notifier(), urls, lambda: self.now)

    def incident(self) -> dict[str, Any]:
        """The incident as stored."""
        return self.client.document(INCIDENT).get().to_dict() or {}

    def meet(self) -> None:
        """A run meets the incident."""
        self.alerts.raise_(ORG, "removal_held", "A removal waits", "120 of 374 are missing.")


@pytest.fixture
def world(client: Client, operator: Mailbox, merchant: Mailbox) -> World:
    return World(client, operator, merchant)


def test_an_incident_is_told_once_and_then_costs_one_read(
    world: World, operator: Mailbox, merchant: Mailbox
) -> None:
    # Given an incident that a run has met
    world.meet()
    assert operator.titles == merchant.titles == ["A removal waits"]
    assert ORG in operator.messages[0]["message"]

    # When later runs meet it again
    meter = world.database.meter
    before = (meter.reads, meter.writes)
    for _ in range(3):
        world.now += timedelta(minutes=30)
        world.meet()

    # Then nobody is told again, and each meeting cost a read and no write
    assert len(operator.messages) == len(merchant.messages) == 1
    assert (meter.reads - before[0], meter.writes - before[1]) == (3, 0)


def test_what_happens_again_after_it_was_over_is_told_again(
    world: World, merchant: Mailbox
) -> None:
    # Given an incident that was told and is over
    world.meet()
    world.alerts.resolve(ORG, "removal_held")
    assert world.incident()["state"] == "resolved"

    # When a run meets it anew
    world.meet()

    # Then people hear of it anew
    assert len(merchant.messages) == 2


def test_ending_what_never_was_writes_nothing(world: World) -> None:
    # When an incident is ended that there never was
    world.alerts.resolve(ORG, "removal_held")

    # Then nothing is written
    assert world.database.meter.writes == 0


def test_an_address_that_failed_is_tried_again_and_the_others_are_left_alone(
    world: World, operator: Mailbox, merchant: Mailbox
) -> None:
    # Given the org's service was down when the incident came up
    merchant.working = False
    world.meet()
    assert "sentAt" not in world.incident()

    # When it is up again and a run meets the incident twice
    merchant.working = True
    world.now += timedelta(minutes=30)
    world.meet()
    world.meet()

    # Then both addresses have it, each once
    assert len(merchant.messages) == len(operator.messages) == 1
    assert world.incident()["sentAt"] == world.now


def test_a_dead_address_is_tried_once_a_day_in_the_end(world: World, merchant: Mailbox) -> None:
    # Given an address that never takes anything
    merchant.working = False

    # When runs meet the incident every half hour for two days
    for _ in range(2 * 48):
        world.now += timedelta(minutes=30)
        world.meet()

    # Then it was tried a few times, and then once a day
    assert world.incident()["attempts"] == 5 + 1


def test_of_many_at_once_one_sends(world: World, operator: Mailbox, merchant: Mailbox) -> None:
    # When several workers meet the incident at the same time
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(world.meet) for _ in range(8)]:
            done.result()

    # Then people hear of it once
    assert len(operator.messages) == len(merchant.messages) == 1


def test_a_worker_that_died_while_sending_is_followed_by_the_next(
    world: World, merchant: Mailbox
) -> None:
    # Given a worker that claimed the incident and died
    class Dying(Notifier):
        def send(self, *_: object) -> list[bool]:
            raise SystemExit

    with pytest.raises(SystemExit):
        Alerts(world.database, Dying(), [], lambda: world.now).raise_(ORG, "removal_held", "A", "B")

    # When it is met while the dead worker might still be sending
    world.meet()

    # Then it is left to that worker
    assert merchant.messages == []

    # When it is met afterwards
    world.now += SENDING
    world.meet()

    # Then it is sent
    assert len(merchant.messages) == 1


def test_an_incident_of_no_org_goes_to_the_operator_alone(
    world: World, operator: Mailbox, merchant: Mailbox
) -> None:
    # When something is wrong with Sync Sam itself
    world.alerts.raise_(None, "provider_down", "Alpine IQ does not answer", "Since 12:00 UTC.")

    # Then only the operator hears of it
    assert operator.titles == ["Alpine IQ does not answer"]
    assert merchant.messages == []


def test_without_an_address_the_incident_is_kept_and_costs_one_read(world: World) -> None:
    # Given nobody who could be told
    world.client.document(f"tenants/{ORG}").delete()
    world.alerts = world.channel()
    world.meet()
    assert world.incident()["state"] == "open"

    # When later runs meet the incident
    meter = world.database.meter
    before = (meter.reads, meter.writes)
    world.now += timedelta(minutes=30)
    world.meet()

    # Then that costs a read
    assert (meter.reads - before[0], meter.writes - before[1]) == (1, 0)


def test_a_silent_service_does_not_keep_its_caller(
    world: World, merchant: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a service that takes the call and never answers
    monkeypatch.setattr(notifier, "TIMEOUT_SECONDS", 0.5)
    merchant.silent = True

    # When the incident is met
    started = time.monotonic()
    world.meet()

    # Then its caller goes on within the time limit
    assert time.monotonic() - started < 3


def test_addresses_are_never_logged(
    world: World,
    merchant: Mailbox,
    capfd: pytest.CaptureFixture[str],
) -> None:
    # Given one address that fails and one that is none
    merchant.working = False
    broken = "slack://secret-of-a-merchant"
    urls = {"alerts": {"urls": [merchant.url, broken, "nonsense-secret", 7]}}
    world.client.document(f"tenants/{ORG}").set(urls)

    # When the incident is met
    world.meet()

    # Then the log tells of the failures, and of no address
    printed = "".join(capfd.readouterr())
    assert "notification_failed" in printed
    assert "notification_url_invalid" in printed
    for secret in ("merchant-token", "secret-of-a-merchant", "nonsense-secret"):
        assert secret not in printed
    # and none is stored either
    assert "token" not in str(world.incident())
