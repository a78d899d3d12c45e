"""Refresh tokens that a provider replaces, where the org's settings hold them sealed."""

from typing import Any

import pytest
from google.cloud.firestore import Client
from pydantic import SecretStr

from shared.domain.org_secrets import SecretPlace
from shared.errors import ConfigurationInvalid, SecretsUnavailable
from shared.outbound.rotating import RotatingSecrets, SealedTokens
from shared.outbound.sealing import Sealer
from shared.store.database import Database
from shared.store.refresh_tokens import RefreshTokens
from tests.sealing import memory_sealer

ORG, OTHER = "org_test", "org_other"
TOKEN = SecretPlace(ORG, "posConfig.refreshToken", "retail")


@pytest.fixture
def sealer() -> Sealer:
    return memory_sealer()


def stored(client: Client, path: str) -> dict[str, Any]:
    return client.document(path).get().to_dict() or {}


def refuse(resource: str) -> str:
    raise AssertionError(resource)


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


def test_a_token_that_could_not_be_kept_is_kept_with_its_next_use(
    client: Client, database: Database, sealer: Sealer
) -> None:
    # Given an instance that could not keep the next token
    given = sealer.seal(SecretStr("refresh-1"), TOKEN)
    tokens = RefreshTokens(database, sealer)
    down = [True]

    def keep(given: SecretStr, place: SecretPlace, text: str) -> None:
        if down:
            raise SecretsUnavailable("DeadlineExceeded")
        tokens.keep(given, place, text)

    secrets = RotatingSecrets(refuse, _never, "demo", SealedTokens(tokens.newest, keep))
    with pytest.raises(SecretsUnavailable, match="the secret in posConfig"):
        secrets.at(given, TOKEN).replace(SecretStr("refresh-2"))

    # When it is used again
    down.clear()
    newest = secrets.at(given, TOKEN).newest()

    # Then it is kept for the others
    assert newest.get_secret_value() == "refresh-2"
    assert rotating(database, sealer).at(given, TOKEN).newest() == newest
