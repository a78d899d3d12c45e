"""A retailer's connection at Lightspeed, tried and given."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.spec import OrgSpec
from tests.emulator.admin.client import AdminClient
from tests.simulated_lightspeed import SMALL_RETAILER, SimulatedLightspeed

ORG = SMALL_RETAILER.org_id
MANAGER = {"uid": "manager", "role": "dispensary_admin", "orgId": ORG}


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    """Nobody at Alleaves."""
    return ()


@pytest.fixture
def location(client: Client, lightspeed: SimulatedLightspeed) -> str:
    """The id of the retailer's first location."""
    return min(str(each.id) for each in client.collection("locations").list_documents())


def ask(admin: AdminClient, location: str, **config: Any) -> Any:
    return admin.post(
        "locations/test", by=MANAGER, orgId=ORG, locationId=location, posConfig=config
    )


def test_a_retailers_lists_and_outlets_are_found(admin: AdminClient, location: str) -> None:
    found = ask(admin, location)

    assert found["ok"], json.dumps(found)
    assert found["provider"] == "lightspeed"
    assert found["locations"]
    assert set(found["locationIds"]) <= {each["id"] for each in found["locations"]}


def test_a_wrong_token_is_the_dispensarys_turn(admin: AdminClient, location: str) -> None:
    found = ask(admin, location, token="none that there is")

    (call,) = found["calls"]
    assert (call["name"], call["owner"]) == ("sign_in", "org")
    assert "Check the token" in call["problem"]


def test_a_token_is_sealed(admin: AdminClient, client: Client, location: str) -> None:
    before = client.document(f"locations/{location}").get().to_dict() or {}
    config = {n: v for n, v in before["posConfig"].items() if n not in ("status", "webhookSecret")}

    added = admin.post("locations", by=MANAGER, orgId=ORG, posConfig=config)["locationId"]

    stored = client.document(f"locations/{added}").get().to_dict() or {}
    assert stored["posConfig"]["token"].startswith("sealed:")
    assert stored["posConfig"]["status"] == "active"
