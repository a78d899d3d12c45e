"""Alpine IQ as a loyalty provider; ``tenants/{orgId}.alpineIq`` holds an org's account.

Documented of the call (``POST /api/v2/wallet``) are the header ``X-APIKEY``, the envelope
``{success, data, errors, code}``, ``data.contactID``, ``data.loyaltyPoints``, and that these are
always 0 where ``data.hidePointsInWallet`` is set. The answer for an unknown contact is not: here
400 and 404, as of a similar call, and an answer that names no contact are read so.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AnyHttpUrl, BaseModel, BeforeValidator, Field, SecretStr, ValidationError

from shared.domain.loyalty import ProviderAnswer, ProviderStatus
from shared.domain.org_secrets import SecretPlace
from shared.domain.rate_limit import Limit
from shared.errors import CredentialsRejected
from shared.loyalty.port import UNKNOWN_CONTACT
from shared.models import FrozenCamelModel
from shared.outbound.credentials import SecretResolver
from shared.outbound.failures import StatusRefused
from shared.outbound.session import HttpCall, HttpSession

NAME = "Alpine IQ"
FIELD = "alpineIq"
"""Of an org's document."""
BASE_URL = "https://lab.alpineiq.com"
_MOST = 100_000
_NO_SUCH_CONTACT = frozenset({400, 404})
_KEY_REFUSED = frozenset({401, 403})

# People type the account's number as a number as often as text.
_Text = BeforeValidator(lambda v: str(v) if isinstance(v, int) else v)


class RateLimit(FrozenCamelModel):
    """Calls that an account may make. Alpine IQ documents none: these are the figures of a public
    integration."""

    per_second: int | None = Field(
        default=5, ge=1, le=_MOST, description="Calls a second at most; null: no such limit."
    )
    per_minute: int | None = Field(
        default=120, ge=1, le=_MOST, description="Calls a minute at most; null: no such limit."
    )
    per_hour: int | None = Field(
        default=2_000, ge=1, le=_MOST, description="Calls an hour at most; null: no such limit."
    )

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Those that are set."""
        windows = ((self.per_second, 1), (self.per_minute, 60), (self.per_hour, 3600))
        return tuple(Limit(calls, seconds) for calls, seconds in windows if calls is not None)


class AlpineIqSettings(FrozenCamelModel):
    """How to reach the account: the ProviderSettings port."""

    user_id: Annotated[str, _Text, Field(pattern=r"^[\w-]{1,64}$")] = Field(
        description="Number of the account."
    )
    api_key: Annotated[SecretStr, Field(min_length=1)] = Field(description="Key of the account.")
    base_url: AnyHttpUrl = Field(
        default=AnyHttpUrl(BASE_URL), description="Address of the provider's API."
    )
    rate_limit: RateLimit | None = Field(
        default=RateLimit(), description="Calls that the account may make; null: no limit."
    )

    @property
    def rate_limit_id(self) -> str:
        return f"alpine_iq-{self.user_id}"

    @property
    def limits(self) -> tuple[Limit, ...]:
        return self.rate_limit.limits if self.rate_limit else ()

    def open(
        self,
        org_id: str,
        http: HttpSession,
        secrets: SecretResolver,
        *,
        admit: Callable[[], None],
        deadline: datetime | None = None,
    ) -> "AlpineIq":
        base_url = str(self.base_url).rstrip("/")
        http.destinations.require(FIELD, base_url, SecretPlace(org_id, f"{FIELD}.baseUrl"))
        key = secrets.text_of(self.api_key, SecretPlace(org_id, f"{FIELD}.apiKey"))
        call = HttpCall(
            "POST",
            base_url + "/api/v2/wallet",
            NAME,
            "points",
            headers={"X-APIKEY": key.get_secret_value()},
            deadline=deadline,
            admit=admit,
        )
        return AlpineIq(http, call)


class _Wallet(BaseModel, coerce_numbers_to_str=True):
    contact_id: str | None = Field(default=None, alias="contactID")
    points: Decimal | None = Field(default=None, alias="loyaltyPoints", allow_inf_nan=False)
    hidden: bool = Field(default=False, alias="hidePointsInWallet")


class _Envelope(BaseModel):
    success: bool
    data: _Wallet | None = None
    code: int | None = None


@dataclass(frozen=True, slots=True)
class AlpineIq:
    """An account: the LoyaltyProvider port. ``call`` asks for points, without saying whose."""

    http: HttpSession
    call: HttpCall

    def look_up(self, phone: str | None, email: str | None) -> ProviderAnswer:
        answer = UNKNOWN_CONTACT
        if phone:
            answer = self._wallet({"phone": phone})
        if email and answer == UNKNOWN_CONTACT:
            answer = self._wallet({"email": email})
        return answer

    def _wallet(self, who: dict[str, str]) -> ProviderAnswer:
        try:
            return self.http.call(replace(self.call, json=who), _read).data
        except StatusRefused as refused:
            if refused.status in _NO_SUCH_CONTACT:
                return UNKNOWN_CONTACT
            raise


def _read(body: object) -> ProviderAnswer:
    try:
        envelope = _Envelope.model_validate(body)
    except ValidationError:
        raise ValueError("not the documented envelope") from None
    if not envelope.success:
        if envelope.code in _KEY_REFUSED:
            raise CredentialsRejected(f"{NAME} does not accept the API key.")
        if envelope.code in _NO_SUCH_CONTACT:
            return UNKNOWN_CONTACT
        raise ValueError("no success")
    wallet = envelope.data
    if wallet is None or wallet.contact_id in (None, "", "0"):
        return UNKNOWN_CONTACT
    if wallet.hidden or wallet.points is None:
        return ProviderAnswer(ProviderStatus.HIDDEN, user_id=wallet.contact_id)
    return ProviderAnswer(ProviderStatus.FOUND, int(wallet.points), wallet.contact_id)
