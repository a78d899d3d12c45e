"""Indica, sativa or hybrid: as the POS says, else as the product's own name says."""

import re
from dataclasses import dataclass
from enum import StrEnum


class StrainType(StrEnum):
    """The three kinds a menu filters by."""

    INDICA = "indica"
    SATIVA = "sativa"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class Strain:
    """A strain type; ``inferred`` where only the name or the category speaks of it."""

    type: StrainType | None
    inferred: bool


_SHORT = {
    "i": StrainType.INDICA,
    "ind": StrainType.INDICA,
    "s": StrainType.SATIVA,
    "sat": StrainType.SATIVA,
    "h": StrainType.HYBRID,
    "hyb": StrainType.HYBRID,
}


def strain_of(strain: str | None, name: str, category_path: str) -> Strain:
    """The strain type of a product.

    The POS's strain field holds a type ("Sativa", "I", "Indica dominant hybrid") or a cultivar's
    name, which says nothing: no cultivar is looked up. A text that names both indica and sativa
    means a hybrid.
    """
    stated = (strain or "").strip().casefold()
    found = _SHORT.get(stated) or _spoken_of(stated)
    if found:
        return Strain(found, inferred=False)
    found = _spoken_of(name.casefold()) or _spoken_of(category_path.casefold())
    return Strain(found, inferred=found is not None)


def _spoken_of(text: str) -> StrainType | None:
    words = set(re.findall(r"[a-z]+", text))
    indica, sativa = "indica" in words, "sativa" in words
    if "hybrid" in words or (indica and sativa):
        return StrainType.HYBRID
    if indica:
        return StrainType.INDICA
    return StrainType.SATIVA if sativa else None
