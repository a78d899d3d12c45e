"""What the environment gives to sign in at a POS with."""

from typing import Any

import pytest

from shared.bootstrap.pos import PosSettings, pos_opener
from shared.errors import ConfigurationInvalid
from shared.pos.config import Location, read_location


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Of a function, without an account at the POS."""
    for name in ("ALLEAVES_USERNAME", "ALLEAVES_PASSWORD", "ALLEAVES_PIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "demo")
    monkeypatch.setenv("FIRESTORE_DATABASE", "(default)")
    return monkeypatch


def location(**pos_config: Any) -> Location:
    config = {"provider": "alleaves", "status": "active", "locationId": "1000", **pos_config}
    return read_location("main-street", {"orgId": "org", "posConfig": config})


def test_settings_without_an_account_are_told_what_is_missing(
    environment: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"posConfig\.username is missing"):
        pos_opener(PosSettings())(location())


def test_the_environment_s_account_serves_where_the_settings_have_none(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("ALLEAVES_USERNAME", "me")
    environment.setenv("ALLEAVES_PASSWORD", "w0rd-17")
    environment.setenv("ALLEAVES_PIN", "7")

    settings = PosSettings()

    assert pos_opener(settings)(location()).provider == "alleaves"
    assert pos_opener(settings)(location(username="me")).provider == "alleaves"
    assert "w0rd-17" not in repr(settings)
    with pytest.raises(ConfigurationInvalid, match=r"posConfig\.password is missing"):
        pos_opener(settings)(location(username="somebody-else"))
