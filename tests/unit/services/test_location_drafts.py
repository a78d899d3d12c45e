"""A location's settings with a change that somebody wants."""

from typing import Any

import pytest
from pydantic import SecretStr

from shared.errors import RequestInvalid
from shared.outbound.destinations import Destinations
from shared.pos.config import SECRETS, AlleavesConfig, LightspeedConfig
from shared.services.admin.drafts import LocationChange, draft_of

ORG = "org_harbor"
ALLOWED = Destinations.read("alleaves=elsewhere.example.com")
CONFIG: dict[str, Any] = {
    "provider": "alleaves",
    "status": "active",
    "username": "ada",
    "password": "secret:pos-org_harbor-main-password",
    "pin": 1234,
    "locationId": "1000",
    "storeId": "of another program",
}
STORED = {
    "orgId": ORG,
    "name": "Main Street",
    "posConfig": CONFIG,
    "hours": "of another program",
}


def changed(given: dict[str, Any] | None = None, **config: Any) -> Any:
    return draft_of(ORG, "main", STORED, LocationChange(given or {}, config), ALLOWED)


def test_fields_left_out_keep_their_value_and_one_that_is_none_is_removed() -> None:
    draft = changed({"name": None}, username="eve", locationId=None)

    assert draft.fields == {
        "orgId": ORG,
        "hours": "of another program",
        "posConfig": {
            "provider": "alleaves",
            "status": "active",
            "username": "eve",
            "password": "secret:pos-org_harbor-main-password",
            "pin": 1234,
            "storeId": "of another program",
        },
    }
    assert draft.typed == ()


def test_only_secrets_that_were_typed_are_to_be_kept() -> None:
    assert changed(password="open sesame", pin="").typed == ("password",)
    assert changed(password="secret:pos-org_harbor-main-password/versions/4").typed == ()
    assert changed(password="sealed:AAAA").typed == ()
    assert changed(webhookSecret="a secret that is compared").typed == ()


@pytest.mark.parametrize(
    "config", [{"baseUrl": "https://elsewhere.example.com/api"}, {"provider": "lightspeed"}]
)
def test_secrets_that_are_stored_are_not_sent_elsewhere(config: dict[str, Any]) -> None:
    with pytest.raises(RequestInvalid) as refused:
        changed(**config)

    for name in ("password", "pin"):
        assert f"posConfig.{name}: to be given again" in str(refused.value)


def test_an_address_that_stays_needs_no_secret_again() -> None:
    assert changed(provider="alleaves").location.pos_config.provider == "alleaves"


@pytest.mark.parametrize(
    "reference",
    ["secret:cron-secret", "secret:pos-org_other-x", "secret:pos-org_harbor2-x", "secret:"],
)
def test_no_secret_of_others_can_be_named(reference: str) -> None:
    with pytest.raises(RequestInvalid, match="posConfig"):
        changed(password=reference)


def test_an_old_unknown_field_stays_and_a_new_one_is_refused() -> None:
    old = {**STORED, "posConfig": {**CONFIG, "pasword": "typo"}}

    assert draft_of(ORG, "main", old, LocationChange({}, {"pin": "4321"}), ALLOWED).typed == (
        "pin",
    )
    with pytest.raises(RequestInvalid, match="unknown field userName"):
        changed(userName="ada")


def test_what_is_wrong_is_said_without_the_value() -> None:
    with pytest.raises(RequestInvalid) as refused:
        changed(apiStyle="a secret in the wrong field", password="open sesame")

    assert "posConfig.apiStyle" in str(refused.value)
    assert "secret in" not in str(refused.value)


def test_every_secret_of_the_settings_is_known_as_one() -> None:
    kept = {"webhookSecret"}
    for model in (AlleavesConfig, LightspeedConfig):
        kept |= {
            str(field.alias)
            for name, field in model.model_fields.items()
            if SecretStr.__name__ in str(field.annotation)
        }
    assert kept == set(SECRETS)
