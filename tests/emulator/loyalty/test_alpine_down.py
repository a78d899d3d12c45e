"""Without Alpine IQ the calculated figure stands and says so."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.services.loyalty.look_ups import AT_ONCE, FAILURES_IN_A_ROW
from tests.emulator.loyalty.world import QUICK, LoyaltyWorld

ORG = "org_test"


def server_errors(world: LoyaltyWorld) -> None:
    world.fault("server_error", endpoint="wallet", status=503)


def truncated(world: LoyaltyWorld) -> None:
    world.fault("truncated_json", endpoint="wallet")


def rate_limited(world: LoyaltyWorld) -> None:
    world.fault("rate_limited", endpoint="wallet", retryAfter=3600)


def unreachable(world: LoyaltyWorld) -> None:
    address = {"alpineIq.baseUrl": "http://127.0.0.1:9/alpine"}
    world.client.document(f"tenants/{ORG}").update(address)


def wrong_key(world: LoyaltyWorld) -> None:
    world.client.document(f"tenants/{ORG}").update({"alpineIq.apiKey": "a-key-of-nobody"})


def wrong_settings(world: LoyaltyWorld) -> None:
    world.client.document(f"tenants/{ORG}").update({"alpineIq.userId": "no/number"})


def unconfigured(world: LoyaltyWorld) -> None:
    world.client.document(f"tenants/{ORG}").set({"name": "Test"})


@pytest.mark.parametrize(
    ("happens", "owner", "says"),
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
    world: LoyaltyWorld, happens: Callable[[LoyaltyWorld], None], owner: str, says: str
) -> None:
    # Given
    happens(world)

    # When
    run = world.reconcile(ORG)

    # Then all is reckoned, and the run says what is wrong and whose turn it is
    assert run["state"] == "partial"
    assert run["error"]["owner"] == owner
    assert says in run["error"]["message"]
    assert run["counts"]["found"] == 0
    for fields in world.points(ORG).values():
        assert fields["points"] == fields["pointsFromOrders"]
        assert (fields["tierSource"], fields["loyaltyReconciled"]) == ("calculated", False)
        assert "pointsFromAlpine" not in fields
    assert world.told.bodies == []
    # and Alpine IQ was left alone once that was clear (it can still say whom it does not know)
    most = (AT_ONCE + FAILURES_IN_A_ROW) * QUICK.attempts
    assert happens is truncated or len(world.look_ups(ORG)) <= most

    # When it works again
    world.no_faults()
    (tenant,) = (org.tenant_document(world.pos.url) for org in world.pos.simulation.orgs)
    world.client.document(f"tenants/{ORG}").set(tenant["document"])
    after = world.reconcile(ORG)

    # Then those who had no answer have one
    assert after["state"] == "succeeded"
    assert (after["counts"]["found"], after["counts"]["needsReview"]) == (24, 3)


def test_an_org_without_an_account_has_the_calculated_figures(world: LoyaltyWorld) -> None:
    # Given
    unconfigured(world)
    # When
    run, again = world.reconcile(ORG), world.reconcile(ORG)
    # Then that is no failure
    assert run["state"] == "succeeded"
    assert run["counts"]["updated"] == 120
    assert again["counts"]["customers"] == 0
    assert world.look_ups(ORG) == []
    assert {f["tierSource"] for f in world.points(ORG).values()} == {"calculated"}


def test_an_org_that_gives_its_account_up_is_back_at_the_calculated_figures(
    world: LoyaltyWorld,
) -> None:
    # Given
    world.reconcile(ORG)
    # When
    unconfigured(world)
    world.reconcile(ORG)
    # Then
    assert all("pointsFromAlpine" not in fields for fields in world.points(ORG).values())


def test_an_outage_leaves_figures_that_were_only_to_be_refreshed(world: LoyaltyWorld) -> None:
    # Given
    world.reconcile(ORG)
    before = world.points(ORG)
    # When Alpine IQ is down for a week
    server_errors(world)
    for day in range(1, 8):
        world.later = timedelta(days=day)
        assert world.reconcile(ORG)["state"] == "partial"
    # Then nobody's balance jumped, and nobody was told of anything
    assert world.points(ORG) == before
    assert len(world.told.bodies) == 1
    # and once it is up again all are due whom it may know
    unanswered = world.reconcile(ORG)["counts"]["unavailable"]
    world.no_faults()
    assert world.reconcile(ORG)["counts"]["asked"] == unanswered > 90


def test_a_few_failures_are_those_customers_own(world: LoyaltyWorld) -> None:
    # Given two calls that are told to come back in an hour
    world.fault("rate_limited", endpoint="wallet", retryAfter=3600, after=40, count=2)
    # When
    run = world.reconcile(ORG)
    # Then the others have their answers, and these two have theirs in the next run
    assert run["state"] == "partial"
    assert run["counts"]["unavailable"] == 2
    again = world.reconcile(ORG)
    assert (again["state"], again["counts"]["asked"]) == ("succeeded", 2)


def test_hidden_points_are_unknown_not_0(world: LoyaltyWorld) -> None:
    # Given
    contacts = world.pos.simulation.orgs.get(ORG).alpine.contacts
    hidden = next(c["contactID"] for c in contacts if c["loyaltyPoints"] > 20)
    contacts.change(hidden, {"hidePointsInWallet": True})
    # When
    run = world.reconcile(ORG)
    # Then
    assert (run["counts"]["found"], run["counts"]["hidden"]) == (23, 1)
    (fields,) = (f for f in world.points(ORG).values() if f.get("alpineUserId") == hidden)
    assert fields["points"] == fields["pointsFromOrders"] > 0
    assert fields["tierSource"] == "calculated"
