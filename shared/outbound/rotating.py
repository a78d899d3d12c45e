"""A secret that its provider replaces: each new value is a new version in Secret Manager, or where
the org's settings hold it sealed, kept beside them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

from google.api_core.exceptions import (
    FailedPrecondition,
    GoogleAPIError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from google.auth.exceptions import GoogleAuthError
from pydantic import SecretStr

from shared.domain.org_secrets import SecretPlace
from shared.errors import ConfigurationInvalid, SecretsUnavailable
from shared.outbound.credentials import (
    PREFIX,
    TIMEOUT_SECONDS,
    ReadSecret,
    secret_manager,
    secret_name,
)
from shared.outbound.sealing import SEALED

AddSecret = Callable[[str, str], None]
"""Adds a version with this text to the secret of a resource name ``projects/P/secrets/NAME``.
Raises as ReadSecret."""
VERSIONS_KEPT = 2
"""The newest, and the one before it, which a run may have read a moment ago."""

T = TypeVar("T")


def add_secret(resource: str, text: str) -> None:
    """The AddSecret of Secret Manager. Versions are numbered; those no longer needed, which cost
    as much as those in use, are destroyed as far as Sync Sam may."""
    client, limit = secret_manager(), TIMEOUT_SECONDS
    request = {"parent": resource, "payload": {"data": text.encode()}}
    try:
        added = client.add_secret_version(request=request, timeout=limit).name
    except (NotFound, PermissionDenied, InvalidArgument, FailedPrecondition) as error:
        raise LookupError(error.message) from error
    except (GoogleAPIError, GoogleAuthError) as error:
        raise SecretsUnavailable(type(error).__name__) from error
    number = added.rpartition("/")[2]
    if number.isdecimal() and int(number) > VERSIONS_KEPT:
        old = f"{resource}/versions/{int(number) - VERSIONS_KEPT}"
        with suppress(GoogleAPIError, GoogleAuthError):
            client.destroy_secret_version(name=old, timeout=limit)


@dataclass(frozen=True, slots=True)
class SealedTokens:
    """Where secrets that are sealed in an org's settings are kept once they are replaced. Both are
    given the secret in the settings and its place, and raise as ReadSecret: ``newest`` returns its
    text as it is now, ``keep`` keeps the next one."""

    newest: Callable[[SecretStr, SecretPlace], str]
    keep: Callable[[SecretStr, SecretPlace, str], None]


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where one secret is kept. ``what`` is what operators read."""

    key: str = field(repr=False)
    what: str
    read: Callable[[], str]
    add: Callable[[str], None]


class RotatingSecrets:
    """The secrets of a project that are replaced. One that could not be kept is remembered, for as
    long as the process lives, and kept with its next use."""

    def __init__(
        self, read: ReadSecret, add: AddSecret, project: str, sealed: SealedTokens | None = None
    ) -> None:
        self._read = read
        self._add = add
        self._project = project
        self._sealed = sealed
        self._unkept: dict[str, SecretStr] = {}
        self._lock = Lock()

    def at(self, value: SecretStr, place: SecretPlace) -> "RotatingSecret":
        """The secret that ``value``, which stands at ``place``, is sealed or refers to. Raises
        ConfigurationInvalid, naming the place, for one that cannot be replaced: plain text, a
        version of a secret, or a secret that is not the org's."""
        text = value.get_secret_value()
        if text.startswith(SEALED) and self._sealed is not None:
            return RotatingSecret(self, self._slot_of(value, place, self._sealed))
        if not text.startswith(PREFIX) or text == PREFIX or "/" in text:
            raise ConfigurationInvalid(
                f"{place} cannot be replaced, as the provider does with each use. Keep it with:"
                f" {place.command}; or in a secret, as {PREFIX}NAME without a version"
            )
        name = secret_name(value, place)
        resource = f"projects/{self._project}/secrets/{name}"
        slot = _Slot(
            name,
            f"the secret {name}, which {place} names,",
            lambda: self._read(f"{resource}/versions/latest"),
            lambda following: self._add(resource, following),
        )
        return RotatingSecret(self, slot)

    def newest(self, slot: _Slot) -> SecretStr:
        """The text of a secret as it is kept now."""
        with self._lock:
            if unkept := self._unkept.get(slot.key):
                self._keep(slot, unkept)
                return unkept
            return SecretStr(slot.read())

    def replace(self, slot: _Slot, value: SecretStr) -> None:
        """Keep the next text of a secret."""
        with self._lock:
            self._unkept[slot.key] = value
            self._keep(slot, value)

    def _slot_of(self, given: SecretStr, place: SecretPlace, sealed: SealedTokens) -> _Slot:
        return _Slot(
            f"{place.org_id}/{place}/{given.get_secret_value()}",
            f"the secret in {place}",
            lambda: sealed.newest(given, place),
            lambda following: sealed.keep(given, place, following),
        )

    def _keep(self, slot: _Slot, value: SecretStr) -> None:
        slot.add(value.get_secret_value())
        del self._unkept[slot.key]


class RotatingSecret:
    """One of them. Both methods raise ConfigurationInvalid where Sync Sam may not do it, and
    SecretsUnavailable where that cannot be known now."""

    def __init__(self, secrets: RotatingSecrets, slot: _Slot) -> None:
        self._secrets = secrets
        self._slot = slot

    @property
    def key(self) -> str:
        """What tells it from others: its name, or what is sealed. No secret."""
        return self._slot.key

    def newest(self) -> SecretStr:
        """The text of the newest version, as it is kept now."""
        return self._asked(lambda: self._secrets.newest(self._slot), "read")

    def replace(self, value: SecretStr) -> None:
        """Keep a new version."""
        self._asked(lambda: self._secrets.replace(self._slot, value), "replaced")

    def _asked(self, work: Callable[[], T], done: str) -> T:
        try:
            return work()
        except LookupError as error:
            raise ConfigurationInvalid(f"{self._slot.what} cannot be {done}: {error}") from None
        except SecretsUnavailable as error:
            raise SecretsUnavailable(f"{self._slot.what} could not be {done}: {error}") from error
