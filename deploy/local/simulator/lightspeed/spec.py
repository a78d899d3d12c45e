"""The simulated retailers: how large each is, and how one signs in to it."""

from typing import Annotated, Literal
from uuid import UUID
from zlib import crc32

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from deploy.local.simulator.spec import DAY_SECONDS, known_zone, slug

RATE_WINDOW_SECONDS = 300.0


class RetailerSpec(BaseModel):
    """What a retailer is generated from, and its account.

    ``sales`` include the eCom orders that have arrived; ``late`` of ``ecom_orders`` have not. The
    last of ``registers`` is the online one. ``org`` is the org whose location it is, its own id
    unless given. ``token_seconds`` is how long an access token of OAuth lives. ``day_seconds`` is
    how long a day lasts where time is compressed: webhooks are retried over two of them, and an
    eCom order arrives ``arrival_days`` after it was placed (None: when a control call says so).
    Where ``oauth`` is set the location names OAuth's settings in place of the personal token; its
    refresh token is then to be kept as the secret ``oauth_secret``.
    ``rate_window_seconds`` is the length of the window of the rate limit, None for no limit.
    ``page_limit`` is how many rows come at once, however many are asked for.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    id: Annotated[str, AfterValidator(slug)]
    org: str = ""
    customers: int = Field(default=0, ge=0)
    sales: int = Field(default=0, ge=0)
    ecom_orders: int = Field(default=0, ge=0)
    late: int = Field(default=0, ge=0)
    products: int = Field(default=0, ge=0)
    outlets: int = Field(default=1, ge=1, le=10)
    registers: int = Field(default=3, ge=1, le=20)
    timezone: Annotated[str, AfterValidator(known_zone)] = "America/New_York"
    personal_token: str = ""
    oauth: bool = False
    token_seconds: float = DAY_SECONDS
    day_seconds: float = Field(default=DAY_SECONDS, gt=0)
    arrival_days: float | None = Field(default=None, ge=0)
    rate_window_seconds: float | None = Field(default=RATE_WINDOW_SECONDS, gt=0)
    page_limit: int | None = Field(default=None, ge=1)
    signature: Literal["hex", "base64"] = "hex"
    seed: int = 0

    @model_validator(mode="after")
    def _sizes_agree(self) -> "RetailerSpec":
        if self.late > self.ecom_orders or self.ecom_orders - self.late > self.sales:
            raise ValueError("more eCom orders are late, or have arrived, than there are")
        return self

    @property
    def org_id(self) -> str:
        """The org whose location the retailer is."""
        return self.org or self.id

    @property
    def prefix(self) -> str:
        """The domain prefix, which is the first part of the path here."""
        return self.id.replace("_", "-").lower()

    @property
    def company(self) -> str:
        """The retailer's name."""
        return self.id.replace("_", " ").replace("-", " ").title() + " Dispensary"

    @property
    def retailer_id(self) -> str:
        """The account's own id."""
        return str(UUID(int=self._number << 64 | 1, version=4))

    @property
    def token(self) -> str:
        """The personal token."""
        return self.personal_token or f"lsxs_pt_sim{self._number:08x}"

    @property
    def client_id(self) -> str:
        """The OAuth application's id."""
        return f"app-{self._number:08x}"

    @property
    def client_secret(self) -> str:
        """The OAuth application's secret, with which its webhooks are signed."""
        return f"sim-secret-{self._number:08x}"

    @property
    def code(self) -> str:
        """What the owner's consent gives the application, good for its first tokens."""
        return f"code-{self._number:08x}"

    @property
    def refresh_token(self) -> str:
        """The first refresh token, as if the code had been exchanged before."""
        return f"refresh-{self._number:08x}-0"

    @property
    def oauth_secret(self) -> str:
        """Name of the secret that keeps the refresh token."""
        return f"pos-{self.org_id}-refresh-token"

    @property
    def ecom_source(self) -> str:
        """The source of sales that come from the eCom shop: one for the whole shop."""
        return f"ecw:{self._number:08x}{self._number ^ 0xFFFFFFFF:08x}"

    @property
    def rate_limit(self) -> int:
        """Calls within a window."""
        return 300 * self.registers + 50

    @property
    def _number(self) -> int:
        return crc32(self.id.encode())


def named_retailers(seed: int) -> tuple[RetailerSpec, ...]:
    """The retailers of every start."""
    cove = RetailerSpec(
        id="org_cove",
        customers=320,
        sales=1_100,
        ecom_orders=150,
        late=50,
        products=60,
        timezone="America/New_York",
        seed=seed,
    )
    return (cove,)


def large_retailer(seed: int) -> RetailerSpec:
    """As large as the account once recorded, a third of its eCom orders late."""
    return RetailerSpec(
        id="org_greenwood",
        customers=5_000,
        sales=20_000,
        ecom_orders=2_419,
        late=806,
        products=374,
        registers=5,
        seed=seed,
    )
