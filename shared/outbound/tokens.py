"""Access tokens, kept per credentials and fetched by one caller at a time."""

import json
import secrets
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from threading import Lock

from shared.clock import Clock
from shared.errors import ProviderUnreachable, SyncSamError

REFRESH_BUFFER = timedelta(minutes=5)
"""A token is renewed this long before it expires, so that none expires on its way."""


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """An access token and the moment (UTC) from which it is to be renewed."""

    value: str = field(repr=False)
    refresh_at: datetime

    @classmethod
    def valid_from(cls, value: str, *, issued_at: datetime, expires_at: datetime) -> "Token":
        """The token, renewed REFRESH_BUFFER before it expires; after half its life where that is
        shorter than twice the buffer, else a short-lived token would be renewed at every call."""
        lifetime = max(expires_at - issued_at, timedelta(0))
        return cls(value, expires_at - min(REFRESH_BUFFER, lifetime / 2))


class TokenCache:
    """Tokens of many accounts, shared by all threads of a process.

    Accounts are told apart by a keyed hash of their credentials, under a key that lives and dies
    with the process: the credentials themselves are never kept.
    """

    def __init__(self, clock: Clock, *, longest_wait_seconds: float = 150.0) -> None:
        self._clock = clock
        self._longest_wait_seconds = longest_wait_seconds
        self._hash_key = secrets.token_bytes(32)
        self._lock = Lock()
        self._tokens: dict[str, Token] = {}
        self._logins: dict[str, Future[Token]] = {}

    def account(self, *credentials: str) -> str:
        """The key under which the token of these credentials is kept."""
        text = json.dumps(credentials).encode()
        return blake2b(text, key=self._hash_key, digest_size=32).hexdigest()

    def get(
        self, account: str, login: Callable[[], Token], *, rejected: Token | None = None
    ) -> Token:
        """A token that is good for some time yet.

        ``login`` fetches a new one; callers that come meanwhile wait for it and share its outcome,
        so that a wrong password is tried once, not once per thread. ``rejected`` is a token that
        the provider no longer accepts: it is renewed unless somebody already did.
        Raises what ``login`` raises; ProviderUnreachable when another's login takes too long.
        """
        mine: Future[Token] = Future()
        with self._lock:
            token = self._tokens.get(account)
            if token and token is not rejected and self._clock() < token.refresh_at:
                return token
            current = self._logins.setdefault(account, mine)
        return self._log_in(account, login, mine) if current is mine else self._shared(current)

    def _log_in(self, account: str, login: Callable[[], Token], mine: Future[Token]) -> Token:
        try:
            token = login()
        except BaseException as error:
            with self._lock:
                del self._logins[account]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._logins[account]
            now = self._clock()
            self._tokens = {
                key: kept for key, kept in self._tokens.items() if now < kept.refresh_at
            }
            self._tokens[account] = token
        mine.set_result(token)
        return token

    def _shared(self, under_way: Future[Token]) -> Token:
        try:
            return under_way.result(timeout=self._longest_wait_seconds)
        except TimeoutError:
            raise ProviderUnreachable("Signing in at the provider took too long.") from None
        except SyncSamError as error:
            # Its own copy: one exception raised in several threads would mix up their tracebacks.
            raise type(error)(*error.args) from None
