"""Sign-in with e-mail and password, by Firebase Authentication's REST.

https://cloud.google.com/identity-platform/docs/reference/rest/v1/accounts/signInWithPassword
"""

import hashlib
import time
from collections.abc import Callable, Mapping

import structlog
from pydantic import BaseModel, Field, SecretStr

from shared.cache import CountingWindow
from shared.errors import CredentialsRejected, RateLimited, RetryLater, Unauthenticated
from shared.outbound.failures import StatusRefused
from shared.outbound.session import HttpCall, HttpSession

GOOGLE = "https://identitytoolkit.googleapis.com/v1"
FAILURES_OF_ONE = 10
FAILURES_OF_ALL = 200
"""In WINDOW_SECONDS, at one instance; Google limits attempts of its own."""
WINDOW_SECONDS = 600.0
ADDRESSES_KEPT = 10_000
_EVERYBODY = "everybody"
_INVALID = 400

log = structlog.get_logger(__name__)


def emulated(host: str) -> str:
    """The base URL of an emulator at ``host``."""
    return f"http://{host}/identitytoolkit.googleapis.com/v1"


class PasswordSignIn:
    """Signs people in. Safe for threads; failures are counted by each instance for itself."""

    def __init__(
        self,
        http: HttpSession,
        api_key: str,
        base_url: str = GOOGLE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._api_key = api_key
        self._base_url = base_url
        self._failures = CountingWindow[str](ADDRESSES_KEPT, WINDOW_SECONDS, monotonic)

    def __call__(self, email: str, password: SecretStr) -> str:
        """An ID token. Raises Unauthenticated, RateLimited after many failures, RetryLater where
        sign-in is not set up as it must be, and ProviderError where Google fails."""
        if not self._api_key:
            log.error("sign_in_not_set_up")
            raise RetryLater("sign-in by e-mail is not set up: firebase_api_key is not set")
        keys = {_key_of(email): FAILURES_OF_ONE, _EVERYBODY: FAILURES_OF_ALL}
        self._refuse_if_often(keys)
        try:
            return self._ask(email, password)
        except CredentialsRejected as error:
            log.exception("sign_in_not_set_up")
            raise RetryLater("the sign-in service refuses firebase_api_key") from error
        except StatusRefused as error:
            if error.status != _INVALID:
                raise
            for key in keys:
                self._failures.count(key)
            log.info("sign_in_refused")
            raise Unauthenticated(
                "the e-mail or the password is wrong, or the account is disabled"
            ) from None

    def _ask(self, email: str, password: SecretStr) -> str:
        body = {
            "email": email,
            "password": password.get_secret_value(),
            "returnSecureToken": True,
        }
        call = HttpCall(
            "POST",
            f"{self._base_url}/accounts:signInWithPassword",
            provider="The sign-in service",
            what="a sign-in",
            json=body,
            headers={"X-Goog-Api-Key": self._api_key},
        )
        return self._http.call(call, _id_token).data

    def _refuse_if_often(self, keys: Mapping[str, int]) -> None:
        for key, most in keys.items():
            failures, seconds = self._failures.so_far(key)
            if failures >= most:
                left = max(1, round(seconds))
                log.warning("sign_in_limited", everybody=key == _EVERYBODY)
                raise RateLimited(
                    f"too many failed sign-ins: try again in {-(-left // 60)} minutes",
                    retry_after=left,
                )


def _key_of(email: str) -> str:
    # No personal data is kept in memory longer than a call.
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()


class _Answer(BaseModel):
    id_token: str = Field(alias="idToken")


def _id_token(answer: object) -> str:
    return _Answer.model_validate(answer).id_token
