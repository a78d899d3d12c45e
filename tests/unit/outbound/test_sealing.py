"""Sealed secrets: whose turn it is when one cannot be opened, and what a key's rotation does."""

import traceback

import pytest
from google.api_core import exceptions as google
from google.auth.exceptions import DefaultCredentialsError
from pydantic import SecretStr

from shared.domain.org_secrets import SecretPlace
from shared.errors import ConfigurationInvalid, Owner, SecretsUnavailable
from shared.outbound import sealing
from shared.outbound.credentials import CACHE_SECONDS, SecretResolver
from shared.outbound.sealing import SEALED, Sealer
from tests.fakes import SteppingClock
from tests.sealing import KEY, InProcessKms, memory_sealer

PLACE = SecretPlace("org_harbor", "posConfig.pin", "main")
OTHER = SecretPlace("org_juniper", "posConfig.pin", "main")
TEXT = SecretStr("4821-s3cret")


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> InProcessKms:
    kms = InProcessKms()
    monkeypatch.setattr(sealing, "key_manager", lambda: kms)
    return kms


def refuse(resource: str) -> str:
    raise AssertionError(resource)


def resolver(sealer: Sealer, clock: SteppingClock | None = None) -> SecretResolver:
    return SecretResolver(refuse, "demo", (clock or SteppingClock()).monotonic, sealer=sealer)


def test_what_an_older_version_of_the_key_has_sealed_stays_readable(kms: InProcessKms) -> None:
    sealed = Sealer(KEY).seal(TEXT, PLACE)
    kms.rotate()
    newer = Sealer(KEY).seal(TEXT, PLACE)

    kms.disabled.add((KEY, 1))

    assert Sealer(KEY).open(newer, PLACE) == TEXT.get_secret_value()
    with pytest.raises(SecretsUnavailable, match="FailedPrecondition"):
        Sealer(KEY).open(sealed, PLACE)


@pytest.mark.parametrize(
    "kind",
    [
        *(google.PermissionDenied, google.NotFound, google.ServiceUnavailable),
        *(google.DeadlineExceeded, google.ResourceExhausted, DefaultCredentialsError),
    ],
)
def test_a_key_that_may_not_be_used_is_the_operators_turn(
    kms: InProcessKms, kind: type[Exception]
) -> None:
    sealed = Sealer(KEY).seal(TEXT, PLACE)
    kms.error = kind("not now")

    with pytest.raises(SecretsUnavailable) as raised:
        resolver(Sealer(KEY)).text_of(sealed, PLACE)

    assert raised.value.owner is Owner.US
    assert str(raised.value) == (
        f"the secret in posConfig.pin of location main could not be opened: {kind.__name__}"
    )


def test_what_is_damaged_on_its_way_is_neither_kept_nor_used(kms: InProcessKms) -> None:
    sealed = Sealer(KEY).seal(TEXT, PLACE)
    kms.damage = True

    with pytest.raises(SecretsUnavailable, match="damaged"):
        Sealer(KEY).seal(TEXT, PLACE)
    with pytest.raises(SecretsUnavailable, match="damaged"):
        Sealer(KEY).open(sealed, PLACE)


def test_a_deployment_without_a_key_says_so(kms: InProcessKms) -> None:
    with pytest.raises(SecretsUnavailable, match="SECRETS_KEY is not set"):
        Sealer().seal(TEXT, PLACE)
    with pytest.raises(SecretsUnavailable, match="SECRETS_KEY is not set"):
        resolver(Sealer()).text_of(SecretStr(f"{SEALED}AAAA"), PLACE)


def test_a_secret_copied_from_another_org_is_the_orgs_to_replace() -> None:
    sealer = memory_sealer()
    sealed = sealer.seal(TEXT, OTHER)

    with pytest.raises(ConfigurationInvalid) as raised:
        resolver(sealer).text_of(sealed, PLACE)

    assert raised.value.owner is Owner.ORG
    assert str(raised.value) == (
        "the secret in posConfig.pin of location main cannot be opened: it was not sealed for this"
        " place, or not with this key. Replace it with: sync-sam secret rotate org_harbor"
        " posConfig.pin --location main"
    )
    assert TEXT.get_secret_value() not in "".join(traceback.format_exception(raised.value))


def test_what_another_org_has_opened_is_not_there_for_whoever_copies_it() -> None:
    # Given a secret that is in memory, for its own org
    sealer = memory_sealer()
    shared = resolver(sealer)
    sealed = sealer.seal(TEXT, OTHER)
    assert shared.text_of(sealed, OTHER) == TEXT

    # Then
    with pytest.raises(ConfigurationInvalid):
        shared.text_of(sealed, PLACE)


@pytest.mark.parametrize("code", ["", "not base64!", "é", "AAAA"])
def test_what_was_never_sealed_is_the_orgs_to_replace(code: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="cannot be opened"):
        resolver(memory_sealer()).text_of(SecretStr(SEALED + code), PLACE)


def test_a_secret_is_opened_once_in_a_while_and_a_new_one_at_once(kms: InProcessKms) -> None:
    # Given
    clock, sealer = SteppingClock(), Sealer(KEY)
    opened = resolver(sealer, clock)
    sealed, calls = sealer.seal(TEXT, PLACE), kms.calls
    for _ in range(10):
        assert opened.text_of(sealed, PLACE) == TEXT
    assert kms.calls == calls + 1

    # When it is replaced, then the next use has the new one
    replaced = sealer.seal(SecretStr("next"), PLACE)
    assert opened.text_of(replaced, PLACE).get_secret_value() == "next"

    # And it does not stay in memory for ever
    clock.advance(CACHE_SECONDS + 1)
    calls = kms.calls
    opened.text_of(sealed, PLACE)
    assert kms.calls == calls + 1
