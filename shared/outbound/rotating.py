"""A secret that its provider replaces: each new value is a new version in Secret Manager."""

from collections.abc import Callable
from contextlib import suppress
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
from shared.errors import ConfigurationInvalid
from shared.outbound.credentials import (
    PREFIX,
    TIMEOUT_SECONDS,
    ReadSecret,
    SecretsUnavailable,
    secret_manager,
    secret_name,
)

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


class RotatingSecrets:
    """The secrets of a project that are replaced. One that could not be kept is remembered, for as
    long as the process lives, and kept with its next use."""

    def __init__(self, read: ReadSecret, add: AddSecret, project: str) -> None:
        self._read = read
        self._add = add
        self._project = project
        self._unkept: dict[str, SecretStr] = {}
        self._lock = Lock()

    def named_by(self, value: SecretStr, place: SecretPlace) -> "RotatingSecret":
        """The secret that ``value``, which stands at ``place``, refers to. Raises
        ConfigurationInvalid, naming the place, for one that cannot be replaced: plain text, a
        version of a secret, or a secret that is not the org's."""
        text = value.get_secret_value()
        if not text.startswith(PREFIX) or text == PREFIX or "/" in text:
            raise ConfigurationInvalid(
                f"{place} is to name a secret, {PREFIX}NAME without a version: the provider"
                " replaces it with each use, and the new one must be kept"
            )
        return RotatingSecret(self, secret_name(value, place), str(place))

    def newest(self, name: str) -> SecretStr:
        """The text of a secret's newest version."""
        with self._lock:
            if unkept := self._unkept.get(name):
                self._keep(name, unkept)
                return unkept
            return SecretStr(self._read(f"{self._resource(name)}/versions/latest"))

    def replace(self, name: str, value: SecretStr) -> None:
        """Keep a new version of a secret."""
        with self._lock:
            self._unkept[name] = value
            self._keep(name, value)

    def _keep(self, name: str, value: SecretStr) -> None:
        self._add(self._resource(name), value.get_secret_value())
        del self._unkept[name]

    def _resource(self, name: str) -> str:
        return f"projects/{self._project}/secrets/{name}"


class RotatingSecret:
    """One of them. Both methods raise ConfigurationInvalid where Sync Sam may not do it, and
    SecretsUnavailable where that cannot be known now."""

    def __init__(self, secrets: RotatingSecrets, name: str, where: str) -> None:
        self.name = name
        self._secrets = secrets
        self._where = where

    def newest(self) -> SecretStr:
        """The text of the newest version, as it is kept now."""
        return self._asked(lambda: self._secrets.newest(self.name), "read")

    def replace(self, value: SecretStr) -> None:
        """Keep a new version."""
        self._asked(lambda: self._secrets.replace(self.name, value), "replaced")

    def _asked(self, work: Callable[[], T], done: str) -> T:
        what = f"the secret {self.name}, which {self._where} names,"
        try:
            return work()
        except LookupError as error:
            raise ConfigurationInvalid(f"{what} cannot be {done}: {error}") from None
        except SecretsUnavailable as error:
            raise SecretsUnavailable(f"{what} could not be {done}: {error}") from error
