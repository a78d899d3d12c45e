"""What an org may write into the POS settings of a location, and how it is told what is wrong."""

from typing import Any, get_args

import pytest
from pydantic import SecretStr, ValidationError

from shared.domain.org_secrets import name_prefix
from shared.domain.providers import PROVIDERS
from shared.errors import ConfigurationInvalid, at_fault
from shared.models import FrozenCamelModel
from shared.outbound.credentials import SecretResolver
from shared.pos.config import (
    SECRET_FIELDS,
    AlleavesConfig,
    LightspeedConfig,
    Location,
    SignIn,
    read_location,
    require_complete,
    unknown_fields,
    with_fallback,
    with_secrets,
)
from tests.unit.pos.alleaves.service import location


def wrong(**pos_config: Any) -> str:
    with pytest.raises(ValidationError) as raised:
        Location.model_validate({"id": "1", "orgId": "org", "posConfig": pos_config})
    return at_fault(raised.value, tags=PROVIDERS)


@pytest.mark.parametrize(
    ("pos_config", "says"),
    [
        (
            {"provider": "alleaves", "username": "me", "locationId": "1"},
            "posConfig.status: Field required",
        ),
        (
            {"provider": "alleaves", "status": "active", "apiKeyHeader": "X Key: 1\r\n"},
            "posConfig.apiKeyHeader: String should match pattern '^[A-Za-z0-9-]{1,64}$'",
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


def read(**pos_config: Any) -> Location:
    """A location as it is stored."""
    given = {"provider": "alleaves", "status": "active", "username": "me", **pos_config}
    return read_location("main-street", {"orgId": "org", "posConfig": given})


@pytest.mark.parametrize(
    ("pos_config", "unknown"),
    [
        ({"password": "x", "locationId": "1", "storeId": "1", "environment": "production"}, ()),
        ({"password": "x", "webhookSecret": {"odd": 1}, "apiKey": "k", "baseUrl": None}, ()),
        ({"pasword": "x"}, ("pasword",)),
        ({"locationID": "1", "colour": "green", "password": "x"}, ("colour", "locationID")),
        ({"unknown": "x", "model_config": 1}, ("model_config", "unknown")),
    ],
)
def test_fields_that_the_provider_does_not_have_are_named(
    pos_config: dict[str, Any], unknown: tuple[str, ...]
) -> None:
    assert read(**pos_config).unknown == unknown


def test_of_an_unknown_provider_the_fields_are_named_that_none_has() -> None:
    stored = {"provder": "alleaves", "status": "active", "token": "t", "username": "me"}
    assert unknown_fields(stored) == ("provder",)
    assert unknown_fields({"provider": "lightspeed", "username": "me"}) == ("username",)


@pytest.mark.parametrize(
    ("pos_config", "says"),
    [
        ({"pasword": "x"}, "unknown field pasword; posConfig.password is missing"),
        ({"password": ""}, "posConfig.password is missing"),
        (
            {"username": "", "user": "me", "pass": "x"},
            (
                "unknown fields pass, user; posConfig.username is missing;"
                " posConfig.password is missing"
            ),
        ),
    ],
)
def test_who_cannot_sign_in_is_told_what_is_missing_and_what_is_unknown(
    pos_config: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationInvalid) as raised:
        require_complete(read(**pos_config))
    assert str(raised.value) == f"the POS settings of location main-street are not valid: {says}"


@pytest.mark.parametrize(
    "pos_config", [{"password": "x"}, {"apiKey": "k"}, {"apiKey": "k", "username": ""}]
)
def test_a_password_or_a_key_will_do(pos_config: dict[str, Any]) -> None:
    require_complete(read(**pos_config))


ENVIRONMENT = SignIn("me", SecretStr("word"), SecretStr("7"))


@pytest.mark.parametrize(
    ("pos_config", "fallback", "used"),
    [
        ({"username": ""}, ENVIRONMENT, ("me", "word", "7")),
        ({}, ENVIRONMENT, ("me", "word", "7")),
        ({"pin": "1"}, ENVIRONMENT, ("me", "word", "1")),
        ({}, ENVIRONMENT._replace(username=""), ("me", "word", "7")),
        # Nothing is missing, or it is somebody else's.
        ({"password": "own"}, ENVIRONMENT, ("me", "own", "")),
        ({"username": "other"}, ENVIRONMENT, ("other", "", "")),
        ({"username": "", "apiKey": "k"}, ENVIRONMENT, ("", "", "")),
    ],
)
def test_the_environment_gives_what_the_settings_lack(
    pos_config: dict[str, Any], fallback: SignIn, used: tuple[str, str, str]
) -> None:
    resolver = SecretResolver(lambda resource: f"text of {resource}", "project")
    config = with_fallback(read(**pos_config), fallback, resolver).pos_config

    assert isinstance(config, AlleavesConfig)
    secrets = (config.password.get_secret_value(), config.pin.get_secret_value())
    assert (config.username, *secrets) == used


def test_the_secret_of_webhooks_is_not_resolved_with_those_of_the_sync() -> None:
    def refuse(resource: str) -> str:
        raise LookupError(resource)

    stored = read(password="text", webhookSecret="secret:elsewhere")

    assert with_secrets(stored, SecretResolver(refuse, "project", plain_text=True)) == stored


def test_nothing_that_is_misspelt_is_kept_or_shown() -> None:
    assert "sesame" not in repr(read(pasword="sesame", webhookSecret="sesame").pos_config)
    assert "sesame" not in str(read(pasword="sesame").model_dump())


def test_a_time_zone_that_is_not_given_is_none_until_the_pos_names_one() -> None:
    assert location().timezone is None
    assert location().zone.key == "America/New_York"


def test_locations_that_the_pos_lists_apart_have_clients_of_their_own() -> None:
    here, there = {"locationId": "1000"}, {"locationId": "1001"}
    key = location(**here).pos_config.listing_key
    assert location(**there).pos_config.listing_key == key
    rest = location(apiStyle="rest", **here).pos_config
    other = location(apiStyle="rest", **there).pos_config
    assert rest.listing_key != other.listing_key
    assert rest.account_key == other.account_key


def test_two_keys_without_a_user_name_are_two_accounts() -> None:
    one, other = (location(username="", apiKey=key).pos_config for key in ("k1", "k2"))
    assert one.account_key != other.account_key


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


WORD = f"{name_prefix('org-1')}word"


def test_references_are_replaced_by_their_secrets() -> None:
    resolver = SecretResolver(lambda resource: f"text of {resource}", "project", plain_text=True)

    config = with_secrets(location(password=f"secret:{WORD}", pin=7), resolver).pos_config

    secrets = config.model_dump()
    assert secrets["password"].get_secret_value() == (
        f"text of projects/project/secrets/{WORD}/versions/latest"
    )
    assert secrets["pin"].get_secret_value() == "7"


RETAILER = {"provider": "lightspeed", "status": "active", "domainPrefix": "harbor"}
OAUTH = {
    "clientId": "app-17",
    "clientSecret": "secret:pos-org-app",
    "refreshToken": "secret:pos-org-r",
}


def retailer(**pos_config: Any) -> Location:
    return read_location("harbor", {"orgId": "org", "posConfig": {**RETAILER, **pos_config}})


@pytest.mark.parametrize(
    ("pos_config", "missing"),
    [
        ({"token": "lsxs_pt_nobody"}, ()),
        (OAUTH, ()),
        ({"token": "lsxs_pt_nobody", "clientSecret": "for webhooks"}, ()),
        ({}, ("token",)),
        ({"token": "t", "domainPrefix": ""}, ("domainPrefix",)),
        ({"token": "t", "domainPrefix": "", "baseUrl": "http://127.0.0.1:8085"}, ()),
        ({"clientId": "app-17"}, ("clientSecret", "refreshToken")),
    ],
)
def test_a_retailer_signs_in_with_a_token_or_with_oauth(
    pos_config: dict[str, Any], missing: tuple[str, ...]
) -> None:
    assert retailer(**pos_config).pos_config.missing == missing


def test_the_version_of_the_api_does_not_make_another_account() -> None:
    old, new = (retailer(token="t", apiVersion=version) for version in ("2.0", "2026-07"))

    assert old.pos_config.account_key == new.pos_config.account_key
    assert isinstance(new.pos_config, LightspeedConfig)
    assert new.pos_config.address == "https://harbor.retail.lightspeed.app/api/2026-07"


def test_what_a_retailer_s_settings_do_not_have_is_told() -> None:
    assert retailer(token="t", username="me", refreshtoken="x", pageSize=200).unknown == (
        "refreshtoken",
        "username",
    )
    with pytest.raises(ValidationError, match="less than or equal to 1000"):
        retailer(token="t", pageSize=5000)


@pytest.mark.parametrize("model", [AlleavesConfig, LightspeedConfig])
def test_every_secret_of_a_provider_is_known_as_one(model: type[FrozenCamelModel]) -> None:
    (provider,) = get_args(model.model_fields["provider"].annotation)
    secret = [
        field.alias
        for field in model.model_fields.values()
        if "SecretStr" in repr(field.annotation)
    ]
    assert set(secret) == set(SECRET_FIELDS[provider])


def test_a_refresh_token_stays_the_name_of_its_secret() -> None:
    resolver = SecretResolver(lambda resource: f"text of {resource}", "project")

    secrets = with_secrets(retailer(**OAUTH), resolver).pos_config.model_dump()

    assert secrets["refresh_token"].get_secret_value() == "secret:pos-org-r"
    assert secrets["client_secret"].get_secret_value().startswith("text of projects/project")
