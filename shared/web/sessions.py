"""Firebase sessions and ID tokens, verified by firebase-admin: signature, audience, issuer, expiry,
and at Google that neither the session was revoked nor the account disabled."""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from firebase_admin import App, auth
from firebase_admin.exceptions import FirebaseError, InvalidArgumentError

from shared.errors import NotSignedIn, RetryLater

CLOCK_SKEW_SECONDS = 5
# Everything by which firebase-admin says "not this one" rather than "not now".
_NOT_VALID = (ValueError, InvalidArgumentError, auth.UserNotFoundError)

log = structlog.get_logger(__name__)


class FirebaseSessions:
    """Sessions of one Firebase project. Thread-safe.

    Both methods raise NotSignedIn, and RetryLater while Google cannot be asked: nobody is let in
    unverified.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    def of_cookie(self, cookie: str) -> Mapping[str, Any]:
        """The claims of a session cookie."""
        return _claims(
            lambda: auth.verify_session_cookie(
                cookie,
                app=self._app,
                check_revoked=True,
                clock_skew_seconds=CLOCK_SKEW_SECONDS,
            )
        )

    def of_token(self, token: str) -> Mapping[str, Any]:
        """The claims of an ID token."""
        return _claims(
            lambda: auth.verify_id_token(
                token,
                app=self._app,
                check_revoked=True,
                clock_skew_seconds=CLOCK_SKEW_SECONDS,
            )
        )


def _claims(verify: Callable[[], Any]) -> Mapping[str, Any]:
    # Only the kind of an error is told: its text may hold the token.
    try:
        claims: Mapping[str, Any] = verify()
    except _NOT_VALID as error:
        log.info("session_refused", reason=type(error).__name__)
        raise NotSignedIn("the session is not valid, or not any more") from None
    except FirebaseError as error:
        log.warning("session_not_checked", reason=type(error).__name__)
        raise RetryLater("sessions cannot be checked at the moment") from None
    return claims
