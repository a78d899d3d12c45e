"""What is wrong with an org's POS settings is told in its status after the first run, by name."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.cloud.firestore import DELETE_FIELD, Client

from deploy.local.simulator.spec import OrgSpec
from deploy.local.simulator.truth import Truth, instant
from shared.bus.messages import CronTick, PosSync
from shared.errors import InvalidMessage
from shared.services.fan_out import FanOut, SyncFanOut, sync_message
from shared.services.sync.commands import SyncOrg
from shared.store import locations
from shared.store.database import Database
from tests.emulator.environment import Environment, OrgConfig, SyncRunner
from tests.fakes import OffsetClock, RecordingPublisher
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG, REST, ROOMS = "org_test", "org_rest", "org_rooms"
SIZES = {"customers": 12, "orders": 20, "products": 6, "rows": 8}
SEARCH = OrgSpec(id=ORG, seed=5, timezone="America/Denver", **SIZES)
MAIN = f"{ORG}-1000"

Tick = Callable[..., list[str]]


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    return (SEARCH,)


@pytest.fixture
def configure(client: Client) -> Callable[..., None]:
    """Changes fields of a location's document, by their paths."""

    def change(fields: dict[str, Any], location: str = MAIN) -> None:
        client.document(f"locations/{location}").update(fields)

    return change


@pytest.fixture
def tick(environment: Environment) -> Tick:
    """A tick, for one org or all, with the runs that it asks for; the orgs of these."""

    def fan_out(org_id: str | None = None) -> list[str]:
        sent = RecordingPublisher()
        now = environment.clock.now
        later = environment.sales.scheduled
        requests = FanOut(environment.database, sent, later, now, sync_message)
        service = SyncFanOut(environment.database, requests, now)
        service(CronTick(job="pos-sync", org_id=org_id), f"tick-{len(environment.store.runs(ORG))}")
        for message in sent.messages:
            assert isinstance(message, PosSync)
            environment.sync.service()(SyncOrg.of(message))
        return [message.org_id for message in sent.messages if isinstance(message, PosSync)]

    return fan_out


def told(store: StoredDocuments, org_id: str = ORG) -> str:
    """What the org is to correct."""
    status = store.status(org_id)
    assert (status["status"], status["lastErrorOwner"]) == ("error", "org")
    assert status["lastErrorCode"] == "configuration_invalid"
    says, turn, _ = str(status["lastError"]).partition(". It is the dispensary's turn.")
    assert turn
    return says


# fields


def test_a_misspelt_field_is_named_beside_the_one_that_is_missing(
    store: StoredDocuments, sync: SyncRunner, configure: Callable[..., None]
) -> None:
    configure({"posConfig.password": DELETE_FIELD, "posConfig.pasword": "sesame"})

    sync.run(ORG)

    assert told(store) == (
        f"The POS settings of location {MAIN} are not valid: unknown field pasword;"
        " posConfig.password is missing"
    )
    assert "sesame" not in str(store.everything(ORG))


def test_an_unknown_field_that_hinders_nothing_is_a_warning(
    store: StoredDocuments, sync: SyncRunner, configure: Callable[..., None]
) -> None:
    configure({"posConfig.apistyle": "rest", "posConfig.colour": "green"})

    run = sync.run(ORG)

    assert run["state"] == "succeeded"
    warning = f"Ignored in the POS settings of location {MAIN}: unknown fields apistyle, colour."
    assert store.status(ORG)["warnings"] == [warning]


# the status


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (
            {"posConfig.status": "Active"},
            "posConfig.status 'Active' is none of active, inactive, paused",
        ),
        (
            {"posConfig.status": DELETE_FIELD, "posConfig.statsu": "active"},
            "unknown field statsu; posConfig.status is missing",
        ),
        ({"posConfig.status": "inactive"}, f"posConfig.status of location {MAIN} is inactive"),
        ({"posConfig.status": "paused"}, f"posConfig.status of location {MAIN} is paused"),
        ({"posConfig": DELETE_FIELD}, f"location {MAIN} has no posConfig"),
    ],
    ids=["unknown", "missing", "inactive", "paused", "nothing"],
)
def test_a_tick_for_an_org_that_it_does_not_reach_tells_it_why(
    store: StoredDocuments,
    tick: Tick,
    configure: Callable[..., None],
    fields: dict[str, Any],
    says: str,
) -> None:
    configure(fields)

    assert tick(ORG) == [ORG]

    assert told(store).startswith(f"Org {ORG} has no active POS location: ")
    assert says in told(store)
    assert told(store).endswith("Set posConfig.status to active to sync it")


def test_a_tick_for_all_tells_orgs_whose_status_is_none_that_there_is(
    store: StoredDocuments, tick: Tick, configure: Callable[..., None]
) -> None:
    # Given an org that somebody switched off: it is left alone
    configure({"posConfig.status": "inactive"})
    assert tick() == []
    assert store.status(ORG) == {}

    # When it is switched on, misspelt
    configure({"posConfig.status": "actve"})

    # Then the next tick says so, and the one after the correction syncs it
    assert tick() == [ORG]
    assert "'actve'" in told(store)
    configure({"posConfig.status": "active"})
    assert tick() == [ORG]
    assert store.status(ORG)["status"] == "active"


def test_an_org_that_nobody_knows_is_no_org_to_be_told(tick: Tick) -> None:
    with pytest.raises(InvalidMessage):
        tick("org_nobody")


def test_a_second_location_that_is_left_out_by_mistake_is_a_warning(
    client: Client, store: StoredDocuments, tick: Tick, org_config: OrgConfig
) -> None:
    other = org_config.location()
    other["posConfig"] |= {"status": "on", "locationId": "1001"}
    client.document("locations/side").set(other)
    client.document("locations/closed").set(
        {**other, "posConfig": {**other["posConfig"], "status": "inactive"}}
    )

    assert tick() == [ORG]

    (warning,) = store.status(ORG)["warnings"]
    assert warning == (
        "Not synced: location side: posConfig.status 'on' is none of active, inactive, paused."
    )
    assert store.status(ORG)["status"] == "active"


# the location


def test_a_location_that_the_pos_does_not_have_is_told_until_it_is_corrected(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner, configure: Callable[..., None]
) -> None:
    # Given
    configure({"posConfig.locationId": "999"})

    # When / Then
    sync.run(ORG)
    assert told(store) == (
        f"The POS has no location 999, which posConfig.locationId of location {MAIN} names: it has"
        " 1000 (Main Street)"
    )
    assert store.documents(f"tenants/{ORG}/customers") == {}

    # When it is corrected, the org is synced, and not asked again
    configure({"posConfig.locationId": 1000})
    assert sync.run(ORG)["state"] == "succeeded"
    asked = pos.calls(ORG)["location"]
    sync.run(ORG)
    assert pos.calls(ORG)["location"] == asked

    # When it is changed to a wrong one again, that is told at once
    configure({"posConfig.locationId": "1002"})
    sync.run(ORG)
    assert "The POS has no location 1002" in told(store)


def test_a_pos_that_lists_no_locations_is_synced_all_the_same(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    pos.fault("server_error", endpoint="location", status=404)

    run = sync.run(ORG)

    assert run["state"] == "succeeded"
    assert "warnings" not in store.status(ORG)


@pytest.mark.parametrize(
    "specs",
    [[OrgSpec(id=REST, api_style="rest", locations=2, seed=1, **SIZES)]],
    ids=["rest, two locations"],
)
def test_without_a_location_id_the_login_s_own_location_is_synced(
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
    client: Client,
    configure: Callable[..., None],
) -> None:
    configure({"posConfig.locationId": DELETE_FIELD}, f"{REST}-1000")
    client.document(f"locations/{REST}-1001").delete()

    assert sync.run(REST)["state"] == "succeeded"
    signed_in = pos.calls(REST)["auth"]
    assert sync.run(REST)["state"] == "succeeded"

    orders = store.documents(f"tenants/{REST}/orders")
    here = {str(o["id_order"]) for o in pos.data(REST)["orders"] if o["id_location"] == 1000}
    assert {order["externalId"] for order in orders.values()} <= here
    assert {order["locationId"] for order in orders.values()} == {"1000"}
    assert pos.calls(REST)["auth"] == signed_in


def test_without_a_location_id_the_account_s_only_location_is_synced(
    store: StoredDocuments, sync: SyncRunner, configure: Callable[..., None]
) -> None:
    configure({"posConfig.locationId": DELETE_FIELD})

    assert sync.run(ORG)["state"] == "succeeded"

    (location,) = store.document(f"tenants/{ORG}/metadata/location")["items"]
    assert location["id"] == "1000"


@pytest.mark.parametrize(
    "specs", [[OrgSpec(id=ROOMS, locations=2, seed=1, **SIZES)]], ids=["two locations"]
)
def test_without_a_location_id_one_of_several_must_be_named(
    store: StoredDocuments, sync: SyncRunner, configure: Callable[..., None]
) -> None:
    configure({"posConfig.locationId": ""}, f"{ROOMS}-1000")

    sync.run(ROOMS)

    assert told(store, ROOMS) == (
        f"posConfig.locationId of location {ROOMS}-1000 is missing, and the POS does not say which"
        " is meant: it has 1000 (Main Street), 1001 (Riverside)"
    )


@pytest.mark.parametrize("lacking", ["posConfig.locationId", "timezone"])
def test_what_only_a_pos_could_say_that_is_down_is_the_provider_s_turn(
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
    configure: Callable[..., None],
    lacking: str,
) -> None:
    # Given a POS that answers all but where its locations are, at what times
    configure({lacking: DELETE_FIELD})
    pos.fault("server_error", endpoint="location")

    # When / Then nothing is stored that might be wrong
    sync.run(ORG)
    assert store.status(ORG)["lastErrorOwner"] == "provider"
    assert store.documents(f"tenants/{ORG}/orders") == {}
    pos.clear_faults()
    assert sync.run(ORG)["state"] == "succeeded"


# the time zone


def test_a_missing_time_zone_is_that_of_the_pos(
    database: Database,
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
    configure: Callable[..., None],
) -> None:
    configure({"timezone": DELETE_FIELD})

    run = sync.run(ORG)

    assert "warnings" not in run or not run["warnings"]
    data = pos.data(ORG)
    truth = Truth(data, "America/Denver")
    for order in data["orders"]:
        if truth.buyers[order["id_order"]] is not None:
            stored = store.document(f"tenants/{ORG}/orders/alleaves_{order['id_order']}")
            assert stored["createdAt"] == instant(order["date_created"], "America/Denver")
    # and what looks at the calendar of a location knows it too
    assert locations.zones(database, ORG) == {"1000": ZoneInfo("America/Denver")}
    # and the second run does not ask again
    asked = pos.calls(ORG)["location"]
    sync.run(ORG)
    assert pos.calls(ORG)["location"] == asked


def test_a_time_zone_that_nobody_knows_is_warned_of_and_asked_for_again_after_a_day(
    store: StoredDocuments,
    pos: SimulatedPos,
    clock: OffsetClock,
    sync: SyncRunner,
    configure: Callable[..., None],
) -> None:
    # Given
    configure({"timezone": DELETE_FIELD})
    pos.fault("server_error", endpoint="location", status=404)

    # When / Then each run says so
    for _ in range(2):
        sync.run(ORG)
        (warning,) = store.status(ORG)["warnings"]
        assert warning == (
            f"The time zone of location {MAIN} is not known: neither its settings nor the POS name"
            " one. America/New_York is assumed: set timezone."
        )

    # When the POS names it
    pos.clear_faults()
    clock.later += timedelta(hours=25)
    sync.run(ORG)

    # Then nobody is warned any more
    assert "warnings" not in store.status(ORG)
