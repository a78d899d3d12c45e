"""An org's locations, tried, added, corrected, paused and resumed by the dispensary itself."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client

from shared.store.database import Database, version_text
from tests.emulator.admin.client import OTHER, AdminClient
from tests.emulator.environment import SMALL, OrgConfig, SyncRunner
from tests.emulator.functions import InProcess
from tests.fakes import OffsetClock
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"


@pytest.fixture
def location(client: Client) -> str:
    """The id of the org's only location."""
    (found,) = client.collection("locations").list_documents()
    return str(found.id)


@pytest.fixture
def settings(org_config: OrgConfig) -> dict[str, Any]:
    """The POS settings by which the org is synced."""
    found: dict[str, Any] = org_config.location()["posConfig"]
    return found


def version(database: Database, location: str) -> str:
    """As GET /api/settings shows it."""
    read = database.get(f"locations/{location}").version
    assert read is not None
    return version_text(read)


def paused(sync: SyncRunner, clock: OffsetClock, org_config: OrgConfig) -> None:
    """The org's password is wrong, and three syncs were refused."""
    org_config.update_locations(password="wrong")
    for _ in range(3):
        clock.later += timedelta(minutes=30)
        sync.run(ORG)


def test_a_corrected_password_lets_a_paused_org_sync_at_once(
    database: Database,
    client: Client,
    store: StoredDocuments,
    sync: SyncRunner,
    clock: OffsetClock,
    org_config: OrgConfig,
    functions: InProcess,
    admin: AdminClient,
    settings: dict[str, Any],
    location: str,
) -> None:
    # Given an org whose sync rests, as the POS refuses its password
    paused(sync, clock, org_config)
    assert store.status(ORG)["status"] == "paused"

    # When the password is corrected in the settings, and the location is resumed
    path = f"locations/{location}"
    right = {"password": settings["password"]}
    admin.post(path, version=version(database, location), posConfig=right)
    answer = admin.post(f"{path}/resume")
    assert admin.do_syncs() == 1

    # Then it is synced, by a secret that is sealed, and the rest of the settings is as it was
    assert store.run(ORG, answer["runId"])["state"] == "succeeded"
    assert store.status(ORG)["status"] == "active"
    stored = client.document(path).get().to_dict() or {}
    sealed = stored["posConfig"]["password"]
    assert stored["posConfig"] == settings | {"password": sealed}
    assert functions.opened(sealed, ORG, "posConfig.password", location) == settings["password"]
    assert [each["action"] for each in admin.actions(orgId=ORG)] == [
        "sync_started",
        "location_resumed",
        "location_changed",
    ]


def test_of_two_who_save_at_once_one_is_told(
    database: Database, client: Client, admin: AdminClient, location: str
) -> None:
    # Given two people who have seen the same settings
    seen, path = version(database, location), f"locations/{location}"

    def save(name: str) -> int:
        body = {"name": name, "version": seen, "posConfig": {"pin": name}}
        return int(admin.reply(path, body).status_code)

    # When both save
    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip(("1111", "2222"), pool.map(save, ("1111", "2222")), strict=True))

    # Then one has, and the other is told to look again
    assert sorted(answers.values()) == [200, 409]
    (winner,) = [name for name, status in answers.items() if status == 200]
    stored = client.document(path).get().to_dict() or {}
    assert stored["name"] == winner
    status, code, message = admin.refusal(path, version=seen, name="late", posConfig={})
    assert (status, code) == (409, "changed_meanwhile")
    assert "look again" in message


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"posConfig": {"apiStyle": "soap"}}, "posConfig.apiStyle"),
        ({"posConfig": {"passwort": "x"}}, "unknown field passwort"),
        ({"posConfig": {"baseUrl": "ftp://example.com", "password": "x"}}, "must be https"),
        ({"posConfig": {"username": None}}, "posConfig.username is missing"),
        ({"posConfig": {"password": "secret:pos-org_other-main-password"}}, "posConfig.password"),
        ({"posConfig": {"pin": "secret:cron-secret"}}, "begin with pos-org_test-"),
        ({"posConfig": {"baseUrl": "https://a.example.com", "password": "x"}}, "a.example.com"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
    ],
)
def test_a_field_that_is_wrong_is_named_and_nothing_is_changed(
    database: Database,
    client: Client,
    admin: AdminClient,
    functions: InProcess,
    location: str,
    changed: dict[str, Any],
    says: str,
) -> None:
    path, before = f"locations/{location}", version(database, location)

    status, code, message = admin.refusal(path, version=before, **changed)

    assert (status, code) == (400, "request_invalid")
    assert says in message
    assert version(database, location) == before
    assert functions.secrets == {}


def test_stored_secrets_are_not_sent_to_a_new_address(
    database: Database,
    admin: AdminClient,
    functions: InProcess,
    pos: SimulatedPos,
    location: str,
) -> None:
    calls = pos.total_calls()
    elsewhere = {"posConfig": {"baseUrl": "https://example.com/api"}}

    tried = admin.refusal("locations/test", locationId=location, **elsewhere)
    seen = version(database, location)
    saved = admin.refusal(f"locations/{location}", version=seen, **elsewhere)

    for status, _, message in (tried, saved):
        assert status == 400
        assert "posConfig.password: to be given again, as baseUrl changes" in message
    assert pos.total_calls() == calls


def test_a_connection_is_tried_without_storing_anything(
    database: Database,
    client: Client,
    functions: InProcess,
    admin: AdminClient,
    settings: dict[str, Any],
    location: str,
) -> None:
    # When the settings are tried before there is a location
    config = {n: v for n, v in settings.items() if n not in ("status", "locationId")}
    found = admin.post("locations/test", posConfig=config)

    # Then each list of the POS is said to answer, and which location it would be
    assert found["ok"]
    assert {each["name"] for each in found["calls"]} == {
        *("sign_in", "customers", "orders", "inventory", "discounts", "brands"),
    }
    assert all(each["ok"] and each["milliseconds"] >= 0 for each in found["calls"])
    assert found["locationIds"] == [settings["locationId"]]
    assert settings["locationId"] in [each["id"] for each in found["locations"]]
    assert found["timezone"]
    assert functions.secrets == {}
    assert len(list(client.collection("locations").list_documents())) == 1

    # When a stored location is tried as it is
    assert admin.post("locations/test", locationId=location)["ok"]


def test_a_connection_that_fails_says_why_and_whose_turn_it_is(
    admin: AdminClient, pos: SimulatedPos, settings: dict[str, Any], location: str
) -> None:
    wrong = {"password": "wrong, by a letter"}
    found = admin.post("locations/test", locationId=location, posConfig=wrong)
    (call,) = found["calls"]
    assert not found["ok"]
    assert (call["name"], call["code"], call["owner"]) == ("sign_in", "credentials_rejected", "org")
    assert "does not accept the sign-in" in call["problem"]
    assert "by a letter" not in str(found)

    elsewhere = {"locationId": "7777"}
    found = admin.post("locations/test", locationId=location, posConfig=elsewhere)
    problems = {each["name"]: each["problem"] for each in found["calls"] if not each["ok"]}
    assert "the POS has no location 7777" in problems["location"]

    pos.fault("server_error", endpoint="orders", status=503)
    found = admin.post("locations/test", locationId=location)
    failed = {each["name"]: each["owner"] for each in found["calls"] if not each["ok"]}
    assert failed == {"orders": "provider"}


REST = SMALL.model_copy(update={"api_style": "rest", "locations": 2, "api_key": "k-of-tests"})


@pytest.mark.parametrize("specs", [(REST,)])
def test_an_account_that_lists_by_location_is_tried_at_the_location_that_is_meant(
    admin: AdminClient, settings: dict[str, Any]
) -> None:
    # When settings without a location are tried, where the sign-in names one
    config = {n: v for n, v in settings.items() if n not in ("status", "locationId")}
    found = admin.post("locations/test", posConfig=config)

    # Then that one's lists are asked for
    assert found["ok"], found["calls"]
    known = [each["id"] for each in found["locations"]]
    assert len(known) == 2
    assert found["locationIds"] == [min(known)]

    # When a key signs in, which names none
    named = ("provider", "apiStyle", "baseUrl")
    key = {"apiKey": REST.api_key, "apiKeyHeader": "X-Api-Key"}
    found = admin.post("locations/test", posConfig={n: settings[n] for n in named} | key)

    # Then it says which there are, and asks for no list that is of one of them
    failed = {each["name"]: each["problem"] for each in found["calls"] if not each["ok"]}
    assert set(failed) == {"location"}, failed
    assert all(each in failed["location"] for each in known)
    assert [each["id"] for each in found["locations"]] == known
    asked = {each["name"] for each in found["calls"] if each["ok"]}
    assert asked == {"sign_in", "discounts", "brands"}


def test_a_location_that_is_added_is_synced_and_one_that_is_paused_is_not(
    client: Client,
    store: StoredDocuments,
    admin: AdminClient,
    functions: InProcess,
    settings: dict[str, Any],
    location: str,
) -> None:
    # Given an org without a location, but for one that is paused
    admin.post(f"locations/{location}/pause")
    assert client.document(f"locations/{location}").get().get("posConfig.status") == "paused"
    config = {name: value for name, value in settings.items() if name != "status"}

    # When one is added and resumed
    added = admin.post("locations", name="Second Street", posConfig=config)["locationId"]
    answer = admin.post(f"locations/{added}/resume")
    admin.do_syncs()

    # Then it is synced, and its secrets are sealed
    assert store.run(ORG, answer["runId"])["state"] == "succeeded"
    stored = client.document(f"locations/{added}").get().to_dict() or {}
    assert stored["orgId"] == ORG
    sealed = stored["posConfig"]["password"]
    assert functions.opened(sealed, ORG, "posConfig.password", added) == settings["password"]


def test_whatever_is_wrong_with_a_location_it_can_be_paused(
    client: Client, admin: AdminClient, org_config: OrgConfig, location: str
) -> None:
    org_config.update_locations(apiStyle="soap")

    admin.post(f"locations/{location}/pause")

    assert client.document(f"locations/{location}").get().get("posConfig.status") == "paused"
    status, _, message = admin.refusal(f"locations/{location}/resume")
    assert (status, "posConfig.apiStyle" in message) == (400, True)


def test_another_orgs_location_is_not_there(
    client: Client, admin: AdminClient, location: str
) -> None:
    client.document("locations/theirs").set({"orgId": "org_other", "posConfig": {}})

    for path in ("locations/theirs/pause", "locations/theirs/resume"):
        assert admin.refusal(path)[:2] == (404, "not_found")
    tried = admin.refusal("locations/test", locationId="theirs", posConfig={"provider": "alleaves"})
    assert tried[:2] == (404, "not_found")
    assert admin.refusal(f"locations/{location}/pause", by=OTHER)[:2] == (403, "not_allowed")
    taken = admin.refusal(
        "locations", locationId="theirs", posConfig={"provider": "alleaves", "apiKey": "k"}
    )
    assert taken[:2] == (409, "changed_meanwhile")
