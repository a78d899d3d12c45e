"""What Sync Sam relies on in a key service: the local cloud's, with its key in a file, and Cloud
KMS as its stand-in in this process behaves. The real one is not reached from here."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local.kms import KEY_BYTES, KeyManager, key_in
from shared.domain.org_secrets import SecretPlace
from shared.outbound import sealing
from shared.outbound.sealing import MOST_BYTES, SEALED, Sealer
from tests.sealing import KEY, InProcessKms

PLACE = SecretPlace("org_harbor", "posConfig.password", "main-street")
ELSEWHERE = [
    SecretPlace("org_juniper", "posConfig.password", "main-street"),
    SecretPlace("org_harbor", "posConfig.password", "side-street"),
    SecretPlace("org_harbor", "posConfig.pin", "main-street"),
    SecretPlace("org_harbor", "posConfig.password"),
]
TEXT = "öpen sesame 17"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "secrets.key"


@pytest.fixture(params=["key file", "cloud"])
def sealer(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, key_file: Path
) -> Iterator[Sealer]:
    if request.param == "cloud":
        kms = InProcessKms()
        monkeypatch.setattr(sealing, "key_manager", lambda: kms)
        yield Sealer(KEY)
        return
    with closing(KeyManager(key_in(key_file))) as server:
        monkeypatch.setenv("KMS_EMULATOR_HOST", server.host)
        sealing.key_manager.cache_clear()
        yield Sealer(KEY)
        sealing.key_manager.cache_clear()


def test_what_is_sealed_for_a_place_is_opened_there(sealer: Sealer) -> None:
    sealed = sealer.seal(SecretStr(TEXT), PLACE)

    assert sealed.get_secret_value().startswith(SEALED)
    assert "sesame" not in sealed.get_secret_value()
    assert sealer.open(sealed, PLACE) == TEXT


def test_one_text_is_sealed_to_another_each_time(sealer: Sealer) -> None:
    sealed = {sealer.seal(SecretStr(TEXT), PLACE).get_secret_value() for _ in range(5)}

    assert len(sealed) == 5


@pytest.mark.parametrize("place", ELSEWHERE, ids=str)
def test_copied_elsewhere_it_cannot_be_opened(sealer: Sealer, place: SecretPlace) -> None:
    sealed = sealer.seal(SecretStr(TEXT), PLACE)

    with pytest.raises(LookupError, match="not sealed for this place") as raised:
        sealer.open(sealed, place)

    assert TEXT not in str(raised.value)


@pytest.mark.parametrize(
    "change", [lambda s: s[:-4], lambda s: s + "AAAA", lambda _: "", str.swapcase]
)
def test_what_was_changed_or_cut_cannot_be_opened(sealer: Sealer, change: object) -> None:
    assert callable(change)
    code = sealer.seal(SecretStr(TEXT), PLACE).get_secret_value().removeprefix(SEALED)

    with pytest.raises(LookupError):
        sealer.open(SecretStr(SEALED + change(code)), PLACE)


def test_the_longest_secret_is_sealed_and_a_longer_one_is_not(sealer: Sealer) -> None:
    longest = "x" * MOST_BYTES

    assert sealer.open(sealer.seal(SecretStr(longest), PLACE), PLACE) == longest
    for wrong in ("", longest + "x"):
        with pytest.raises(ValueError, match="1 to 10,000 bytes"):
            sealer.seal(SecretStr(wrong), PLACE)


def test_a_key_in_a_file_outlives_the_local_cloud_and_is_its_owners(key_file: Path) -> None:
    key = key_in(key_file)

    assert key_in(key_file) == key
    assert len(key) == KEY_BYTES
    assert key_file.stat().st_mode & 0o077 == 0
    assert [each.name for each in key_file.parent.iterdir()] == [key_file.name]
    key_file.write_bytes(b"short")
    with pytest.raises(ValueError, match="is no key"):
        key_in(key_file)
