"""Secrets that people type into settings, as Secret Manager keeps them."""

from types import SimpleNamespace
from typing import Any

import pytest
from google.api_core import exceptions as google
from pydantic import SecretStr

from shared.errors import ConfigurationInvalid
from shared.outbound import written_secrets
from shared.outbound.credentials import SecretsUnavailable
from shared.outbound.written_secrets import (
    WrittenSecrets,
    add_version,
    belongs_to,
    drop_version,
    secret_name,
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


def test_the_names_of_an_orgs_secrets_begin_with_the_org() -> None:
    assert secret_name("org_harbor", "main", "password") == NAME
    assert belongs_to(f"secret:{NAME}", "org_harbor")
    assert not belongs_to(f"secret:{NAME}", "harbor")
    assert not belongs_to("secret:cron-secret", "org_harbor")
    for ids in (("org harbor", "main"), ("org_härbor", "main"), ("org", "x" * 300)):
        with pytest.raises(ConfigurationInvalid, match="letters, digits"):
            secret_name(*ids)
