"""An org's own settings: each field held against what reads it, only what is given changed."""

from typing import Any

import pytest
from google.cloud.firestore import Client
from pydantic import SecretStr

from shared.services.alerts import address_id
from shared.store.database import Database, version_text
from tests.emulator.admin.client import OTHER, AdminClient
from tests.emulator.functions import InProcess

ORG = "org_test"
TENANT = f"tenants/{ORG}"
MAIL, CHAT = "mailto://alerts:secret-pass@example.com", "slack://TokenA/TokenB/TokenC/%23alerts"


def version(database: Database) -> str | None:
    """As GET /api/settings shows it."""
    read = database.get(TENANT).version
    return version_text(read) if read else None


def stored(client: Client) -> dict[str, Any]:
    return client.document(TENANT).get().to_dict() or {}


def test_only_what_is_given_changes(client: Client, database: Database, admin: AdminClient) -> None:
    # Given settings, and fields of other programs beside them
    before = {
        "name": "Juniper & Sons",
        "sync": {"lookbackDays": 30, "markups": {"flower": 2}},
        "loyaltySettings": {"pointsPerDollar": 2},
    }
    client.document(TENANT).set(before)

    # When a field is changed, one is removed, and a whole part is
    admin.post(
        "settings",
        version=version(database),
        sync={"maxDeletePercent": 5, "markups": None},
        loyaltySettings=None,
    )

    # Then the rest is as it was
    assert stored(client) == {
        "name": "Juniper & Sons",
        "sync": {"lookbackDays": 30, "maxDeletePercent": 5},
    }
    (action,) = admin.actions(orgId=ORG)
    assert (action["action"], action["target"]) == ("settings_changed", "loyaltySettings, sync")


def test_the_first_settings_of_an_org_make_its_document(
    client: Client, database: Database, admin: AdminClient
) -> None:
    answer = admin.post("settings", sync={"ordersSince": "2024-01-01"})

    assert stored(client) == {"sync": {"ordersSince": "2024-01-01"}}
    assert answer["version"] == version(database)


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"sync": {"lookbackDays": 0}}, "sync.lookbackDays"),
        ({"sync": {"ordersSince": "soon"}}, "sync.ordersSince"),
        ({"sync": {"lookBackDays": 3}}, "sync.lookBackDays: there is no such setting"),
        ({"loyaltySettings": {"tiers": [{"id": "a", "threshold": "x"}]}}, "loyaltySettings.tiers"),
        ({"loyaltySettings": {"pointsPerDollar": -1}}, "loyaltySettings.pointsPerDollar"),
        ({"alpineIq": {"userId": "17"}}, "alpineIq.apiKey"),
        ({"alpineIq": {"userId": "17", "apiKey": "secret:cron-secret"}}, "alpineIq.apiKey"),
        ({"alpineIq": {"userId": "17", "apiKey": "k" * 10_001}}, "alpineIq.apiKey"),
        ({"alpineIq": {"baseUrl": "https://a.example.com"}}, "a.example.com"),
        ({"alerts": {"notify": ["everything"]}}, "alerts.notify"),
        ({"alerts": {"urls": ["exec://ls"]}}, "alerts.urls.0"),
        ({"addAlertUrls": ["no address"]}, "alerts.urls.0"),
    ],
)
def test_a_field_that_is_wrong_is_named(
    client: Client, admin: AdminClient, functions: InProcess, parts: dict[str, Any], says: str
) -> None:
    status, code, message = admin.refusal("settings", **parts)

    assert (status, code) == (400, "request_invalid")
    assert says in message
    assert stored(client) == {}
    assert functions.secrets == {}


def test_of_two_who_save_the_later_is_told(
    client: Client, database: Database, admin: AdminClient
) -> None:
    seen = admin.post("settings", sync={"lookbackDays": 30})["version"]
    admin.post("settings", version=seen, sync={"lookbackDays": 40})

    for late in ({"version": seen}, {}):
        assert admin.refusal("settings", sync={"lookbackDays": 50}, **late)[:2] == (
            409,
            "changed_meanwhile",
        )
    assert stored(client)["sync"] == {"lookbackDays": 40}


def test_a_key_is_sealed_and_not_sent_to_a_new_address(
    client: Client, admin: AdminClient, functions: InProcess
) -> None:
    # Given an account at Alpine IQ
    account = {"userId": 17, "apiKey": "the key"}
    seen = admin.post("settings", alpineIq=account)["version"]
    kept = stored(client)["alpineIq"]
    assert functions.opened(kept["apiKey"], ORG, "alpineIq.apiKey") == "the key"
    assert kept == {"userId": 17, "apiKey": kept["apiKey"]}

    # When another field changes, then the key stays
    seen = admin.post("settings", version=seen, alpineIq={"userId": 18})["version"]
    assert stored(client)["alpineIq"] == kept | {"userId": 18}

    # When the address changes, then the key is asked for again
    elsewhere = {"baseUrl": "https://example.com"}
    status, _, message = admin.refusal("settings", version=seen, alpineIq=elsewhere)
    assert (status, "apiKey: to be given again" in message) == (400, True)


def test_alert_addresses_are_added_removed_and_tested_without_being_shown(
    client: Client, admin: AdminClient, functions: InProcess
) -> None:
    # Given two addresses, one of which is taken away by its id
    seen = admin.post("settings", addAlertUrls=[MAIL, CHAT])["version"]
    removed = [address_id(SecretStr(CHAT))]
    admin.post("settings", version=seen, removeAlertUrls=removed)
    assert stored(client)["alerts"] == {"urls": [MAIL]}

    # When a test is sent
    answer = admin.post("alerts/test")

    # Then it came to the one that is left, which is named by its id
    assert answer == {
        "addresses": [{"id": address_id(SecretStr(MAIL)), "service": "mailto", "accepted": True}]
    }
    ((address, text),) = functions.alerted
    assert address == MAIL
    assert ORG in text
    assert admin.actions(orgId=ORG)[0]["action"] == "alerts_tested"


def test_the_settings_of_another_org_are_not_changed(client: Client, admin: AdminClient) -> None:
    assert admin.refusal("settings", by=OTHER, sync={"lookbackDays": 5})[:2] == (
        403,
        "not_allowed",
    )
    assert stored(client) == {}
