"""What surrounds the catalogue: the brands, categories and vendors of an account, its locations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

NamedKind = Literal["brands", "categories", "vendors"]
NAMED_KINDS: tuple[NamedKind, ...] = ("brands", "categories", "vendors")


@dataclass(frozen=True, slots=True)
class Named:
    """A brand, category or vendor. ``id`` is the POS's, None where the name was only seen on the
    menu."""

    id: str | None
    name: str


@dataclass(frozen=True, slots=True)
class PublicLocation:
    """A location of the account: the fields that anybody may know, under the names they are
    stored by."""

    id: str
    fields: Mapping[str, object]
