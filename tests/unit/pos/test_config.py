"""What an org may write into the POS settings of a location, and how it is told what is wrong."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.errors import at_fault
from shared.outbound.credentials import SecretResolver
from shared.pos.config import PROVIDERS, Location, with_secrets
from tests.unit.pos.alleaves.service import location


def wrong(**pos_config: Any) -> str:
    with pytest.raises(ValidationError) as raised:
        Location.model_validate({"id": "1", "orgId": "org", "posConfig": pos_config})
    return at_fault(raised.value, tags=PROVIDERS)


@pytest.mark.parametrize(
    ("pos_config", "says"),
    [
        (
            {"provider": "alleaves", "status": "active", "locationId": "1"},
            "posConfig: Value error, posConfig.username is missing",
        ),
        (
            {"provider": "alleaves", "status": "active", "username": "me"},
            "posConfig.locationId: Field required",
        ),
        (
            {"provider": "lightspeed", "status": "active", "locationId": "1", "token": {}},
            "posConfig.token: Input should be a valid string",
        ),
    ],
)
def test_what_is_wrong_is_named_as_it_is_stored(pos_config: dict[str, Any], says: str) -> None:
    assert wrong(**pos_config) == says


@pytest.mark.parametrize("pos_config", [{}, {"provider": "till"}, {"provider": ["alleaves"]}])
def test_a_provider_is_needed_that_exists(pos_config: dict[str, Any]) -> None:
    assert wrong(status="active", locationId="1", **pos_config) == (
        "posConfig: Value error, posConfig.provider is none of alleaves, lightspeed"
    )


def test_fields_that_no_provider_has_are_ignored() -> None:
    assert location(colour="green") == location()


def test_locations_of_one_user_in_one_style_are_one_account() -> None:
    key = location().pos_config.account_key

    assert location(locationId="2000", pin="1").pos_config.account_key == key
    for other in ({"username": "x"}, {"apiStyle": "rest"}, {"baseUrl": "https://pos.example.com"}):
        assert location(**other).pos_config.account_key != key


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (None, "https://app.alleaves.com/api"),
        ("", "https://app.alleaves.com/api"),
        ("https://App.Alleaves.com:443/api/", "https://app.alleaves.com/api"),
        ("HTTP://pos.example.com:80", "http://pos.example.com/"),
        ("https://pos.example.com:8443//", "https://POS.example.com:8443"),
    ],
)
def test_an_address_is_the_same_however_it_is_written(written: str | None, meant: str) -> None:
    one, other = (location(baseUrl=url).pos_config for url in (written, meant))
    assert one.account_key == other.account_key
    assert one.location_key == other.location_key


def test_another_address_user_or_id_is_another_location() -> None:
    key = location().pos_config.location_key

    for same in ({"apiStyle": "rest"}, {"pin": "1"}, {"password": "secret:x"}):
        assert location(**same).pos_config.location_key == key
    for other in (
        *({"baseUrl": f"https://{a}"} for a in ("pos.example.com", "app.alleaves.com/API", "[")),
        *({"username": "x"}, {"locationId": "2000"}),
    ):
        assert location(**other).pos_config.location_key != key


def test_references_are_replaced_by_their_secrets() -> None:
    resolver = SecretResolver(lambda resource: f"text of {resource}", "project")

    config = with_secrets(location(password="secret:word", pin=7), resolver).pos_config

    secrets = config.model_dump()
    assert secrets["password"].get_secret_value() == (
        "text of projects/project/secrets/word/versions/latest"
    )
    assert secrets["pin"].get_secret_value() == "7"
