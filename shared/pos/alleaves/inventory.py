"""Stock rows of Alleaves as domain records."""

from collections.abc import Iterable
from decimal import Decimal

from shared.domain.inventory import InventoryRow
from shared.domain.money import to_cents
from shared.pos.alleaves.mapping import read_row, rejected
from shared.pos.alleaves.reading import day, number, percent
from shared.pos.alleaves.wire import StockRow
from shared.pos.base import Rejected

_PRICES = (
    "price_otd_adult_use",
    "price_otd_medical_use",
    "price_otd",
    "price_retail_adult_use",
    "price_retail_medical_use",
    "price_retail",
)
_UNSELLABLE_AREAS = frozenset({"damaged", "scrap", "quarantine", "hold"})


def to_inventory_row(row: object, location_id: str) -> InventoryRow | Rejected:
    """The stock of a row; ``location_id`` holds where the row names no location.

    Rejected for want of an id, for an unreadable quantity (``bad_quantity``) or an unreadable
    price or cost (``bad_money``): a menu built from either would be wrong. Where only one of
    ``available`` and ``on_hand`` is sent, it stands for both.
    """
    wire = read_row(StockRow, row)
    if isinstance(wire, Rejected):
        return wire
    available = number(wire.on_hand if wire.available is None else wire.available)
    on_hand = number(wire.available if wire.on_hand is None else wire.on_hand)
    if available is None or on_hand is None:
        return rejected(row, wire.item_id, "bad_quantity", "The row has no readable quantity.")
    try:
        prices = tuple((name, _cents(getattr(wire, name))) for name in _PRICES)
        cost, batch_cost = _cents(wire.cost_of_good), _cents(wire.batch_cost_of_good)
    except ValueError:
        return rejected(row, wire.item_id, "bad_money", "The row has an unreadable price or cost.")
    return InventoryRow(
        item_id=wire.item_id,
        batch_id=wire.batch_id,
        location_id=wire.location_id or location_id,
        name=wire.name or "",
        brand=wire.brand,
        vendor=wire.vendor,
        category_path=wire.category or "",
        strain=wire.strain,
        on_hand=on_hand,
        available=available,
        sellable=_sellable(wire),
        prices=prices,
        cost_cents=cost,
        batch_cost_cents=batch_cost,
        thc_percent=_potency(wire.thc, "THC %", wire.compounds),
        cbd_percent=_potency(wire.cbd, "CBD %", wire.compounds),
        date_expire=expiry(wire.date_expire),
        date_received=day(wire.date_received),
        package_tag=wire.package_tag,
    )


def expiry(value: str | None) -> str | None:
    """The day something expires. The first and last days of the calendar stand for "never"."""
    read = day(value)
    return read if read and "2000" <= read < "9000" else None


def _cents(dollars: object) -> int | None:
    return None if dollars is None else to_cents(dollars)


def _sellable(wire: StockRow) -> bool:
    if wire.deleted or wire.qc_hold or wire.date_closed:
        return False
    open_batch = (wire.status or "open").lower() == "open"
    return open_batch and (wire.area_type or "").lower() not in _UNSELLABLE_AREAS


def _potency(value: object, compound: str, compounds: Iterable[object]) -> Decimal | None:
    """The row's own figure, else the compound's test result, where it is a percentage."""
    own = percent(value)
    if own is not None:
        return own
    results = (
        percent(tested.get("result"))
        for tested in compounds
        if isinstance(tested, dict) and tested.get("compound") == compound
    )
    return next((result for result in results if result is not None), None)
