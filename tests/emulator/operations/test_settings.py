"""An org's settings, as people may see them."""

from typing import Any

import pytest
from google.cloud.firestore import Client

from shared.pos.config import SECRETS
from tests.emulator.operations.client import OperationsClient

ORG = "org_harbor"
SECRET = "hunter2-of-harbor"
ALLEAVES = {
    "provider": "alleaves",
    "status": "active",
    "username": "harbor@example.com",
    "password": SECRET,
    "pin": f"secret:{SECRET}",
    "locationId": 1000,
    "baseUrl": f"https://user:{SECRET}@pos.example.com/api",
    "passwrd": SECRET,
    "webhookSecret": SECRET,
}
TENANT = {
    "name": "Harbor & Daughters",
    "sync": {"lookbackDays": 30, "markups": {"Flower": 2.5}},
    "alpineIq": {"userId": 4711, "apiKey": SECRET},
    "alerts": {
        "urls": [f"mailto://harbor:{SECRET}@example.com", f"slack://{SECRET}"],
        "notify": ["new_ecom_order", "weather"],
    },
}


@pytest.fixture
def configured(client: Client) -> Client:
    def location(location_id: str, config: object, **fields: Any) -> None:
        client.document(f"locations/{location_id}").set(
            {"orgId": ORG, "posConfig": config, **fields}
        )

    client.document(f"tenants/{ORG}").set(TENANT)
    location("a-main", ALLEAVES, name="Main Street", timezone="America/Chicago")
    location("b-pier", {"provider": "lightspeed", "status": "paused", "token": SECRET})
    location("c-wrong", {"provider": "shopify", "status": "active", "token": SECRET})
    location("d-none", "no map")
    client.document("locations/theirs").set({"orgId": "org_other", "posConfig": ALLEAVES})
    return client


def settings(operations: OperationsClient) -> Any:
    return operations.get("settings", token=ORG, orgId=ORG)


@pytest.mark.usefixtures("configured")
def test_no_secret_is_shown_wherever_it_stands(operations: OperationsClient) -> None:
    reply = operations.reply("settings", token=ORG, orgId=ORG)

    assert reply.status_code == 200
    assert SECRET not in reply.text


@pytest.mark.usefixtures("configured")
def test_a_location_shows_its_fields_and_which_secrets_are_set(
    operations: OperationsClient,
) -> None:
    main, pier, *_ = settings(operations)["locations"]

    assert (main["id"], main["name"], main["timezone"]) == (
        "a-main",
        "Main Street",
        "America/Chicago",
    )
    assert main["fields"] == {
        "provider": "alleaves",
        "status": "active",
        "username": "harbor@example.com",
        "locationId": 1000,
        "baseUrl": "https://…@pos.example.com/api",
    }
    assert main["secrets"] == {
        "password": True,
        "pin": True,
        "apiKey": False,
        "webhookSecret": True,
    }
    assert main["unknown"] == ["passwrd"]
    assert "problem" not in main
    assert pier["secrets"] == {
        "token": True,
        "clientSecret": False,
        "refreshToken": False,
        "webhookSecret": False,
    }
    assert not set(SECRETS) & pier["fields"].keys()


@pytest.mark.usefixtures("configured")
def test_a_location_that_is_not_valid_says_why(operations: OperationsClient) -> None:
    wrong, none = settings(operations)["locations"][2:]

    assert "posConfig.provider is none of alleaves, lightspeed" in wrong["problem"]
    assert wrong["secrets"]["token"] is True
    assert none["problem"].startswith("posConfig: ")
    assert none["fields"] == {}


@pytest.mark.usefixtures("configured")
def test_each_part_is_shown_with_its_defaults(operations: OperationsClient) -> None:
    found = settings(operations)

    assert found["name"] == "Harbor & Daughters"
    assert found["sync"] == {
        "ordersSince": "2020-01-01",
        "lookbackDays": 30,
        "maxDeletePercent": 20,
        "deletedCustomers": "mark",
        "markups": {"Flower": 2.5},
    }
    assert [tier["id"] for tier in found["loyaltySettings"]["tiers"]] == [
        "bronze",
        "silver",
        "gold",
    ]
    assert found["loyaltySettings"]["equityMultiplier"] == 1.2
    assert (found["alpineIq"]["userId"], found["alpineIq"]["secrets"]) == ("4711", {"apiKey": True})
    assert [each["service"] for each in found["alerts"]["addresses"]] == ["mailto", "slack"]
    assert found["alerts"]["notify"] == ["new_ecom_order"]
    assert "weather" in found["warnings"][0]
    assert found["problems"] == {}


def test_a_part_that_is_wrong_says_so_and_the_others_are_shown(
    operations: OperationsClient, configured: Client
) -> None:
    before = settings(operations)["version"]
    wrong = {"sync.lookbackDays": 0, "loyaltySettings": {"pointsPerDollar": -1}}
    configured.document(f"tenants/{ORG}").update(wrong)

    found = settings(operations)

    assert found["version"] > before
    assert found["problems"].keys() == {"sync", "loyaltySettings"}
    assert "lookbackDays" in found["problems"]["sync"]
    assert "sync" not in found
    assert found["alpineIq"]["userId"] == "4711"


def test_an_org_without_a_document_of_its_own_has_defaults(
    operations: OperationsClient, client: Client
) -> None:
    client.document("locations/only").set({"orgId": ORG, "posConfig": ALLEAVES})

    found = settings(operations)

    assert "version" not in found
    assert found["sync"]["lookbackDays"] == 90
    assert "alpineIq" not in found
    assert found["alerts"] == {"addresses": [], "notify": []}
