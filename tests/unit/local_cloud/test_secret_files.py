"""Where the local cloud finds the secrets that settings name."""

from pathlib import Path

import pytest

from deploy.local.environment import Addresses, of_function
from deploy.local.paths import SECRETS
from deploy.local.secret_manager import LocalSecrets, NoSecret
from deploy.manifest import Manifest

NAME = "main-street-password"


def test_a_secret_is_the_file_of_its_name_without_the_line_break_that_editors_add(
    tmp_path: Path,
) -> None:
    secrets = LocalSecrets(tmp_path, {"SECRET_MAIN_STREET_PASSWORD": "of the environment"})

    (tmp_path / NAME).write_bytes(b" open sesame\r\n")

    assert secrets.read(NAME) == b" open sesame"


def test_without_a_file_it_is_the_variable_of_its_name(tmp_path: Path) -> None:
    secrets = LocalSecrets(tmp_path, {"SECRET_MAIN_STREET_PASSWORD": "open sesame", "PATH": "/bin"})

    assert secrets.read(NAME) == b"open sesame"
    with pytest.raises(NoSecret):
        secrets.read("PATH")


def test_a_missing_secret_says_where_to_put_it_and_how() -> None:
    secrets = LocalSecrets(SECRETS, {})

    with pytest.raises(NoSecret) as raised:
        secrets.read("of-no-test")

    says = str(raised.value)
    assert "printf %s 'THE SECRET' > .local/secrets/of-no-test" in says
    assert "SECRET_OF_NO_TEST" in says


def test_a_missing_secret_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("open sesame")

    with pytest.raises(NoSecret, match=f"does not have it, it has {NAME}. Put it there") as raised:
        LocalSecrets(tmp_path, {}).read("main-street-pasword")

    assert "sesame" not in str(raised.value)


def test_an_empty_file_is_no_secret_and_one_that_comes_later_is_found(tmp_path: Path) -> None:
    secrets = LocalSecrets(tmp_path, {})
    (tmp_path / NAME).write_text("\n")
    with pytest.raises(NoSecret):
        secrets.read(NAME)

    (tmp_path / NAME).write_text("open sesame")

    assert secrets.read(NAME) == b"open sesame"


def test_functions_are_told_where_secrets_are_read() -> None:
    manifest = Manifest.read()
    addresses = Addresses("demo-p", "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4")

    found = of_function(
        manifest.functions["org_sync"], manifest, addresses, dict.fromkeys(manifest.secrets, "")
    )

    assert found["SECRET_MANAGER_EMULATOR_HOST"] == "127.0.0.1:4"
