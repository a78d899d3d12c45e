"""Secrets in an org's settings: as text, or as ``secret:NAME`` kept in Secret Manager."""

import threading
import time
from collections.abc import Callable

from pydantic import SecretStr

from shared.errors import ConfigurationInvalid
from shared.pos.config import Location

PREFIX = "secret:"
CACHE_SECONDS = 300.0

ReadSecret = Callable[[str], str]
"""From a resource name ``projects/P/secrets/NAME/versions/V`` to the secret's text. Raises
LookupError for one that does not exist or may not be read."""


class SecretResolver:
    """Puts secrets in the place of references; keeps them for CACHE_SECONDS, in memory only."""

    def __init__(
        self, read: ReadSecret, project: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._project = project
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, SecretStr]] = {}
        self._lock = threading.Lock()

    def resolve(self, location: Location) -> Location:
        """The location with every reference resolved. Raises ConfigurationInvalid for one that
        cannot be."""
        config = location.pos_config
        resolved = {
            name: self.text_of(value, f"posConfig.{name} of location {location.id}")
            for name in ("password", "pin", "api_key", "token")
            if isinstance(value := getattr(config, name), SecretStr)
            and value.get_secret_value().startswith(PREFIX)
        }
        if not resolved:
            return location
        return location.model_copy(update={"pos_config": config.model_copy(update=resolved)})

    def text_of(self, value: SecretStr, where: str) -> SecretStr:
        """The secret that ``value`` refers to; itself where it is no reference. ``where`` it
        stands is told where it cannot be resolved, as ConfigurationInvalid."""
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
