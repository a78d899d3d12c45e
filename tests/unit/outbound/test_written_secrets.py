"""Secrets that people type into settings, as Secret Manager keeps them."""

from types import SimpleNamespace
from typing import Any

import pytest
from google.api_core import exceptions as google
from pydantic import SecretStr

from shared.domain.org_secrets import SecretPlace, is_name_of
from shared.errors import ConfigurationInvalid
from shared.outbound import written_secrets
from shared.outbound.credentials import SecretsUnavailable
from shared.outbound.written_secrets import (
    WrittenSecrets,
    add_version,
    drop_version,
    name_for,
)

NAME = "pos-org_harbor-main-password"
TEXT = SecretStr("open sesame")


class EmptyManager:
    """Has no secret to begin with. ``error`` is what it raises when a version is added."""

    def __init__(self) -> None:
        self.versions: dict[str, list[bytes]] = {}
        self.destroyed: list[str] = []
        self.error: Exception | None = None

    def create_secret(self, request: dict[str, Any], timeout: float) -> None:
        assert timeout < 30
        assert request["secret"] == {"replication": {"automatic": {}}}
        name = f"{request['parent']}/secrets/{request['secret_id']}"
        if name in self.versions:
            raise _refusal(google.AlreadyExists)
        self.versions[name] = []

    def add_secret_version(self, request: dict[str, Any], timeout: float) -> SimpleNamespace:
        if self.error:
            raise self.error
        if request["parent"] not in self.versions:
            raise _refusal(google.NotFound)
        kept = self.versions[request["parent"]]
        kept.append(request["payload"]["data"])
        return SimpleNamespace(name=f"{request['parent']}/versions/{len(kept)}")

    def destroy_secret_version(self, name: str, timeout: float) -> None:
        self.destroyed.append(name)


def _refusal(kind: type[Exception]) -> Exception:
    return kind("no")


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> EmptyManager:
    empty = EmptyManager()
    monkeypatch.setattr(written_secrets, "secret_manager", lambda: empty)
    return empty


@pytest.fixture
def secrets() -> WrittenSecrets:
    return WrittenSecrets(add_version, drop_version, "demo")


def test_a_secret_is_made_with_its_first_text_and_named_by_its_version(
    manager: EmptyManager, secrets: WrittenSecrets
) -> None:
    first, second = secrets.write(NAME, TEXT), secrets.write(NAME, SecretStr("open barley"))

    assert (first, second) == (f"secret:{NAME}/versions/1", f"secret:{NAME}/versions/2")
    assert manager.versions == {f"projects/demo/secrets/{NAME}": [b"open sesame", b"open barley"]}


def test_one_that_its_provider_replaces_is_named_without_a_version(
    manager: EmptyManager, secrets: WrittenSecrets
) -> None:
    assert secrets.write(NAME, TEXT, replaced=True) == f"secret:{NAME}"


@pytest.mark.parametrize(
    ("reference", "destroyed"),
    [
        (f"secret:{NAME}/versions/3", [f"projects/demo/secrets/{NAME}/versions/3"]),
        (f"secret:{NAME}", []),
        ("secret:pos-org_harbor-other/versions/3", []),
        ("open sesame", []),
        (None, []),
    ],
)
def test_only_a_version_of_the_secret_itself_is_destroyed(
    manager: EmptyManager, secrets: WrittenSecrets, reference: object, destroyed: list[str]
) -> None:
    secrets.drop(NAME, reference)

    assert manager.destroyed == destroyed


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (google.PermissionDenied, ConfigurationInvalid),
        (google.DeadlineExceeded, SecretsUnavailable),
    ],
)
def test_a_secret_that_cannot_be_kept_is_named_without_its_text(
    manager: EmptyManager,
    secrets: WrittenSecrets,
    error: type[Exception],
    expected: type[Exception],
) -> None:
    manager.error = error("no")

    with pytest.raises(expected, match=NAME) as raised:
        secrets.write(NAME, TEXT)

    assert "sesame" not in str(raised.value)


@pytest.mark.parametrize(
    ("org_id", "location_id"),
    [("org_harbor", "main"), ("org harbor", "main street"), ("a-b", "x.y:z"), ("o", "x" * 200)],
)
def test_a_secret_is_kept_under_a_name_that_its_org_may_give(org_id: str, location_id: str) -> None:
    name = name_for(SecretPlace(org_id, "posConfig.password", location_id))

    assert is_name_of(org_id, name)
    assert not is_name_of("org_other", name)


def test_places_that_differ_have_secrets_that_do() -> None:
    places = [
        SecretPlace("org_harbor", field, location_id)
        for field in ("password", "pin")
        for location_id in ("main", "main street", "main-street", "x" * 101, "x" * 102)
    ]
    places.append(SecretPlace("org_harbor", "alpineIq.apiKey"))

    assert name_for(places[0]) == NAME
    assert len({name_for(place) for place in places}) == len(places)
