"""The Secret Manager server, spoken to as the functions speak to Google's."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from google.cloud import secretmanager

from deploy.local.secret_manager import SecretManager
from shared.errors import SecretsUnavailable
from shared.outbound import credentials
from shared.outbound.credentials import read_secret
from shared.outbound.rotating import add_secret

SECRET = "projects/demo-secrets/secrets/main-street-password/versions"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


@pytest.fixture
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretManager]:
    """The server that a function finds by its environment."""
    with closing(SecretManager.of_folder(folder)) as running:
        monkeypatch.setenv("SECRET_MANAGER_EMULATOR_HOST", running.host)
        credentials.secret_manager.cache_clear()
        yield running
    credentials.secret_manager.cache_clear()


@pytest.mark.usefixtures("server")
def test_a_secret_is_read_by_its_full_name_whatever_its_version(folder: Path) -> None:
    (folder / "main-street-password").write_text("öpen sesame\n", encoding="utf-8")

    assert read_secret(f"{SECRET}/latest") == "öpen sesame"
    assert read_secret(f"{SECRET}/3") == "öpen sesame"
    assert isinstance(credentials.secret_manager(), secretmanager.SecretManagerServiceClient)


@pytest.mark.usefixtures("server")
def test_a_secret_that_is_replaced_is_read_as_it_became(folder: Path) -> None:
    (folder / "main-street-password").write_text("open sesame")

    add_secret(SECRET.removesuffix("/versions"), "open barley")

    assert read_secret(f"{SECRET}/latest") == "open barley"
    assert [each.name for each in folder.iterdir()] == ["main-street-password"]


@pytest.mark.usefixtures("server")
def test_a_secret_may_stand_in_the_environment_of_the_local_cloud(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET_MAIN_STREET_PASSWORD", "open sesame")

    assert read_secret(f"{SECRET}/latest") == "open sesame"


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("main-street-password", "SECRET_MAIN_STREET_PASSWORD"),
        ("main street", "letters, digits"),
        ("../stack.json", "letters, digits"),
    ],
)
def test_what_is_not_there_is_said_in_words(name: str, says: str) -> None:
    with pytest.raises(LookupError, match=says):
        read_secret(f"projects/demo-secrets/secrets/{name}/versions/latest")


def test_only_its_owner_may_look_into_the_folder(server: SecretManager, folder: Path) -> None:
    assert folder.stat().st_mode & 0o077 == 0


def test_a_server_that_cannot_read_is_not_a_missing_secret(
    server: SecretManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> bytes:
        raise OSError(f"no more files for {name}")

    monkeypatch.setattr(server._secrets, "read", broken)

    with pytest.raises(SecretsUnavailable):
        read_secret(f"{SECRET}/latest")
