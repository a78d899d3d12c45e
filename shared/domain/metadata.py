"""What surrounds the catalogue: the brands, categories and vendors of an account, its locations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.domain.inventory import StockArea

NamedKind = Literal["brands", "categories", "vendors"]
NAMED_KINDS: tuple[NamedKind, ...] = ("brands", "categories", "vendors")

PUBLIC_FIELDS = (
    *("name", "legalName", "licenseNumber", "address", "city", "state", "stateName", "postalCode"),
    *("country", "phone", "timezone", "retail", "pickup", "delivery", "curbside", "kiosk"),
    *("driveThrough", "expressDelivery", "localTaxPercentage", "isAdultUse", "isMedicalUse"),
    "active",
)
"""What anybody may know of a location. Nothing else of one is kept."""


@dataclass(frozen=True, slots=True)
class NamedEntry:
    """A brand, category or vendor. ``id`` is the POS's, None where the name was only seen on the
    menu."""

    id: str | None
    name: str


@dataclass(frozen=True, slots=True)
class PublicLocation:
    """A location of the account: those of PUBLIC_FIELDS that the POS gives."""

    id: str
    fields: Mapping[str, object]
    areas: Sequence[StockArea] = ()
    """Of its stock, where they are known."""
