"""``locations/{locationId}`` as an org configures it."""

from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from shared.models import FrozenCamelModel
from shared.outbound.secrets import PREFIX, SecretResolver

DEFAULT_TIMEZONE = "America/New_York"


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no IANA time zone") from None


# Operators type ids and pins as numbers as often as text.
Text = Annotated[str, BeforeValidator(lambda v: str(v) if isinstance(v, int) else v)]
Secret = Annotated[SecretStr, BeforeValidator(lambda v: str(v) if isinstance(v, int) else v)]


class PosConfig(FrozenCamelModel):
    """How to reach one POS account. Secrets may be ``secret:NAME`` references until resolved."""

    provider: Literal["alleaves", "lightspeed"]
    status: Literal["active", "inactive", "paused"]
    base_url: str | None = None
    username: Text = ""
    password: Secret = SecretStr("")
    pin: Secret = SecretStr("")
    api_key: Secret | None = None
    store_id: Text | None = None
    location_id: Text
    api_style: Literal["search", "rest"] = "search"
    domain_prefix: str | None = None
    token: Secret | None = None
    api_version: str | None = None

    @model_validator(mode="after")
    def _has_what_the_provider_needs(self) -> Self:
        if self.provider == "alleaves" and not self.username:
            raise ValueError("posConfig.username is missing")
        return self


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
        for name in ("password", "pin", "api_key", "token")
        if isinstance(value := getattr(config, name), SecretStr)
        and value.get_secret_value().startswith(PREFIX)
    }
    if not resolved:
        return location
    return location.model_copy(update={"pos_config": config.model_copy(update=resolved)})
