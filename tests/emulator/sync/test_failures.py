"""A POS that fails: said in words, with whose turn it is, and nothing stored is lost."""

from collections.abc import Callable
from typing import Any

import pytest

from deploy.local.simulator.spec import OrgSpec
from tests.emulator.sync.world import MENU, World

ORG = "org_test"


def counts(world: World) -> dict[str, int]:
    return {name: len(records) for name, records in world.records(ORG).items()}


def wrong_password(world: World) -> None:
    location = next(iter(world.documents("locations")))
    world.client.document(f"locations/{location}").update({"posConfig.password": "wrong"})


def unreachable(world: World) -> None:
    location = next(iter(world.documents("locations")))
    address = {"posConfig.baseUrl": "http://127.0.0.1:9/api"}
    world.client.document(f"locations/{location}").update(address)


def truncated(world: World) -> None:
    world.fault("truncated_json")


def server_errors(world: World) -> None:
    world.fault("server_error")


def rate_limited(world: World) -> None:
    world.fault("rate_limited", retryAfter=3600)


def no_configuration(world: World) -> None:
    location = next(iter(world.documents("locations")))
    world.client.document(f"locations/{location}").update({"posConfig.provider": "abacus"})


@pytest.mark.parametrize(
    ("happens", "owner", "says"),
    [
        (wrong_password, "org", "password"),
        (unreachable, "provider", "127.0.0.1"),
        (truncated, "provider", "cannot be read"),
        (server_errors, "provider", "500"),
        (rate_limited, "provider", "limits how often"),
        (no_configuration, "org", "posConfig.provider"),
    ],
)
def test_a_failed_sync_says_what_happened_and_whose_turn_it_is(
    world: World, happens: Callable[[World], None], owner: str, says: str
) -> None:
    # Given an org that has been synced
    world.sync(ORG)
    world.compute_spending()
    before = world.records(ORG)

    # When its POS fails
    happens(world)
    run = world.sync(ORG)

    # Then the run and the status say so, the figures stand, and nothing stored is lost
    status = world.status(ORG)
    assert run["state"] == "failed"
    assert (status["status"], status["lastErrorOwner"]) == ("error", owner)
    assert says in status["lastError"]
    assert "turn" in status["lastError"]
    assert status["customersCount"] == 230
    assert world.records(ORG) == before
    assert world.document(f"tenants/{ORG}/sync_state/lease").get("runId") is None
    # and no secret is in anything that was written
    password = "wrong" if happens is wrong_password else "sim-"
    assert password not in str(run) + status["lastError"].replace("wrong password", "")


def test_the_next_sync_after_a_failure_is_an_ordinary_one(world: World) -> None:
    world.fault("server_error")
    assert world.sync(ORG)["state"] == "failed"
    assert world.status(ORG).get("lastSuccessAt") is None

    world.no_faults()

    assert world.sync(ORG)["state"] == "succeeded"
    status = world.status(ORG)
    assert status["status"] == "active"
    assert "lastError" not in status


def test_malformed_records_are_put_in_quarantine_and_the_rest_is_stored(world: World) -> None:
    # Given three damaged customers
    world.fault("malformed", endpoint="customers", damage="missing_id", records=3)

    # When the org is synced, twice
    run = world.sync(ORG)
    again = world.sync(ORG)

    # Then they are in quarantine with what was sent, all others are stored
    assert run["state"] == "partial"
    assert run["streams"]["customers"]["created"] == 227
    kept = world.documents(f"tenants/{ORG}/quarantine")
    assert len(kept) == 3
    for record in kept.values():
        assert record["stream"] == "customers"
        assert record["errorCode"]
        assert "name_first" in record["raw"]
    status = world.status(ORG)
    assert status["status"] == "active"
    assert (status["quarantined"], status["lastErrorOwner"]) == (3, "provider")
    assert "3 customers could not be read" in status["lastError"]
    # and what is known to be damaged is not written again
    assert again["cost"]["writes"] <= 6


def test_a_record_leaves_quarantine_once_it_can_be_read(world: World) -> None:
    world.fault("malformed", endpoint="customers", damage="text_for_number", records=2, count=1)
    first = world.sync(ORG)
    world.no_faults()
    second = world.sync(ORG)

    assert second["state"] == "succeeded"
    assert len(world.documents(f"tenants/{ORG}/customers")) == 230
    assert world.documents(f"tenants/{ORG}/quarantine") == {} or first["state"] == "succeeded"


def test_a_listing_that_is_mostly_unreadable_is_not_stored(world: World) -> None:
    world.fault("malformed", endpoint="customers", damage="missing_id", records=120)

    run = world.sync(ORG)

    assert run["state"] == "partial"
    assert run["error"]["code"] == "too_many_unreadable"
    assert "5%" in run["error"]["message"]
    assert world.documents(f"tenants/{ORG}/customers") == {}
    assert world.documents(f"tenants/{ORG}/orders") == {}, "orders wait for the customers"
    assert len(world.documents(f"tenants/{ORG}/{MENU}")) == 60, "products need no customers"


def test_the_other_orgs_are_synced(world_of: Callable[..., World]) -> None:
    one, two = (
        OrgSpec(id=name, customers=20, orders=20, products=5, rows=5) for name in ("org_a", "org_b")
    )
    world = world_of(one, two)
    world.fault("server_error", org="org_a")

    assert world.sync("org_a")["state"] == "failed"
    assert world.sync("org_b")["state"] == "succeeded"


def test_a_token_withdrawn_in_mid_run_is_renewed_once_and_goes_unnoticed(world: World) -> None:
    world.fault("tokens_withdrawn", endpoint="orders", count=1)

    assert world.sync(ORG)["state"] == "succeeded"


def test_an_org_without_an_active_location_is_told_so(world: World) -> None:
    run = world.sync("org_nowhere")

    assert run["error"]["owner"] == "org"
    assert "no active POS location" in run["error"]["message"]


def test_a_timed_out_page_is_asked_for_again(world: World) -> None:
    world.fault("timeout", endpoint="customers", seconds=4, count=1)

    run: dict[str, Any] = world.sync(ORG)

    assert run["state"] == "succeeded"
    # three pages, one of them twice, and the sign-in where no stream beside it came first
    assert run["streams"]["customers"]["requests"] in (4, 5)
