"""Products, stock, outlets and registers of Lightspeed X-Series as domain records."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from shared.domain.inventory import InventoryRow
from shared.domain.metadata import NamedEntry, PublicLocation
from shared.domain.money import to_cents
from shared.pos.lightspeed.sales import ProductName
from shared.pos.lightspeed.schemas import OutletRow, ProductRow, RegisterRow, StockRow
from shared.pos.port import Rejected
from shared.pos.rows import is_storable, number, read_row, reject

_ONLINE = ("online", "ecom")
"""What the name of the register of eCom orders holds."""


def to_product_name(row: object) -> tuple[str, ProductName] | None:
    """A product's id, and what lines of sales do not say of it. None for an unreadable row."""
    wire = read_row(ProductRow, row)
    if isinstance(wire, Rejected):
        return None
    return wire.id, ProductName(wire.name or "", _name(wire.category))


def to_product(row: object) -> ProductRow | Rejected:
    """A product as its row says. Rejected for want of an id, or for text that cannot be stored."""
    return read_row(ProductRow, row)


def to_inventory_row(
    product: ProductRow, level: object, location_id: str
) -> InventoryRow | Rejected | None:
    """The stock of a product at an outlet, which has ``level`` of it. None for a product that is
    not sold, which a menu must not show.

    Rejected for an unreadable quantity (``bad_quantity``), price or cost (``bad_money``): a menu
    built from it would be wrong. Stock may be below 0 at the POS.
    """
    if not product.active:
        return None
    on_hand = number(level)
    if on_hand is None:
        return _reject(product, "bad_quantity", "The product has no readable quantity.")
    try:
        price, cost = _price(product), _cents(product.cost)
    except ValueError:
        return _reject(product, "bad_money", "The product has an unreadable price or cost.")
    picture = product.image_url or ""
    return InventoryRow(
        item_id=product.id,
        batch_id=None,
        location_id=location_id,
        name=product.name or "",
        brand=_name(product.brand),
        vendor=_name(product.supplier),
        category_path=_path(product.category),
        strain=None,
        on_hand=on_hand,
        available=max(on_hand, Decimal(0)),
        sellable=True,
        prices=price,
        cost_cents=cost,
        batch_cost_cents=None,
        thc_percent=None,
        cbd_percent=None,
        date_expire=None,
        image_url=picture if picture.startswith("https://") else None,
    )


def _reject(product: ProductRow, code: str, message: str) -> Rejected:
    return reject(product.model_dump(mode="json"), product.id, code, message)


def to_level(row: object) -> StockRow | None:
    """How many of a product an outlet has; None for an unreadable row."""
    wire = read_row(StockRow, row)
    return None if isinstance(wire, Rejected) else wire


def to_location(row: object) -> PublicLocation | None:
    """An outlet, without anything that is not public; None for an unreadable row."""
    wire = read_row(OutletRow, row)
    if isinstance(wire, Rejected):
        return None
    said = {
        "name": wire.name,
        "address": wire.address,
        "city": wire.city,
        "state": wire.state,
        "postalCode": wire.postal_code,
        "country": wire.country,
        "phone": wire.phone,
        "timezone": wire.timezone,
    }
    return PublicLocation(wire.id, {key: value for key, value in said.items() if value})


def online_registers(rows: Iterable[object]) -> frozenset[str]:
    """Ids of the registers that eCom orders are rung up on, known by their names."""
    found = set()
    for row in rows:
        wire = read_row(RegisterRow, row)
        name = "" if isinstance(wire, Rejected) else (wire.name or "").lower()
        if not isinstance(wire, Rejected) and any(word in name for word in _ONLINE):
            found.add(wire.id)
    return frozenset(found)


def to_named(rows: Iterable[object]) -> tuple[NamedEntry, ...]:
    """The names of the rows, each once; rows without one are passed over."""
    found: dict[str, NamedEntry] = {}
    for row in rows:
        if isinstance(row, dict) and (name := _name(row)):
            entry_id = row.get("id")
            entry = NamedEntry(entry_id if isinstance(entry_id, str) else None, name)
            found.setdefault(name.casefold(), entry)
    return tuple(found.values())


def _cents(dollars: object) -> int | None:
    return None if dollars is None else to_cents(dollars)


def _price(wire: ProductRow) -> tuple[tuple[str, int | None], ...]:
    """With tax where the row says so, else without."""
    with_tax = _cents(wire.price)
    if with_tax is not None:
        return (("price_otd", with_tax),)
    return (("price_retail", _cents(wire.price_excluding_tax)),)


def _name(row: Mapping[str, object]) -> str | None:
    name = row.get("name")
    found = name.strip() if isinstance(name, str) else ""
    return found if found and is_storable(found) else None


def _path(category: Mapping[str, object]) -> str:
    """The names from the widest category to the narrowest, where the row has them."""
    steps = category.get("category_path")
    rows = [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    names = [name for row in rows or [dict(category)] if (name := _name(row))]
    return " > ".join(names)
