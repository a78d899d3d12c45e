"""One row of a POS stock list: a batch of an item in an area of a location."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class InventoryRow:
    """POS-owned facts of one row.

    ``*_cents`` are cents per unit; a price that the POS gives as 0 stays 0, one that it does not
    give is None. ``prices`` maps the POS's price fields (``price_otd_adult_use``, …) to cents.
    ``sellable`` says whether the row's area and batch may be sold from (not damaged, held, closed
    or deleted). ``date_expire`` and ``date_received`` are ISO dates; ``package_tag`` is the one
    that the state's tracking system gave the package.
    """

    item_id: str
    batch_id: str | None
    location_id: str
    name: str
    brand: str | None
    vendor: str | None
    category_path: str
    strain: str | None
    on_hand: Decimal
    available: Decimal
    sellable: bool
    prices: tuple[tuple[str, int | None], ...]
    cost_cents: int | None
    batch_cost_cents: int | None
    thc_percent: Decimal | None
    cbd_percent: Decimal | None
    date_expire: str | None
    date_received: str | None = None
    package_tag: str | None = None
