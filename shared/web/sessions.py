"""Firebase session cookies and ID tokens, with firebase-admin: begun, ended and verified, that is
signature, audience, issuer and expiry, and with Google that the session is not revoked and the
account not disabled."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from firebase_admin import App, auth
from firebase_admin.exceptions import FirebaseError, InvalidArgumentError

from shared.errors import RetryLater, Unauthenticated

T = TypeVar("T")

CLOCK_SKEW_SECONDS = 5
# The errors of firebase-admin for an invalid token; all others mean that it could not be checked.
_NOT_VALID = (ValueError, InvalidArgumentError, auth.UserNotFoundError)

log = structlog.get_logger(__name__)


class FirebaseSessions:
    """Sessions of one Firebase project. Thread-safe.

    All methods raise Unauthenticated, and RetryLater while Google cannot be reached.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    def of_cookie(self, cookie: str) -> Mapping[str, Any]:
        """The claims of a session cookie."""
        return _asked(
            lambda: auth.verify_session_cookie(
                cookie,
                app=self._app,
                check_revoked=True,
                clock_skew_seconds=CLOCK_SKEW_SECONDS,
            )
        )

    def of_token(self, token: str) -> Mapping[str, Any]:
        """The claims of an ID token."""
        return _asked(
            lambda: auth.verify_id_token(
                token,
                app=self._app,
                check_revoked=True,
                clock_skew_seconds=CLOCK_SKEW_SECONDS,
            )
        )

    def begin(self, token: str, lasts: timedelta) -> str:
        """A session cookie for the person of an ID token."""
        return _asked(lambda: str(auth.create_session_cookie(token, lasts, app=self._app)))

    def end(self, uid: str) -> None:
        """All sessions of a person end, on every machine."""
        _asked(lambda: auth.revoke_refresh_tokens(uid, app=self._app))


def _asked(ask: Callable[[], T]) -> T:
    # Only the type of the error is logged: its text may contain the token.
    try:
        return ask()
    except _NOT_VALID as error:
        log.info("session_refused", reason=type(error).__name__)
        raise Unauthenticated("the session is not valid, or not any more") from None
    except FirebaseError as error:
        log.warning("session_not_checked", reason=type(error).__name__)
        raise RetryLater("sessions cannot be checked at the moment") from None
