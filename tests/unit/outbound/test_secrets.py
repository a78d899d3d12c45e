"""References to secrets: resolved, or told by whom and how."""

import traceback
from types import SimpleNamespace

import pytest
from google.api_core import exceptions as google
from google.auth.exceptions import DefaultCredentialsError
from pydantic import SecretStr

from shared.domain.org_secrets import SecretPlace
from shared.errors import ConfigurationInvalid, Owner, SecretsUnavailable
from shared.outbound import credentials
from shared.outbound.credentials import SecretResolver, read_secret

PLACE = SecretPlace("org_main", "posConfig.pin", "main")
WHERE = "posConfig.pin of location main"
RESOURCE = "projects/demo/secrets/pos-org_main-pin/versions/latest"
Answer = bytes | Exception


class CannedSecrets:
    """In the place of Google's client: gives, or raises, what it is told to."""

    def __init__(self) -> None:
        self.answer: Answer = b"4821"
        self.asked: list[str] = []

    def access_secret_version(self, *, name: str, timeout: float) -> SimpleNamespace:
        self.asked.append(name)
        if isinstance(self.answer, Exception):
            raise self.answer
        return SimpleNamespace(payload=SimpleNamespace(data=self.answer))


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> CannedSecrets:
    canned = CannedSecrets()
    monkeypatch.setattr(credentials, "secret_manager", lambda: canned)
    return canned


def resolved(value: str = "secret:pos-org_main-pin") -> str:
    resolver = SecretResolver(read_secret, "demo", plain_text=True)
    return resolver.text_of(SecretStr(value), PLACE).get_secret_value()


def test_a_reference_is_read_and_text_is_text(secrets: CannedSecrets) -> None:
    assert resolved() == "4821"
    assert resolved("17") == "17"
    assert secrets.asked == [RESOURCE]


def test_a_version_has_as_many_digits_as_the_local_cloud_gives_it(secrets: CannedSecrets) -> None:
    assert resolved("secret:pos-org_main-pin/versions/1795331566525752") == "4821"
    assert secrets.asked == [RESOURCE.replace("latest", "1795331566525752")]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (google.NotFound, "Secret [pos-org_main-pin] not found or has no versions"),
        (google.PermissionDenied, "Permission denied (or it may not exist)"),
        (google.FailedPrecondition, "It is in DESTROYED state"),
        (google.InvalidArgument, "No valid name"),
        (None, "it is no text in UTF-8"),
    ],
    ids=["missing", "forbidden", "destroyed", "misnamed", "binary"],
)
def test_a_reference_that_leads_nowhere_is_the_org_s_to_correct(
    secrets: CannedSecrets, kind: type[Exception] | None, says: str
) -> None:
    secrets.answer = kind(says) if kind else b"\xff\xfe4821"

    with pytest.raises(ConfigurationInvalid) as raised:
        resolved()

    assert str(raised.value) == (
        f"the secret pos-org_main-pin, which {WHERE} names, cannot be read: {says}"
    )
    assert "4821" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    "kind",
    [google.ServiceUnavailable, google.Unauthenticated, google.Unknown, DefaultCredentialsError],
)
def test_a_secret_manager_that_does_not_answer_is_the_operators_turn(
    secrets: CannedSecrets, kind: type[Exception]
) -> None:
    secrets.answer = kind("not now")

    with pytest.raises(SecretsUnavailable) as raised:
        resolved()

    assert raised.value.owner is Owner.US
    assert str(raised.value) == (
        f"the secret pos-org_main-pin, which {WHERE} names, could not be asked for: {kind.__name__}"
    )
    # and what failed once is asked for again
    secrets.answer = b"4821"
    assert resolved() == "4821"


def test_a_reference_to_nothing_is_said_to_be_one(secrets: CannedSecrets) -> None:
    with pytest.raises(ConfigurationInvalid, match="is none of org org_main"):
        resolved("secret:")

    assert secrets.asked == []
