"""Secrets that people replace by command or page, and those that providers replace."""

from typing import Any

import pytest
from google.cloud.firestore import Client
from pydantic import SecretStr
from structlog.testing import capture_logs

from shared.domain.org_secrets import SecretPlace
from shared.errors import ConfigurationInvalid, SecretsUnavailable
from shared.outbound.credentials import SecretResolver
from shared.outbound.rotating import RotatingSecrets, SealedTokens
from shared.outbound.sealing import SEALED, Sealer
from shared.services.org_secrets import OrgSecrets
from shared.store.database import Conflict, Database
from shared.store.refresh_tokens import RefreshTokens
from tests.sealing import memory_sealer, silent_sealer

ORG, OTHER = "org_test", "org_other"
NEW = SecretStr("n3w-s3cret")
ALLEAVES = {
    "provider": "alleaves",
    "status": "active",
    "username": "me",
    "password": "text",
    "pin": 7,
}
LIGHTSPEED = {"provider": "lightspeed", "status": "active", "domainPrefix": "harbor", "token": "t"}


@pytest.fixture
def sealer() -> Sealer:
    return memory_sealer()


@pytest.fixture
def org_secrets(client: Client, database: Database, sealer: Sealer) -> OrgSecrets:
    """Of an org with a location at each provider, and of another."""
    for location, org, config in (
        ("main", ORG, ALLEAVES),
        ("retail", ORG, LIGHTSPEED),
        ("theirs", OTHER, ALLEAVES),
    ):
        client.document(f"locations/{location}").set({"orgId": org, "posConfig": config})
    client.document(f"tenants/{ORG}").set({"alpineIq": {"userId": "1", "apiKey": "key"}})
    return OrgSecrets(database, sealer)


def stored(client: Client, path: str) -> dict[str, Any]:
    return client.document(path).get().to_dict() or {}


def refuse(resource: str) -> str:
    raise AssertionError(resource)


def test_a_secret_that_is_replaced_is_in_force_with_the_next_use(
    client: Client, org_secrets: OrgSecrets, sealer: Sealer
) -> None:
    # Given an instance that has used the secret before
    resolver = SecretResolver(refuse, "demo", plain_text=True, sealer=sealer)
    place = SecretPlace(ORG, "posConfig.password", "main")
    before = stored(client, "locations/main")["posConfig"]
    assert resolver.text_of(SecretStr(before["password"]), place).get_secret_value() == "text"

    # When
    with capture_logs() as logs:
        replaced, was = org_secrets.rotate(ORG, "password", NEW)

    # Then
    config = stored(client, "locations/main")["posConfig"]
    assert replaced == place
    assert was is not None
    assert was.kept == "text"
    assert resolver.text_of(SecretStr(config["password"]), place) == NEW
    assert {**config, "password": ""} == {**before, "password": ""}
    assert NEW.get_secret_value() not in f"{config} {logs}"
    (line,) = (each for each in logs if each["event"] == "org_secret_replaced")
    assert line["field"] == "posConfig.password"


@pytest.mark.parametrize(
    ("field", "location", "path"),
    [
        ("posConfig.pin", "", "locations/main"),
        ("apiKey", "main", "locations/main"),
        ("token", "", "locations/retail"),
        ("alpineIq.apiKey", "", f"tenants/{ORG}"),
    ],
)
def test_every_secret_is_found_by_its_field(
    client: Client, org_secrets: OrgSecrets, sealer: Sealer, field: str, location: str, path: str
) -> None:
    place, _ = org_secrets.rotate(ORG, field, NEW, location)

    section, _, name = place.field.partition(".")
    text = stored(client, path)[section][name]
    assert text.startswith(SEALED)
    assert sealer.open(SecretStr(text), place) == NEW.get_secret_value()


@pytest.mark.parametrize(
    ("field", "location", "says"),
    [
        ("webhookSecret", "", "has a secret webhookSecret: there are apiKey, clientSecret"),
        ("username", "", "has a secret username: there are apiKey, clientSecret, password"),
        ("password", "retail", "has a secret password: there are clientSecret, refreshToken"),
        ("password", "theirs", "org org_test has no location theirs"),
        ("password", "nowhere", "org org_test has no location nowhere"),
    ],
)
def test_what_is_not_clear_is_said(
    client: Client, org_secrets: OrgSecrets, field: str, location: str, says: str
) -> None:
    before = [stored(client, f"locations/{each}") for each in ("main", "retail", "theirs")]

    with pytest.raises(ConfigurationInvalid, match=says):
        org_secrets.rotate(ORG, field, NEW, location)

    assert [stored(client, f"locations/{each}") for each in ("main", "retail", "theirs")] == before


def test_where_several_locations_have_the_field_one_is_to_be_named(
    client: Client, org_secrets: OrgSecrets
) -> None:
    client.document("locations/second").set({"orgId": ORG, "posConfig": ALLEAVES})

    with pytest.raises(ConfigurationInvalid, match="org_test have password: main, second"):
        org_secrets.rotate(ORG, "password", NEW)

    assert org_secrets.rotate(ORG, "password", NEW, "second")[0].location_id == "second"


def test_no_secret_or_one_that_is_too_long_is_refused(org_secrets: OrgSecrets) -> None:
    for wrong in ("", "x" * 10_001):
        with pytest.raises(ConfigurationInvalid, match="1 to 10,000 bytes"):
            org_secrets.rotate(ORG, "password", SecretStr(wrong))


def test_an_org_without_a_loyalty_account_has_no_key_to_replace(org_secrets: OrgSecrets) -> None:
    with pytest.raises(ConfigurationInvalid, match="tenants/org_other has no alpineIq"):
        org_secrets.rotate(OTHER, "alpineIq.apiKey", NEW)


def test_text_is_sealed_and_the_rest_stays(client: Client, org_secrets: OrgSecrets) -> None:
    # Given
    client.document("locations/retail").update({"posConfig.clientSecret": "secret:pos-org_test-x"})

    # When
    sealed = org_secrets.seal(ORG)

    # Then
    assert [str(each) for each in sealed] == [
        *("posConfig.password of location main", "posConfig.pin of location main"),
        *("posConfig.token of location retail", "alpineIq.apiKey of org org_test"),
    ]
    kept = {str(each.place): (each.kept, each.name) for each in org_secrets.of(ORG)}
    assert kept.pop("posConfig.clientSecret of location retail") == ("named", "pos-org_test-x")
    assert set(kept.values()) == {("sealed", "")}
    assert stored(client, "locations/theirs")["posConfig"] == ALLEAVES
    assert org_secrets.seal(ORG) == []


def test_a_change_by_somebody_else_at_that_moment_is_not_lost(
    client: Client, database: Database, sealer: Sealer, org_secrets: OrgSecrets
) -> None:
    class Meanwhile(Database):
        changes = 2

        def commit(self, writes: Any) -> Any:
            if self.changes:
                self.changes -= 1
                client.document("locations/main").update({"posConfig.username": str(self.changes)})
            return super().commit(writes)

    OrgSecrets(Meanwhile(client), sealer).rotate(ORG, "password", NEW)

    config = stored(client, "locations/main")["posConfig"]
    assert config["username"] == "0"
    assert config["password"].startswith(SEALED)
    Meanwhile.changes = 99
    with pytest.raises(Conflict):
        OrgSecrets(Meanwhile(client), sealer).rotate(ORG, "password", NEW)


def test_without_a_key_service_nothing_is_changed(
    client: Client, database: Database, org_secrets: OrgSecrets
) -> None:
    before = stored(client, "locations/main")

    with pytest.raises(SecretsUnavailable):
        OrgSecrets(database, silent_sealer()).rotate(ORG, "password", NEW)

    assert stored(client, "locations/main") == before


def test_new_settings_are_stored_with_their_secrets_sealed(
    org_secrets: OrgSecrets, sealer: Sealer
) -> None:
    named = {**ALLEAVES, "apiKey": "secret:pos-org_test-key"}

    config = org_secrets.sealed_config(ORG, "new", named)

    place = SecretPlace(ORG, "posConfig.pin", "new")
    assert sealer.open(SecretStr(config["pin"]), place) == "7"
    assert config["password"].startswith(SEALED)
    assert (config["apiKey"], config["username"]) == (named["apiKey"], "me")
    assert org_secrets.sealed_config(ORG, "new", config) == config


TOKEN = SecretPlace(ORG, "posConfig.refreshToken", "retail")


def rotating(database: Database, sealer: Sealer) -> RotatingSecrets:
    tokens = RefreshTokens(database, sealer)
    return RotatingSecrets(refuse, _never, "demo", SealedTokens(tokens.newest, tokens.keep))


def _never(resource: str, text: str) -> None:
    raise AssertionError(resource)


def test_a_refresh_token_that_is_replaced_is_kept_for_every_instance(
    client: Client, database: Database, sealer: Sealer
) -> None:
    # Given
    given = sealer.seal(SecretStr("refresh-1"), TOKEN)
    assert rotating(database, sealer).at(given, TOKEN).newest().get_secret_value() == "refresh-1"

    # When one instance has used it up
    rotating(database, sealer).at(given, TOKEN).replace(SecretStr("refresh-2"))

    # Then another has the next one, and nobody can read it there
    assert rotating(database, sealer).at(given, TOKEN).newest().get_secret_value() == "refresh-2"
    kept = stored(client, f"tenants/{ORG}/sync_state/refresh_token_retail")
    assert "refresh-2" not in str(kept)
    assert client.document("locations/retail").get().exists is False


def test_a_token_that_a_person_has_set_counts_more_than_one_that_was_kept(
    database: Database, sealer: Sealer
) -> None:
    # Given a token that was replaced, and could not be kept once
    given = sealer.seal(SecretStr("refresh-1"), TOKEN)
    secrets = rotating(database, sealer)
    secrets.at(given, TOKEN).replace(SecretStr("refresh-2"))

    # When a person connects the account anew
    anew = sealer.seal(SecretStr("refresh-a"), TOKEN)

    # Then
    assert secrets.at(anew, TOKEN).newest().get_secret_value() == "refresh-a"
    secrets.at(anew, TOKEN).replace(SecretStr("refresh-b"))
    assert secrets.at(anew, TOKEN).newest().get_secret_value() == "refresh-b"


def test_a_token_of_another_org_is_not_opened(database: Database, sealer: Sealer) -> None:
    theirs = sealer.seal(SecretStr("theirs"), SecretPlace(OTHER, TOKEN.field, "theirs"))

    with pytest.raises(ConfigurationInvalid, match="not sealed for this place"):
        rotating(database, sealer).at(theirs, TOKEN).newest()
