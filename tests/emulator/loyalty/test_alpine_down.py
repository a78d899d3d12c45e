"""Without Alpine IQ the calculated figure stands and says so."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client

from shared.bus.messages import Loyalty
from shared.domain.runs import FAILING_FROM
from shared.services.loyalty.look_ups import AT_ONCE, FAILURES_IN_A_ROW
from shared.store.database import Database, Document
from tests.emulator.environment import Environment
from tests.emulator.loyalty.runner import QUICK, LoyaltyRunner
from tests.fakes import OffsetClock, RecordingNotifier
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"
INCIDENT = f"tenants/{ORG}/incidents/loyalty_failing"


class FailingDatabase(Database):
    """Fails unforeseen wherever many documents are to be read."""

    def metered(self) -> "FailingDatabase":
        return self

    def query(self, *arguments: Any, **options: Any) -> Iterator[Document]:
        raise ZeroDivisionError


def server_errors(environment: Environment) -> None:
    environment.pos.fault("server_error", endpoint="wallet", status=503)


def truncated(environment: Environment) -> None:
    environment.pos.fault("truncated_json", endpoint="wallet")


def rate_limited(environment: Environment) -> None:
    environment.pos.fault("rate_limited", endpoint="wallet", retryAfter=3600)


def update_account(environment: Environment, **fields: str) -> None:
    """Change settings of the org's account at Alpine IQ."""
    changed = {f"alpineIq.{name}": value for name, value in fields.items()}
    environment.client.document(f"tenants/{ORG}").update(changed)


def unreachable(environment: Environment) -> None:
    update_account(environment, baseUrl="http://127.0.0.1:9/alpine")


def wrong_key(environment: Environment) -> None:
    update_account(environment, apiKey="a-key-of-nobody")


def wrong_settings(environment: Environment) -> None:
    update_account(environment, userId="no/number")


def unconfigured(environment: Environment) -> None:
    environment.client.document(f"tenants/{ORG}").set({"name": "Test"})


@pytest.mark.parametrize(
    ("fail", "owner", "says"),
    [
        (server_errors, "provider", "503"),
        (truncated, "provider", "cannot be read"),
        (rate_limited, "provider", "limits how often"),
        (unreachable, "provider", "127.0.0.1:9"),
        (wrong_key, "org", "does not allow"),
        (wrong_settings, "org", "alpineIq"),
    ],
)
def test_with_alpine_iq_failing_everybody_has_the_calculated_figure(
    pos: SimulatedPos,
    notifier: RecordingNotifier,
    store: StoredDocuments,
    loyalty: LoyaltyRunner,
    environment: Environment,
    fail: Callable[[Environment], None],
    owner: str,
    says: str,
) -> None:
    # Given
    fail(environment)

    # When
    run = loyalty.reconcile(ORG)

    # Then all is calculated, and the run says what is wrong and whose turn it is
    assert run["state"] == "partial"
    assert run["error"]["owner"] == owner
    assert says in run["error"]["message"]
    assert run["counts"]["found"] == 0
    for fields in loyalty.points(ORG).values():
        assert fields["points"] == fields["pointsFromOrders"]
        assert (fields["tierSource"], fields["loyaltyReconciled"]) == ("calculated", False)
        assert "pointsFromAlpine" not in fields
    # and people are alerted
    (body,) = notifier.bodies
    assert says in body
    # and Alpine IQ was left alone once that was clear (it can still say whom it does not know)
    most = (AT_ONCE + FAILURES_IN_A_ROW) * QUICK.attempts
    assert fail is truncated or len(loyalty.look_ups(ORG)) <= most

    # When it works again
    pos.clear_faults()
    loyalty.write_tenants()
    after = loyalty.reconcile(ORG)

    # Then those who had no answer have one
    assert after["state"] == "succeeded"
    assert (after["counts"]["found"], after["counts"]["needsReview"]) == (24, 3)
    # and that it failed is over
    assert store.document(INCIDENT)["state"] == "resolved"


def test_an_org_without_an_account_has_the_calculated_figures(
    loyalty: LoyaltyRunner, environment: Environment
) -> None:
    # Given
    unconfigured(environment)
    # When
    run, again = loyalty.reconcile(ORG), loyalty.reconcile(ORG)
    # Then that is no failure
    assert run["state"] == "succeeded"
    assert run["counts"]["updated"] == 120
    assert again["counts"]["unchanged"] == 120
    assert "averageDiscrepancy" not in again
    assert loyalty.look_ups(ORG) == []
    assert {f["tierSource"] for f in loyalty.points(ORG).values()} == {"calculated"}


def test_an_org_that_gives_its_account_up_is_back_at_the_calculated_figures(
    loyalty: LoyaltyRunner,
    environment: Environment,
) -> None:
    # Given
    loyalty.reconcile(ORG)
    # When
    unconfigured(environment)
    loyalty.reconcile(ORG)
    # Then
    assert all("pointsFromAlpine" not in fields for fields in loyalty.points(ORG).values())


def test_an_outage_leaves_figures_that_were_only_to_be_refreshed(
    pos: SimulatedPos,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    store: StoredDocuments,
    loyalty: LoyaltyRunner,
    environment: Environment,
) -> None:
    # Given
    loyalty.reconcile(ORG)
    before = loyalty.points(ORG)
    # When Alpine IQ is down for a week
    server_errors(environment)
    for day in range(1, 8):
        clock.later = timedelta(days=day)
        assert loyalty.reconcile(ORG)["state"] == "partial"
    # Then nobody's balance jumped, and people were notified of the outage once
    assert loyalty.points(ORG) == before
    assert len(notifier.bodies) == 2
    assert "503" in notifier.bodies[1]
    # and once it is up again that is over
    pos.clear_faults()
    assert loyalty.reconcile(ORG)["state"] == "succeeded"
    assert store.document(INCIDENT)["state"] == "resolved"
    assert len(notifier.bodies) == 2


def test_a_programme_that_makes_no_sense_is_notified_until_it_is_corrected(
    notifier: RecordingNotifier,
    store: StoredDocuments,
    loyalty: LoyaltyRunner,
    environment: Environment,
) -> None:
    # Given
    tenant = environment.client.document(f"tenants/{ORG}")
    tenant.update({"loyaltySettings": {"pointsPerDollar": -1}})
    # When
    runs = [loyalty.reconcile(ORG) for _ in range(2)]
    # Then
    assert [run["state"] for run in runs] == ["failed", "failed"]
    (body,) = notifier.bodies
    assert "loyaltySettings" in body
    # When it is corrected
    tenant.update({"loyaltySettings": {"pointsPerDollar": 1}})
    assert loyalty.reconcile(ORG)["state"] == "succeeded"
    # Then
    assert store.document(INCIDENT)["state"] == "resolved"


def test_a_run_that_fails_unforeseen_again_and_again_is_notified_once(
    client: Client,
    notifier: RecordingNotifier,
    store: StoredDocuments,
    loyalty: LoyaltyRunner,
) -> None:
    # Given an org whose differences people have been notified of
    loyalty.reconcile(ORG)
    message = Loyalty(org_id=ORG, run_id="run-1")
    broken = loyalty.service(database=FailingDatabase(client))
    # When it fails at every delivery of its message
    for _ in range(FAILING_FROM + 2):
        with pytest.raises(ZeroDivisionError):
            broken(message, "message-1")
    # Then
    assert len(notifier.bodies) == 2
    assert "loyalty_reconcile" in notifier.bodies[1]
    assert store.document(INCIDENT)["state"] == "open"
    # and once it is done that is over
    loyalty.service()(message, "message-1")
    assert store.document(f"tenants/{ORG}/loyalty_runs/run-1")["state"] == "succeeded"
    assert store.document(INCIDENT)["state"] == "resolved"


def test_a_few_failures_are_those_customers_own(
    pos: SimulatedPos, store: StoredDocuments, loyalty: LoyaltyRunner
) -> None:
    # Given two calls that are refused and may come back in an hour
    pos.fault("rate_limited", endpoint="wallet", retryAfter=3600, after=40, count=2)
    # When
    run = loyalty.reconcile(ORG)
    # Then the others have their answers, and these two have theirs in the next run
    assert run["state"] == "partial"
    assert run["counts"]["unavailable"] == run["providerErrors"] == 2
    assert run["successRate"] == round(118 / 120, 4)
    assert store.document(INCIDENT) == {}
    again = loyalty.reconcile(ORG)
    assert (again["state"], again["counts"]["unavailable"]) == ("succeeded", 0)
    assert (again["successRate"], again["providerErrors"]) == (1.0, 0)


def test_hidden_points_are_unknown_not_0(loyalty: LoyaltyRunner) -> None:
    # Given
    contacts = loyalty.alpine(ORG).contacts
    hidden = next(c["contactID"] for c in contacts if c["loyaltyPoints"] > 20)
    contacts.change(hidden, {"hidePointsInWallet": True})
    # When
    run = loyalty.reconcile(ORG)
    # Then
    assert (run["counts"]["found"], run["counts"]["hidden"]) == (23, 1)
    (fields,) = (f for f in loyalty.points(ORG).values() if f.get("alpineUserId") == hidden)
    assert fields["points"] == fields["pointsFromOrders"] > 0
    assert fields["tierSource"] == "calculated"
