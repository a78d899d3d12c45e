"""Credentials: secrets of an org's settings, and the access tokens that they are exchanged for.

A secret stands in the settings sealed (sealing.py), as ``secret:NAME`` kept in Secret Manager, or
where that is allowed as text.
"""

import json
import os
import re
import reprlib
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from hashlib import blake2b
from secrets import token_bytes
from threading import Lock
from typing import TYPE_CHECKING

import grpc
from google.api_core.exceptions import (
    FailedPrecondition,
    GoogleAPIError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from google.auth.exceptions import GoogleAuthError
from pydantic import SecretStr

from shared.cache import ExpiringCache
from shared.clock import Clock
from shared.domain.org_secrets import SecretPlace, is_name_of, name_prefix
from shared.errors import (
    ConfigurationInvalid,
    ProviderUnreachable,
    SecretsUnavailable,
    SyncSamError,
)
from shared.outbound.sealing import SEALED, Sealer

if TYPE_CHECKING:
    from google.cloud.secretmanager import SecretManagerServiceClient

PREFIX = "secret:"
CACHE_SECONDS = 300.0
SECRETS_KEPT = 10_000
TIMEOUT_SECONDS = 10.0
REFRESH_BUFFER = timedelta(minutes=5)
"""A token is renewed this long before it expires, so that none expires on its way."""
_REFERENCE = re.compile(r"([A-Za-z0-9_-]{1,255})(?:/versions/(?:latest|[0-9]{1,19}))?")
ReadSecret = Callable[[str], str]
"""From a resource name ``projects/P/secrets/NAME/versions/V`` to the secret's text. Raises
LookupError, with the reason in words that hold no secret, for one that does not exist, may not be
read or is no text; SecretsUnavailable."""


def read_secret(resource: str) -> str:
    """The ReadSecret of Secret Manager."""
    try:
        answer = secret_manager().access_secret_version(name=resource, timeout=TIMEOUT_SECONDS)
    except (NotFound, PermissionDenied, InvalidArgument, FailedPrecondition) as error:
        raise LookupError(error.message) from error
    except (GoogleAPIError, GoogleAuthError) as error:
        raise SecretsUnavailable(type(error).__name__) from error
    try:
        return str(answer.payload.data.decode())
    except UnicodeDecodeError:  # which holds the secret
        raise LookupError("it is no text in UTF-8") from None


@cache
def secret_manager() -> "SecretManagerServiceClient":
    """The client. Google's library does not look for an emulator by itself."""
    # Imported with the first reference: most orgs have none, and the import takes time at each
    # cold start.
    from google.cloud.secretmanager import SecretManagerServiceClient
    from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
        SecretManagerServiceGrpcTransport,
    )

    emulator = os.environ.get("SECRET_MANAGER_EMULATOR_HOST")
    if not emulator:
        return SecretManagerServiceClient()
    channel = grpc.insecure_channel(emulator)
    return SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))


def secret_name(reference: SecretStr, place: SecretPlace) -> str:
    """The name in a reference ``secret:NAME``, with the version where it has one. Raises
    ConfigurationInvalid for one that the org at ``place`` may not name."""
    name = reference.get_secret_value().removeprefix(PREFIX)
    found = _REFERENCE.fullmatch(name)
    if found is None or not is_name_of(place.org_id, found[1]):
        raise ConfigurationInvalid(
            f"the secret {reprlib.repr(name)}, which {place} names, is none of org {place.org_id}:"
            f" the names of those begin with {name_prefix(place.org_id)}. Keep it under such a"
            f" name, or replace it with: {place.command}"
        )
    return name


class SecretResolver:
    """Opens secrets and replaces references by them; they are cached for CACHE_SECONDS in memory.
    Without ``plain_text`` a secret that an org's settings hold as text is refused."""

    def __init__(
        self,
        read: ReadSecret,
        project: str,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        plain_text: bool = False,
        sealer: Sealer | None = None,
    ) -> None:
        self._read = read
        self._project = project
        self._plain_text = plain_text
        self._sealer = sealer or Sealer()
        self._known = ExpiringCache[str, SecretStr](SECRETS_KEPT, monotonic)
        self._lock = Lock()

    def text_of(self, value: SecretStr, place: SecretPlace) -> SecretStr:
        """The secret that ``value``, which stands at ``place``, is sealed or refers to; ``value``
        itself where it is text. Raises ConfigurationInvalid, naming the place, for a secret that is
        not the org's or not of this place, that cannot be read, or that may not be text; and
        SecretsUnavailable, if that cannot be known now."""
        text = value.get_secret_value()
        if text.startswith(PREFIX):
            return self._named(secret_name(value, place), str(place))
        if text.startswith(SEALED):
            return self._opened(value, place)
        if text and not self._plain_text:
            raise ConfigurationInvalid(
                f"the secret in {place} is plain text, which is not accepted: replace it with:"
                f" {place.command}"
            )
        return value

    def setting(self, value: SecretStr, variable: str) -> SecretStr:
        """The secret that a variable of the deployment refers to, or is. Raises as ``text_of``."""
        if not value.get_secret_value().startswith(PREFIX):
            return value
        return self._named(value.get_secret_value().removeprefix(PREFIX), variable)

    def _opened(self, value: SecretStr, place: SecretPlace) -> SecretStr:
        key = f"{place!r} {value.get_secret_value()}"
        try:
            with self._lock:
                return self._known.get_or(
                    key, CACHE_SECONDS, lambda: SecretStr(self._sealer.open(value, place))
                )
        except LookupError as error:
            raise ConfigurationInvalid(
                f"the secret in {place} cannot be opened: {error}. Replace it with: {place.command}"
            ) from None
        except SecretsUnavailable as error:
            raise SecretsUnavailable(
                f"the secret in {place} could not be opened: {error}"
            ) from error

    def _named(self, name: str, where: str) -> SecretStr:
        resource = f"projects/{self._project}/secrets/{name}"
        if "/versions/" not in name:
            resource += "/versions/latest"
        try:
            with self._lock:  # threads that need one secret at once read it once
                return self._known.get_or(
                    resource, CACHE_SECONDS, lambda: SecretStr(self._read(resource))
                )
        except LookupError as error:
            raise ConfigurationInvalid(
                f"the secret {name}, which {where} names, cannot be read: {error}"
            ) from None
        except SecretsUnavailable as error:
            raise SecretsUnavailable(
                f"the secret {name}, which {where} names, could not be asked for: {error}"
            ) from error


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
    """Tokens of many accounts, shared by all threads of a process. Accounts are distinguished by a
    hash of their credentials under a key of the process: the credentials are never kept."""

    def __init__(self, clock: Clock, *, longest_wait_seconds: float = 150.0) -> None:
        self._clock = clock
        self._longest_wait_seconds = longest_wait_seconds
        self._hash_key = token_bytes(32)
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
        the provider no longer accepts: it is renewed unless another thread already did.
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
            fresh = {key: kept for key, kept in self._tokens.items() if now < kept.refresh_at}
            self._tokens = fresh | {account: token}
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
