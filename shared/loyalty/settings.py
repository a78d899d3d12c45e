"""``tenants/{orgId}.alpineIq``: an org's account at Alpine IQ."""

from typing import Annotated

from pydantic import AnyHttpUrl, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic.alias_generators import to_camel

from shared.domain.rate_limit import Limit

BASE_URL = "https://lab.alpineiq.com"
MINUTE_SECONDS = 60
HOUR_SECONDS = 3600
_MOST = 100_000


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class RateLimit(_Frozen):
    """Calls that an account may make; None for no such limit.

    Alpine IQ documents no limit: these are the figures that a public integration keeps to.
    """

    per_second: int | None = Field(default=5, ge=1, le=_MOST)
    per_minute: int | None = Field(default=120, ge=1, le=_MOST)
    per_hour: int | None = Field(default=2_000, ge=1, le=_MOST)

    @property
    def limits(self) -> tuple[Limit, ...]:
        windows = (
            (self.per_second, 1),
            (self.per_minute, MINUTE_SECONDS),
            (self.per_hour, HOUR_SECONDS),
        )
        return tuple(Limit(calls, seconds) for calls, seconds in windows if calls is not None)


# People type the account's number as a number as often as text.
_Text = BeforeValidator(lambda v: str(v) if isinstance(v, int) else v)


class AlpineIqSettings(_Frozen):
    """How to reach the account. ``rate_limit`` None: as fast as it goes."""

    user_id: Annotated[str, _Text, Field(pattern=r"^[\w-]{1,64}$")]
    api_key: Annotated[SecretStr, Field(min_length=1)]
    base_url: AnyHttpUrl = AnyHttpUrl(BASE_URL)
    rate_limit: RateLimit | None = RateLimit()
