"""``locations/{locationId}`` as an org configures it."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from shared.domain.org_secrets import SecretPlace
from shared.domain.providers import PROVIDERS
from shared.errors import ConfigurationInvalid
from shared.models import FrozenCamelModel
from shared.outbound.credentials import SecretResolver

DEFAULT_TIMEZONE = "America/New_York"
Status = Literal["active", "inactive", "paused"]
STATUSES: tuple[str, ...] = get_args(Status)
ALLEAVES_URL = "https://app.alleaves.com/api"
"""Where no other address is given."""
LIGHTSPEED_URL = "https://{prefix}.retail.lightspeed.app"
SECRET_FIELDS: Mapping[str, tuple[str, ...]] = {
    "alleaves": ("password", "pin", "apiKey"),
    "lightspeed": ("token", "clientSecret", "refreshToken"),
}
"""What signs in at a provider, in ``posConfig``."""
REPLACED = "refresh_token"
"""The field whose secret is read and replaced with each use."""
SECRETS = (*(name for names in SECRET_FIELDS.values() for name in names), "webhookSecret")
"""The fields of ``posConfig`` that nobody is shown."""
_LABEL_OR_NONE = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"
"""A label of DNS."""
_PORTS = {"http": 80, "https": 443}


def _known_zone(name: str | None) -> str | None:
    if name is None:
        return None
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
    """What the settings of every provider have. Secrets may be references until resolved."""

    status: Status = Field(description="Only `active` locations are synced.")
    base_url: str | None = Field(
        default=None,
        description="Address of the API: `https`, a host of the provider or of `PROVIDER_HOSTS`. "
        "None: the provider's own.",
    )
    location_id: Annotated[Text, BeforeValidator(lambda value: value or "")] = Field(
        default="",
        description="The POS's own id of the location. Empty: at Alleaves that of the login, else "
        "the account's only one; at Lightspeed all outlets of the account.",
    )
    # Read by ``store.webhook_signers`` alone: these two are not of the sync.
    webhook_secret: object = Field(
        None,
        repr=False,
        exclude=True,
        description="Shared secret of the location's webhooks; text or a reference.",
    )
    webhook_secret_rotated_at: object = Field(
        None,
        repr=False,
        exclude=True,
        description="When the webhook secret was last exchanged; written by the command.",
    )


class AlleavesConfig(_Account):
    """An account at Alleaves: an API key, or user name, password and PIN."""

    provider: Literal["alleaves"] = Field(description="Which point of sale it is.")
    username: Text = Field(
        default="",
        description="User name; text, no reference. Needed unless there is an `apiKey`, or "
        "`ALLEAVES_USERNAME` of the environment.",
    )
    password: Secret = Field(
        default=SecretStr(""), description="Password. Needed as the user name is."
    )
    pin: Secret = Field(
        default=SecretStr(""),
        description="PIN, a secret of its own, never joined with the password. Empty: not sent.",
    )
    api_key: Secret | None = Field(
        default=None, description="Key in place of user name, password and PIN."
    )
    api_key_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] = Field(
        default="Authorization",
        description="Header that carries the key: in `Authorization` as `Bearer KEY`, in any other "
        "the key alone.",
    )
    store_id: Text | None = Field(default=None, description="Of other programs; ignored.")
    environment: object = Field(default=None, description="Of other programs; ignored.")
    api_style: Literal["search", "rest"] = Field(
        default="search", description="Which of the two forms of the API the account speaks."
    )

    @property
    def means_all(self) -> bool:
        """Whether settings without a ``location_id`` mean all locations of the account."""
        return False

    @property
    def lists_by_location(self) -> bool:
        """Whether the POS lists each location's customers and orders apart."""
        return self.api_style == "rest"

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields without which nobody can sign in."""
        if self.api_key and self.api_key.get_secret_value():
            return ()
        given = {"username": self.username, "password": self.password.get_secret_value()}
        return tuple(name for name, value in given.items() if not value)

    @property
    def account_key(self) -> Hashable:
        """Equal for locations of one account."""
        return *self._user, self.api_style

    @property
    def listing_key(self) -> Hashable:
        """Equal for locations whose customers and orders the POS lists together, which one client
        serves."""
        own = self.location_id if self.lists_by_location else ""
        return *self._user, self.api_style, own

    @property
    def location_key(self) -> Hashable:
        """Equal for settings of one location, however they are written."""
        return *self._user, self.location_id

    @property
    def _user(self) -> tuple[str, ...]:
        # A key without a user name identifies the account: it is compared as it is written.
        key = self.api_key.get_secret_value() if self.api_key and not self.username else ""
        return self.provider, _address(self.base_url or ALLEAVES_URL), self.username, key


class LightspeedConfig(_Account):
    """A retailer's account at Lightspeed: the prefix of its domain, and a personal token or,
    without one, what OAuth takes. ``refresh_token`` stays a reference."""

    provider: Literal["lightspeed"] = Field(description="Which point of sale it is.")
    domain_prefix: Annotated[str, Field(pattern=_LABEL_OR_NONE)] = Field(
        default="",
        description="The account: first part of the back office's host name, in small letters. "
        "Needed unless there is a `baseUrl`.",
    )
    token: Secret = Field(
        default=SecretStr(""),
        description="Personal token. Needed unless there is an OAuth app.",
    )
    client_id: Text = Field(default="", description="Id of an OAuth app, in place of the token.")
    client_secret: Secret = Field(
        default=SecretStr(""),
        description="Secret of that app, which also signs its webhooks.",
    )
    refresh_token: Secret = Field(
        default=SecretStr(""),
        description="Refresh token of that app; a reference or sealed, for each use replaces it.",
    )
    api_version: Annotated[str, Field(pattern=r"^[0-9.-]{1,10}$")] = Field(
        default="2.0", description="Version of the API, `2.0` or a dated one such as `2026-07`."
    )
    page_size: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=500, description="Rows of a list that are asked for at once."
    )

    @property
    def means_all(self) -> bool:
        """Whether settings without a ``location_id`` mean all locations of the account."""
        return True

    @property
    def lists_by_location(self) -> bool:
        """Whether the POS lists each location's customers and orders apart."""
        return False

    @property
    def host(self) -> str:
        """The address of the account, without a slash at its end."""
        return (self.base_url or LIGHTSPEED_URL.format(prefix=self.domain_prefix)).rstrip("/")

    @property
    def address(self) -> str:
        """What the paths of the API follow."""
        return f"{self.host}/api/{self.api_version}"

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields without which nobody can sign in."""
        oauth = {
            "clientId": self.client_id,
            "clientSecret": self.client_secret.get_secret_value(),
            "refreshToken": self.refresh_token.get_secret_value(),
        }
        token = self.token.get_secret_value()
        given = {"domainPrefix": self.base_url or self.domain_prefix}
        given |= oauth if any(oauth.values()) and not token else {"token": token}
        return tuple(name for name, value in given.items() if not value)

    @property
    def account_key(self) -> Hashable:
        """Equal for locations of one account."""
        return self.provider, _address(self.host)

    @property
    def listing_key(self) -> Hashable:
        """Equal for locations that one client serves."""
        return self.account_key

    @property
    def location_key(self) -> Hashable:
        """Equal for settings of one location, however they are written."""
        return self.account_key, self.location_id


PosConfig = Annotated[
    AlleavesConfig | LightspeedConfig,
    Field(discriminator="provider"),
    BeforeValidator(_of_known_provider),
]


def unknown_fields(pos_config: Mapping[str, Any]) -> tuple[str, ...]:
    """Names in ``posConfig`` as it is stored that its provider does not have; where the provider
    is not known, that none has."""
    known = known_fields(pos_config.get("provider"))
    return tuple(sorted(str(name) for name in pos_config if name not in known))


def known_fields(provider: object) -> dict[str, None]:
    """Names in ``posConfig`` that the provider has, in their order; where it is not known, that any
    has."""
    models = [m for m in _MODELS if provider not in PROVIDERS or _is_of(provider, m)]
    fields = (field for model in models for field in model.model_fields.values())
    return dict.fromkeys(str(field.alias) for field in fields)


def _is_of(provider: object, model: type[AlleavesConfig | LightspeedConfig]) -> bool:
    return provider in get_args(model.model_fields["provider"].annotation)


_MODELS: tuple[type[AlleavesConfig | LightspeedConfig], ...] = (AlleavesConfig, LightspeedConfig)


def fields_at_fault(unknown: Iterable[str], *others: str) -> str:
    """What is wrong with a location's POS settings, the unknown fields first: one of them may be
    the misspelling of one that is missing."""
    named = sorted(unknown)
    several = "unknown fields" if len(named) > 1 else "unknown field"
    return "; ".join([f"{several} {', '.join(named)}"] * bool(named) + [*others])


class Location(FrozenCamelModel):
    """One location of an org with its POS configuration. ``unknown`` are the names of fields in
    ``posConfig`` that mean nothing."""

    id: str
    org_id: str = Field(description="The org that the location belongs to.")
    name: str = Field(default="", description="Used in messages to people.")
    timezone: Annotated[str | None, AfterValidator(_known_zone)] = Field(
        default=None,
        description="IANA name of the zone in which POS times without a zone are meant. None: as "
        "the POS says, else `America/New_York` with a warning.",
    )
    pos_config: PosConfig = Field(repr=False)
    unknown: tuple[str, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The location's own time zone: a POS time without a zone is meant in it."""
        return ZoneInfo(self.timezone or DEFAULT_TIMEZONE)


def read_location(location_id: str, document: Mapping[str, Any]) -> Location:
    """The location that a document of ``locations`` describes. Raises ValidationError."""
    config = document.get("posConfig")
    unknown = unknown_fields(config) if isinstance(config, dict) else ()
    return Location.model_validate({**document, "id": location_id, "unknown": unknown})


class SignIn(NamedTuple):
    """User name, password and PIN at Alleaves."""

    username: str
    password: SecretStr
    pin: SecretStr


def with_fallback(location: Location, fallback: SignIn, resolver: SecretResolver) -> Location:
    """The location with what its settings lack to sign in at Alleaves taken from ``fallback``, the
    deployment's own, references resolved. One user's password and PIN are never sent with another's
    name. Raises as ``with_secrets``."""
    config = location.pos_config
    if not isinstance(config, AlleavesConfig) or not config.missing:
        return location
    if config.username and fallback.username and config.username != fallback.username:
        return location
    own = SignIn(config.username, config.password, config.pin)
    found: dict[str, str | SecretStr] = {}
    for name, value in fallback._asdict().items():
        if not getattr(own, name):
            secret = isinstance(value, SecretStr)
            found[name] = resolver.setting(value, f"ALLEAVES_{name.upper()}") if secret else value
    return location.model_copy(update={"pos_config": config.model_copy(update=found)})


def require_complete(location: Location) -> None:
    """Raises ConfigurationInvalid, naming the fields, where nobody can sign in with the settings.
    To be called once every other source of credentials is exhausted."""
    missing = [f"posConfig.{name} is missing" for name in location.pos_config.missing]
    if missing:
        wrong = fields_at_fault(location.unknown, *missing)
        raise ConfigurationInvalid(
            f"the POS settings of location {location.id} are not valid: {wrong}"
        )


def secret_place(location: Location, name: str) -> SecretPlace:
    """Where a field of the POS settings stands, by its name in Python."""
    alias = type(location.pos_config).model_fields[name].alias or name
    return SecretPlace(location.org_id, f"posConfig.{alias}", location.id)


def with_secrets(location: Location, resolver: SecretResolver) -> Location:
    """The location with every ``secret:`` reference resolved, but for that of REPLACED. Raises
    ConfigurationInvalid for one that cannot be."""
    config = location.pos_config
    resolved = {
        name: resolver.text_of(value, secret_place(location, name))
        for name, value in config
        if isinstance(value, SecretStr) and name != REPLACED
    }
    return location.model_copy(update={"pos_config": config.model_copy(update=resolved)})
