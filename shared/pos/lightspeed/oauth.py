"""Signing in at Lightspeed X-Series with OAuth: access tokens for a refresh token that each use
replaces (https://x-series-api.lightspeedhq.com/docs/authorization).
"""

from datetime import datetime, timedelta

from pydantic import SecretStr

from shared.clock import Clock
from shared.outbound.credentials import Token, TokenCache
from shared.outbound.failures import StatusRefused, TokenRejected
from shared.outbound.rotating import RotatingSecret
from shared.outbound.session import HttpCall, HttpSession
from shared.pos.config import LightspeedConfig

PATH = "/api/1.0/token"
TRIES = 4
WAIT_SECONDS = 1.0
"""How long another instance, which has used up the refresh token, is waited for until it has kept
the next one; twice as long each time."""
_LIFETIME = timedelta(seconds=86_400)
"""Of an access token, as documented; where the reply does not say."""
_REFUSED = 400
"""What a refresh token that is not valid is answered with, as RFC 6749 says; by some with 401."""


class OAuth:
    """Access tokens of one account, shared through ``tokens`` by all threads of the process."""

    def __init__(
        self,
        http: HttpSession,
        tokens: TokenCache,
        config: LightspeedConfig,
        refresh_token: RotatingSecret,
        *,
        provider: str,
        clock: Clock,
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._refresh_token = refresh_token
        self._provider = provider
        self._clock = clock
        self._url = f"{config.host}{PATH}"
        self._client = {
            "client_id": config.client_id,
            "client_secret": config.client_secret.get_secret_value(),
        }
        self._account = tokens.account(
            config.provider, self._url, *self._client.values(), refresh_token.key
        )

    def token(self, rejected: Token | None = None) -> Token:
        """A token that is good for some time yet, another than the one ``rejected``. Raises
        TokenRejected where the refresh token is not valid, and what the secret raises."""
        return self._tokens.get(self._account, self._refresh, rejected=rejected)

    def _refresh(self) -> Token:
        """Of two instances that refresh at once one loses: its refresh token was used up. It waits
        for the next one and tries with that."""
        refused: set[str] = set()
        said = ""
        for attempt in range(TRIES):
            current = self._refresh_token.newest()
            if current.get_secret_value() not in refused:
                try:
                    return self._exchanged(current)
                except (TokenRejected, StatusRefused) as error:
                    if isinstance(error, StatusRefused) and error.status != _REFUSED:
                        raise
                    said = str(error)
                    refused.add(current.get_secret_value())
            if attempt + 1 < TRIES:
                self._http.pause(WAIT_SECONDS * 2**attempt)
        # Raised out here so that no error which holds the call is chained to it.
        raise TokenRejected(said)

    def _exchanged(self, refresh_token: SecretStr) -> Token:
        now = self._clock()
        form = {
            **self._client,
            "grant_type": "refresh_token",
            "refresh_token": refresh_token.get_secret_value(),
        }
        call = HttpCall("POST", self._url, self._provider, "signing in", form=form)
        token, following = self._http.call(call, lambda reply: tokens_of(reply, now)).data
        if following and following != refresh_token.get_secret_value():
            self._refresh_token.replace(SecretStr(following))
        return token


def tokens_of(reply: object, now: datetime) -> tuple[Token, str | None]:
    """The access token of a reply received at ``now``, and the next refresh token, if it has one.
    Raises ValueError where there is no token that an HTTP header can carry."""
    fields = reply if isinstance(reply, dict) else {}
    value, following = fields.get("access_token"), fields.get("refresh_token")
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        raise ValueError("no token")
    seconds = fields.get("expires_in")
    said = timedelta(seconds=min(seconds, 86_400)) if isinstance(seconds, int) else _LIFETIME
    token = Token.valid_from(value, issued_at=now, expires_at=now + said)
    return token, following if isinstance(following, str) else None
