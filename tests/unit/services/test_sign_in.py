"""Sign-in with a password, as Firebase's REST answers."""

import pytest
from pydantic import SecretStr

from shared.errors import (
    ProviderError,
    ProviderFailed,
    RateLimited,
    ReplyUnreadable,
    RetryLater,
    Unauthenticated,
)
from shared.outbound.session import HttpSession, HttpSettings
from shared.services.sign_in import (
    FAILURES_OF_ALL,
    FAILURES_OF_ONE,
    WINDOW_SECONDS,
    PasswordSignIn,
)
from tests.unit.pos.fakes import Canned, FakeTime, FakeTransport, Sent, ok

REFUSED = Canned(400, b'{"error": {"code": 400, "message": "INVALID_LOGIN_CREDENTIALS"}}')
PASSWORD = SecretStr("correct horse")


class Google:
    """Lets ``ann@example.com`` in with PASSWORD, unless it is told to answer otherwise."""

    def __init__(self, api_key: str = "the-key") -> None:
        self.time = FakeTime()
        self.otherwise: Canned | None = None
        self.transport = FakeTransport(self._answer)
        http = HttpSession(
            HttpSettings(attempts=2),
            transport=self.transport,
            sleep=self.time.sleep,
            monotonic=self.time.monotonic,
            clock=self.time.now,
        )
        self.sign_in = PasswordSignIn(http, api_key, monotonic=self.time.monotonic)

    def _answer(self, sent: Sent) -> Canned:
        right = {"email": "ann@example.com", "password": "correct horse", "returnSecureToken": True}
        return self.otherwise or (ok({"idToken": "a token"}) if sent.body == right else REFUSED)

    def fail(self, email: str = "ann@example.com") -> None:
        with pytest.raises(Unauthenticated):
            self.sign_in(email, SecretStr("wrong"))


def test_the_right_password_gives_a_token_and_the_key_is_not_in_the_address() -> None:
    google = Google()

    assert google.sign_in("ann@example.com", PASSWORD) == "a token"

    (sent,) = google.transport.sent
    assert sent.url == "https://identitytoolkit.googleapis.com/v1/accounts:signInWithPassword"
    assert sent.headers["X-Goog-Api-Key"] == "the-key"


def test_a_refusal_says_what_may_be_wrong_and_not_which() -> None:
    with pytest.raises(Unauthenticated, match="e-mail or the password is wrong, or the account"):
        Google().sign_in("eve@example.com", PASSWORD)


def test_after_many_failures_google_is_not_asked_any_more_until_the_window_ends() -> None:
    # Given
    google = Google()
    for _ in range(FAILURES_OF_ONE):
        google.fail()
    asked = len(google.transport.sent)
    # When
    with pytest.raises(RateLimited, match="try again in 10 minutes") as limited:
        google.sign_in("ANN@example.com ", PASSWORD)
    # Then
    assert 0 < limited.value.retry_after <= WINDOW_SECONDS
    assert len(google.transport.sent) == asked
    # When the window is over
    google.time.sleep(WINDOW_SECONDS + 1)
    # Then
    assert google.sign_in("ann@example.com", PASSWORD) == "a token"


def test_failures_of_one_do_not_keep_another_out_until_there_are_very_many() -> None:
    google = Google()
    for number in range(FAILURES_OF_ALL - 1):
        google.fail(f"eve{number // (FAILURES_OF_ONE - 1)}@example.com")
    assert google.sign_in("ann@example.com", PASSWORD) == "a token"

    google.fail("eve@example.com")

    with pytest.raises(RateLimited):
        google.sign_in("ann@example.com", PASSWORD)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Canned(500, b""), ProviderFailed),
        (Canned(403, b"{}"), RetryLater),
        (Canned(404, b"{}"), ProviderError),
        (ok({"idToken": 1}), ReplyUnreadable),
        (ok([]), ReplyUnreadable),
    ],
)
def test_a_failure_of_google_is_not_the_persons(answer: Canned, error: type[Exception]) -> None:
    google = Google()
    google.otherwise = answer

    with pytest.raises(error):
        google.sign_in("ann@example.com", PASSWORD)

    google.otherwise = None
    assert google.sign_in("ann@example.com", PASSWORD) == "a token"


def test_without_a_key_nobody_is_asked() -> None:
    google = Google(api_key="")

    with pytest.raises(RetryLater, match="firebase_api_key"):
        google.sign_in("ann@example.com", PASSWORD)

    assert not google.transport.sent
