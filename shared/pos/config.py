"""``locations/{locationId}`` as an org configures it."""

from collections.abc import Hashable
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from shared.models import FrozenCamelModel
from shared.outbound.credentials import SecretResolver

DEFAULT_TIMEZONE = "America/New_York"
PROVIDERS = ("alleaves", "lightspeed")
ALLEAVES_URL = "https://app.alleaves.com/api"
"""Where no other address is given."""
_PORTS = {"http": 80, "https": 443}


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no IANA time zone") from None


def _of_known_provider(config: object) -> object:
    if isinstance(config, dict) and config.get("provider") not in PROVIDERS:
        raise ValueError(f"posConfig.provider is none of {', '.join(PROVIDERS)}")
    return config


def _address(url: str) -> str:
    """The one spelling of a web address; what is none stays as it is."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url
    if not parts.hostname or "@" in parts.netloc:
        return url
    host = (
        parts.hostname if port in (None, _PORTS.get(parts.scheme)) else f"{parts.hostname}:{port}"
    )
    return parts._replace(netloc=host, path=parts.path.rstrip("/")).geturl()


# Operators type ids and pins as numbers as often as text.
_as_text = BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)
Text = Annotated[str, _as_text]
Secret = Annotated[SecretStr, _as_text]


class _Account(FrozenCamelModel):
    """What the settings of every provider have. Secrets may be ``secret:NAME`` references until
    resolved. ``location_id`` is the POS's own id of the location."""

    status: Literal["active", "inactive", "paused"]
    base_url: str | None = None
    location_id: Text


class AlleavesConfig(_Account):
    """An account at Alleaves."""

    provider: Literal["alleaves"]
    username: Text = ""
    password: Secret = SecretStr("")
    pin: Secret = SecretStr("")
    api_key: Secret | None = None
    store_id: Text | None = None
    api_style: Literal["search", "rest"] = "search"

    @model_validator(mode="after")
    def _has_a_user(self) -> Self:
        if not self.username:
            raise ValueError("posConfig.username is missing")
        return self

    @property
    def account_key(self) -> Hashable:
        """Equal for locations of one account, which one client serves."""
        return *self._user, self.api_style

    @property
    def location_key(self) -> Hashable:
        """Equal for settings of one location, however they are written."""
        return *self._user, self.location_id

    @property
    def _user(self) -> tuple[str, ...]:
        return self.provider, _address(self.base_url or ALLEAVES_URL), self.username


class LightspeedConfig(_Account):
    """An account at Lightspeed."""

    provider: Literal["lightspeed"]
    domain_prefix: str | None = None
    token: Secret | None = None
    api_version: str | None = None

    @property
    def account_key(self) -> Hashable:
        return self.provider, _address(self.base_url or ""), self.domain_prefix

    @property
    def location_key(self) -> Hashable:
        """Equal for settings of one location, however they are written."""
        return self.account_key, self.location_id


PosConfig = Annotated[
    AlleavesConfig | LightspeedConfig,
    Field(discriminator="provider"),
    BeforeValidator(_of_known_provider),
]


class Location(FrozenCamelModel):
    """One location of an org with its POS configuration."""

    id: str
    org_id: str
    name: str = ""
    timezone: Annotated[str, AfterValidator(_known_zone)] = DEFAULT_TIMEZONE
    pos_config: PosConfig = Field(repr=False)

    @property
    def zone(self) -> ZoneInfo:
        """The location's own time zone: a POS time without a zone is meant in it."""
        return ZoneInfo(self.timezone)


def with_secrets(location: Location, resolver: SecretResolver) -> Location:
    """The location with every ``secret:`` reference resolved. Raises ConfigurationInvalid for one
    that cannot be."""
    config = location.pos_config
    resolved = {
        name: resolver.text_of(value, f"posConfig.{name} of location {location.id}")
        for name, value in config
        if isinstance(value, SecretStr)
    }
    return location.model_copy(update={"pos_config": config.model_copy(update=resolved)})
