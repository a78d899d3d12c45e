"""People are notified of an incident once, however many workers meet it and however often."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from google.cloud.firestore import Client
from pydantic import SecretStr

from shared.bus import notifier
from shared.bus.notifier import Notifier
from shared.domain.incidents import KEPT, SENDING
from shared.services.alerts import Alerts
from shared.store.database import Database
from tests.emulator.alerts.mailbox import Mailbox
from tests.fakes import DyingNotifier, SteppingClock
from tests.stored import StoredDocuments

ORG = "org_test"
INCIDENT = f"tenants/{ORG}/incidents/removal_held"


@pytest.fixture
def stepping_clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def alerts(
    client: Client,
    database: Database,
    stepping_clock: SteppingClock,
    operator: Mailbox,
    merchant: Mailbox,
) -> Alerts:
    """To the operator, and to the addresses of the org."""
    client.document(f"tenants/{ORG}").set({"alerts": {"urls": [merchant.url]}})
    urls = [SecretStr(operator.url)]
    return Alerts(database, Notifier(loopback=True), urls, stepping_clock.now)


def meet(alerts: Alerts) -> None:
    """A run meets the incident."""
    alerts.raise_(ORG, "removal_held", "A removal waits", "120 of 374 are missing.")


def test_an_incident_is_notified_once_and_then_costs_one_read(
    database: Database,
    alerts: Alerts,
    stepping_clock: SteppingClock,
    operator: Mailbox,
    merchant: Mailbox,
) -> None:
    # Given an incident that a run has met
    meet(alerts)
    assert operator.titles == merchant.titles == ["A removal waits"]
    assert ORG in operator.messages[0]["message"]

    # When later runs meet it again
    meter = database.meter
    before = (meter.reads, meter.writes)
    for _ in range(3):
        stepping_clock.advance(timedelta(minutes=30))
        meet(alerts)

    # Then nobody is notified again, and each meeting cost a read and no write
    assert len(operator.messages) == len(merchant.messages) == 1
    assert (meter.reads - before[0], meter.writes - before[1]) == (3, 0)


def test_what_happens_again_after_it_was_over_is_notified_again(
    store: StoredDocuments, alerts: Alerts, merchant: Mailbox
) -> None:
    # Given an incident that was notified and is over
    meet(alerts)
    assert "expireAt" not in store.document(INCIDENT)
    alerts.resolve(ORG, "removal_held")
    resolved = store.document(INCIDENT)
    assert resolved["state"] == "resolved"
    assert resolved["expireAt"] == resolved["resolvedAt"] + KEPT

    # When a run meets it again
    meet(alerts)

    # Then people are notified again, and it is kept while it lasts
    assert len(merchant.messages) == 2
    assert "expireAt" not in store.document(INCIDENT)


def test_ending_what_never_was_writes_nothing(database: Database, alerts: Alerts) -> None:
    # When an incident is ended that there never was
    alerts.resolve(ORG, "removal_held")

    # Then nothing is written
    assert database.meter.writes == 0


def test_an_address_that_failed_is_tried_again_and_the_others_are_left_alone(
    store: StoredDocuments,
    alerts: Alerts,
    stepping_clock: SteppingClock,
    operator: Mailbox,
    merchant: Mailbox,
) -> None:
    # Given the org's service was down when the incident came up
    merchant.working = False
    meet(alerts)
    assert "sentAt" not in store.document(INCIDENT)

    # When it is up again and a run meets the incident twice
    merchant.working = True
    stepping_clock.advance(timedelta(minutes=30))
    meet(alerts)
    meet(alerts)

    # Then both addresses have it, each once
    assert len(merchant.messages) == len(operator.messages) == 1
    assert store.document(INCIDENT)["sentAt"] == stepping_clock.now()


def test_a_dead_address_is_tried_once_a_day_in_the_end(
    store: StoredDocuments, alerts: Alerts, stepping_clock: SteppingClock, merchant: Mailbox
) -> None:
    # Given an address that never takes anything
    merchant.working = False

    # When runs meet the incident every half hour for two days
    for _ in range(2 * 48):
        stepping_clock.advance(timedelta(minutes=30))
        meet(alerts)

    # Then it was tried a few times, and then once a day
    assert store.document(INCIDENT)["attempts"] == 5 + 1


def test_of_many_at_once_one_sends(alerts: Alerts, operator: Mailbox, merchant: Mailbox) -> None:
    # When several workers meet the incident at the same time
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(meet, alerts) for _ in range(8)]:
            done.result()

    # Then people hear of it once
    assert len(operator.messages) == len(merchant.messages) == 1


def test_a_worker_that_died_while_sending_is_followed_by_the_next(
    database: Database, alerts: Alerts, stepping_clock: SteppingClock, merchant: Mailbox
) -> None:
    # Given a worker that claimed the incident and died
    with pytest.raises(SystemExit):
        meet(Alerts(database, DyingNotifier(loopback=True), [], stepping_clock.now))

    # When it is met while the dead worker might still be sending
    meet(alerts)

    # Then it is left to that worker
    assert merchant.messages == []

    # When it is met afterwards
    stepping_clock.advance(SENDING)
    meet(alerts)

    # Then it is sent
    assert len(merchant.messages) == 1


def test_an_incident_of_no_org_goes_to_the_operator_alone(
    alerts: Alerts, operator: Mailbox, merchant: Mailbox
) -> None:
    # When something is wrong with Sync Sam itself
    alerts.raise_(None, "provider_down", "Alpine IQ does not answer", "Since 12:00 UTC.")

    # Then only the operator hears of it
    assert operator.titles == ["Alpine IQ does not answer"]
    assert merchant.messages == []


def test_without_an_address_the_incident_is_kept_and_costs_one_read(
    client: Client, database: Database, store: StoredDocuments, stepping_clock: SteppingClock
) -> None:
    # Given nobody who could be notified
    client.document(f"tenants/{ORG}").delete()
    alerts = Alerts(database, Notifier(loopback=True), [], stepping_clock.now)
    meet(alerts)
    assert store.document(INCIDENT)["state"] == "open"

    # When later runs meet the incident
    meter = database.meter
    before = (meter.reads, meter.writes)
    stepping_clock.advance(timedelta(minutes=30))
    meet(alerts)

    # Then that costs a read
    assert (meter.reads - before[0], meter.writes - before[1]) == (1, 0)


def test_a_silent_service_does_not_keep_its_caller(
    alerts: Alerts, merchant: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a service that takes the call and never answers
    monkeypatch.setattr(notifier, "TIMEOUT_SECONDS", 0.5)
    merchant.silent = True

    # When the incident is met
    started = time.monotonic()
    meet(alerts)

    # Then its caller goes on within the time limit
    assert time.monotonic() - started < 3


def test_addresses_are_never_logged(
    client: Client,
    store: StoredDocuments,
    alerts: Alerts,
    merchant: Mailbox,
    capfd: pytest.CaptureFixture[str],
) -> None:
    # Given one address that fails and one that is none
    merchant.working = False
    broken = "slack://secret-of-a-merchant"
    urls = {"alerts": {"urls": [merchant.url, broken, "nonsense-secret", 7]}}
    client.document(f"tenants/{ORG}").set(urls)

    # When the incident is met
    meet(alerts)

    # Then the log has the failures, and no address
    printed = "".join(capfd.readouterr())
    assert "notification_failed" in printed
    assert "notification_url_invalid" in printed
    for secret in ("merchant-token", "secret-of-a-merchant", "nonsense-secret"):
        assert secret not in printed
    # and none is stored either
    assert "token" not in str(store.document(INCIDENT))


def test_an_org_reaches_no_machine_of_the_network_by_its_addresses(
    merchant: Mailbox, operator: Mailbox
) -> None:
    # Given the address of a machine of this network, as an org's and as the operators'
    urls = [SecretStr(merchant.url), SecretStr(operator.url)]

    # When
    accepted = Notifier([urls[1]]).send(urls, "A removal waits", "120 of 374 are missing.")

    # Then
    assert accepted == [False, True]
    assert (len(merchant.messages), len(operator.messages)) == (0, 1)
