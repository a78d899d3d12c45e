"""The simulated orgs: how large each is, and how one signs in to it."""

from typing import Annotated, Literal
from zlib import crc32
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

ApiStyle = Literal["search", "rest"]

FIRST_LOCATION_ID = 1000
DAY_SECONDS = 86_400

_TIMEZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)


def slug(org_id: str) -> str:
    """The id. Raises ValueError for one that is not fit for a path."""
    if not org_id or not all(c.isalnum() or c in "_-" for c in org_id):
        raise ValueError("an org id has letters, digits, _ and - only")
    return org_id


def known_zone(name: str) -> str:
    """The zone's name. Raises ValueError for one that is none."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no IANA time zone") from None
    return name


class OrgSpec(BaseModel):
    """What an org is generated from, and its account.

    ``rows`` are the inventory rows of the first location (at least one per product); further
    locations carry every second product. ``token_seconds`` is how long a token lives.
    ``page_limit`` is how many customers or orders come at once, however many are asked for.
    ``api_key`` opens the account without a sign-in, as a Bearer token or in ``X-Api-Key``.
    ``alpine_contacts`` of the customers are known to Alpine IQ, ``alpine_differing`` of these
    with clearly more points than their orders gave.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    id: Annotated[str, AfterValidator(slug)]
    customers: int = Field(default=0, ge=0)
    orders: int = Field(default=0, ge=0)
    products: int = Field(default=0, ge=0)
    rows: int = Field(default=0, ge=0)
    locations: int = Field(default=1, ge=1, le=10)
    timezone: Annotated[str, AfterValidator(known_zone)] = "America/New_York"
    api_style: ApiStyle = "search"
    username: str = ""
    password: str = ""
    pin: str | None = None
    api_key: str | None = None
    token_seconds: int = DAY_SECONDS
    page_limit: int | None = Field(default=None, ge=1)
    seed: int = 0
    alpine_contacts: int = Field(default=0, ge=0)
    alpine_differing: int = Field(default=0, ge=0)

    @property
    def company_id(self) -> int:
        """The account's number at the POS."""
        return crc32(self.id.encode())

    @property
    def company(self) -> str:
        """The account's name at the POS."""
        return self.id.replace("_", " ").replace("-", " ").title() + " Dispensary"

    @property
    def user(self) -> str:
        """User name of the account."""
        return self.username or f"sync@{self.id.replace('_', '-')}.example.com"

    @property
    def secret(self) -> str:
        """Password of the account."""
        return self.password or f"sim-{self.company_id:08x}"

    @property
    def location_ids(self) -> tuple[int, ...]:
        """The POS's ids of the account's locations."""
        return tuple(range(FIRST_LOCATION_ID, FIRST_LOCATION_ID + self.locations))


def named_orgs(seed: int) -> tuple[OrgSpec, ...]:
    """The orgs of every start; ``org_large`` is as large as the account once recorded."""
    large = OrgSpec(
        id="org_large",
        customers=2527,
        orders=2689,
        products=374,
        rows=395,
        pin="4821",
        seed=seed,
        alpine_contacts=245,
        alpine_differing=5,
    )
    harbor = OrgSpec(
        id="org_harbor",
        customers=140,
        orders=190,
        products=60,
        rows=66,
        timezone="America/Los_Angeles",
        pin="0907",
        seed=seed,
        alpine_contacts=30,
        alpine_differing=1,
    )
    juniper = OrgSpec(
        id="org_juniper",
        customers=60,
        orders=80,
        products=32,
        rows=34,
        timezone="America/Denver",
        seed=seed,
    )
    two_rooms = OrgSpec(
        id="org_two_rooms",
        customers=90,
        orders=130,
        products=48,
        rows=52,
        locations=2,
        timezone="America/Chicago",
        pin="3300",
        seed=seed,
    )
    fern = OrgSpec(
        id="org_fern",
        customers=75,
        orders=110,
        products=40,
        rows=43,
        api_style="rest",
        pin="5150",
        seed=seed,
    )
    return (large, harbor, juniper, two_rooms, fern)


def generated_orgs(count: int, seed: int) -> tuple[OrgSpec, ...]:
    """``org_00001`` and on: many small orgs, no two quite alike."""
    return tuple(
        OrgSpec(
            id=f"org_{number:05d}",
            customers=24 + number % 17,
            orders=36 + number % 23,
            products=18 + number % 11,
            rows=20 + number % 11,
            timezone=_TIMEZONES[number % len(_TIMEZONES)],
            pin=f"{number % 10_000:04d}" if number % 4 else None,
            seed=seed,
        )
        for number in range(1, count + 1)
    )
