"""What the environment gives to sign in at a POS with."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.bootstrap.pos import PosSettings, pos_opener
from shared.bootstrap.settings import SettingsInvalid, start
from shared.errors import ConfigurationInvalid, Owner
from shared.pos.config import Location, read_location
from shared.pos.port import PosClient
from tests.unit.services.sync_in_memory import EmptyDatabase


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Of a function, without an account at the POS."""
    for name in ("ALLEAVES_USERNAME", "ALLEAVES_PASSWORD", "ALLEAVES_PIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "demo")
    monkeypatch.setenv("PLAIN_SECRETS", "allowed")
    monkeypatch.setenv("FIRESTORE_DATABASE", "(default)")
    return monkeypatch


def location(**pos_config: Any) -> Location:
    config = {"provider": "alleaves", "status": "active", "locationId": "1000", **pos_config}
    return read_location("main-street", {"orgId": "org", "posConfig": config})


def opener(settings: PosSettings) -> Callable[[Location], PosClient]:
    return pos_opener(settings, EmptyDatabase(), seconds=60)


def test_settings_without_an_account_are_told_what_is_missing(
    environment: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"posConfig\.username is missing"):
        opener(PosSettings())(location())


def test_the_environment_s_account_serves_where_the_settings_have_none(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("ALLEAVES_USERNAME", "me")
    environment.setenv("ALLEAVES_PASSWORD", "w0rd-17")
    environment.setenv("ALLEAVES_PIN", "7")

    settings = PosSettings()

    assert opener(settings)(location()).provider == "alleaves"
    assert opener(settings)(location(username="me")).provider == "alleaves"
    assert "w0rd-17" not in repr(settings)
    with pytest.raises(ConfigurationInvalid, match=r"posConfig\.password is missing"):
        opener(settings)(location(username="somebody-else"))


def test_a_retailer_at_lightspeed_is_opened_without_any_call(
    environment: pytest.MonkeyPatch,
) -> None:
    oauth = {"clientId": "app", "clientSecret": "s", "refreshToken": "secret:pos-org-r"}
    found = read_location(
        "harbor",
        {
            "orgId": "org",
            "posConfig": {
                "provider": "lightspeed",
                "status": "active",
                "domainPrefix": "harbor",
                **oauth,
            },
        },
    )

    assert opener(PosSettings())(found).changes is not None


def test_a_password_as_text_is_refused_with_the_command_that_mends_it(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.delenv("PLAIN_SECRETS")

    with pytest.raises(ConfigurationInvalid) as raised:
        opener(PosSettings())(location(username="me", password="w0rd-17"))

    assert raised.value.owner is Owner.ORG
    assert str(raised.value) == (
        "the secret in posConfig.password of location main-street is plain text, which is not"
        " accepted: replace it with: sync-sam secret rotate org posConfig.password --location"
        " main-street"
    )


def test_hosts_are_added_by_the_deployment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PROVIDER_HOSTS", "alleaves=pos.example.com")
    added = location(username="me", password="x", baseUrl="https://pos.example.com/api")

    assert opener(PosSettings())(added).provider == "alleaves"
    with pytest.raises(ConfigurationInvalid, match=r"the host evil\.example\.com, which"):
        opener(PosSettings())(
            location(username="me", password="x", baseUrl="https://evil.example.com/api")
        )


@pytest.mark.parametrize(
    "hosts", ["pos.example.com", "alleaves=https://x.com", "square=x.com", "alleaves=10.0.0.1"]
)
def test_hosts_that_are_none_stop_the_function(environment: pytest.MonkeyPatch, hosts: str) -> None:
    environment.setenv("PROVIDER_HOSTS", hosts)

    with pytest.raises(SettingsInvalid, match="PROVIDER_HOSTS"):
        start(PosSettings)
