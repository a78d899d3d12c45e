"""Secrets in an org's settings: as text, or as ``secret:NAME`` kept in Secret Manager."""

import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from google.api_core.exceptions import InvalidArgument, NotFound, PermissionDenied
from pydantic import SecretStr

from shared.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from google.cloud.secretmanager import SecretManagerServiceClient

PREFIX = "secret:"
CACHE_SECONDS = 300.0
TIMEOUT_SECONDS = 10.0

ReadSecret = Callable[[str], str]
"""From a resource name ``projects/P/secrets/NAME/versions/V`` to the secret's text. Raises
LookupError for one that does not exist or may not be read."""


def read_secret(resource: str) -> str:
    """The ReadSecret of Secret Manager. Google's other errors pass."""
    try:
        answer = _client().access_secret_version(name=resource, timeout=TIMEOUT_SECONDS)
    except (NotFound, PermissionDenied, InvalidArgument) as error:
        raise LookupError(resource) from error
    return str(answer.payload.data.decode())


@cache
def _client() -> "SecretManagerServiceClient":
    # Imported and made when the first reference is met: most orgs have none, the import takes
    # time at each cold start, and there is no emulator.
    from google.cloud.secretmanager import SecretManagerServiceClient

    return SecretManagerServiceClient()


class SecretResolver:
    """Replaces references by their secrets; keeps these for CACHE_SECONDS, in memory only."""

    def __init__(
        self, read: ReadSecret, project: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._project = project
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, SecretStr]] = {}
        self._lock = threading.Lock()

    def text_of(self, value: SecretStr, where: str) -> SecretStr:
        """The secret that ``value`` refers to; ``value`` itself where it is no reference. Raises
        ConfigurationInvalid, naming ``where`` the reference stands, if it cannot be resolved."""
        if not value.get_secret_value().startswith(PREFIX):
            return value
        name = value.get_secret_value().removeprefix(PREFIX)
        resource = f"projects/{self._project}/secrets/{name}"
        if "/versions/" not in name:
            resource += "/versions/latest"
        with self._lock:
            read_at, secret = self._known.get(resource, (-CACHE_SECONDS, SecretStr("")))
            if self._monotonic() - read_at < CACHE_SECONDS:
                return secret
            try:
                secret = SecretStr(self._read(resource))
            except LookupError:
                raise ConfigurationInvalid(
                    f"the secret {name} named by {where} does not exist or may not be read"
                ) from None
            self._known[resource] = (self._monotonic(), secret)
            return secret
