"""Stock and its areas, discounts, brands, categories, vendors, locations and batches as domain
records.

No recorded account had any discount: its shape is that of one public integration, read tolerantly.
Where a part cannot be read the whole discount is rejected: a menu must not show a price that the
till does not give.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TypeGuard
from zoneinfo import ZoneInfo

from shared.domain.discounts import Discount, DiscountKind, window
from shared.domain.ids import is_document_id
from shared.domain.inventory import BatchDetail, InventoryRow, StockArea
from shared.domain.metadata import PUBLIC_FIELDS, NamedEntry, NamedKind, PublicLocation
from shared.domain.money import to_cents
from shared.domain.pricing import CASCADE
from shared.pos.alleaves.schemas import (
    AreaRow,
    BatchRow,
    Conditions,
    DiscountRow,
    NamedRow,
    StockRow,
)
from shared.pos.port import Rejected
from shared.pos.rows import cents, day, is_storable, number, percent, read_row, reject

_UNSELLABLE_AREAS = frozenset({"damaged", "scrap", "quarantine", "hold"})
_KINDS = {kind.value: kind for kind in DiscountKind} | {
    "percentage": DiscountKind.PERCENT,
    "dollar": DiscountKind.AMOUNT,
    "fixed_amount": DiscountKind.AMOUNT,
    "price": DiscountKind.FIXED_PRICE,
}
LONGEST_ADDRESS = 2_000
"""Characters of a picture's address."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")

NAMED: Mapping[NamedKind, str] = {"brands": "brand", "categories": "category", "vendors": "vendor"}
"""The POS's word for each kind, in paths and fields."""

_SPELLED = {
    "name": ("location", "name"),
    "legalName": ("legal_name",),
    "licenseNumber": ("license", "license_number", "licenseNumber"),
    "stateName": ("full_state_name",),
    "postalCode": ("postal_code",),
    "driveThrough": ("drive_through",),
    "expressDelivery": ("express_delivery",),
    "localTaxPercentage": ("local_tax_percentage",),
    "isAdultUse": ("is_adult_use",),
    "isMedicalUse": ("is_medical_use",),
}
_PUBLIC = {name: _SPELLED.get(name, (name,)) for name in PUBLIC_FIELDS}
"""The POS's fields of each of ours, of which the first counts that is sent. Replies also carry
secrets, such as keys of the state's tracking system: nothing else of a location is read."""


def to_inventory_row(row: object, location_id: str) -> InventoryRow | Rejected:
    """The stock of a row; ``location_id`` holds where the row names no location.

    Rejected for want of an id, for a location that cannot be one (``bad_location``), an unreadable
    quantity (``bad_quantity``), price or cost (``bad_money``): a menu built from it would be wrong.
    Where only one of ``available`` and ``on_hand`` is sent, it stands for both. Where ``available``
    is a flag, all or nothing of the quantity is.
    """
    wire = read_row(StockRow, row)
    if isinstance(wire, Rejected):
        return wire
    if wire.location_id is not None and not is_document_id(wire.location_id):
        return reject(row, wire.item_id, "bad_location", "The row's location has no usable id.")
    available, on_hand = _quantities(wire)
    if available is None or on_hand is None:
        return reject(row, wire.item_id, "bad_quantity", "The row has no readable quantity.")
    try:
        prices = tuple((name, _cents(getattr(wire, name))) for name in CASCADE)
        cost, batch_cost = _cents(wire.cost_of_good), _cents(wire.batch_cost_of_good)
    except ValueError:
        return reject(row, wire.item_id, "bad_money", "The row has an unreadable price or cost.")
    return InventoryRow(
        item_id=wire.item_id,
        batch_id=wire.batch_id,
        location_id=wire.location_id or location_id,
        name=wire.name or "",
        brand=wire.brand,
        vendor=wire.vendor,
        category_path=" > ".join(filter(None, (wire.category, wire.subcategory))),
        strain=wire.strain,
        on_hand=on_hand,
        available=available,
        sellable=_sellable(wire),
        prices=prices,
        cost_cents=cost,
        batch_cost_cents=batch_cost,
        thc_percent=_potency(wire.thc, "THC %", wire.compounds),
        cbd_percent=_potency(wire.cbd, "CBD %", wire.compounds),
        date_expire=expiry_date(wire.date_expire),
        date_received=day(wire.date_received),
        package_tag=wire.package_tag,
        area_id=None if wire.area or wire.area_type else wire.area_id,
        image_url=_image(wire),
    )


def expiry_date(value: str | None) -> str | None:
    """The day something expires. The first and last days of the calendar stand for "never"."""
    read = day(value)
    return read if read and "2000" <= read < "9000" else None


def _cents(dollars: object) -> int | None:
    return None if dollars is None else to_cents(dollars)


def _quantities(wire: StockRow) -> tuple[Decimal | None, Decimal | None]:
    """Available, and on hand."""
    if isinstance(wire.available, bool):
        for_sale = wire.available and wire.has_inventory
        on_hand = number(0 if wire.on_hand is None and not for_sale else wire.on_hand)
        return on_hand if for_sale else Decimal(0), on_hand
    available = number(wire.on_hand if wire.available is None else wire.available)
    on_hand = number(wire.available if wire.on_hand is None else wire.on_hand)
    return available, on_hand


def _sellable(wire: StockRow) -> bool:
    if wire.deleted or wire.qc_hold or wire.date_closed:
        return False
    open_batch = (wire.status or "open").lower() == "open"
    return open_batch and _may_be_sold_from(wire.area_type or wire.area)


def _may_be_sold_from(area: str | None) -> bool:
    return (area or "").lower() not in _UNSELLABLE_AREAS


def _image(wire: StockRow) -> str | None:
    """The first address of a picture."""
    media = (each.get("content") for each in wire.media if isinstance(each, dict))
    return next(filter(_is_address, (wire.image_url, *media)), None)


def _is_address(value: object) -> TypeGuard[str]:
    if not isinstance(value, str) or len(value) > LONGEST_ADDRESS or not is_storable(value):
        return False
    return value.startswith(("https://", "http://")) and not any(map(str.isspace, value))


def _potency(value: object, compound: str, compounds: Iterable[object]) -> Decimal | None:
    """The row's own figure, else the compound's test result, where it is a percentage."""
    results = [
        tested.get("result")
        for tested in compounds
        if isinstance(tested, dict) and tested.get("compound") == compound
    ]
    return next((read for each in (value, *results) if (read := percent(each)) is not None), None)


def to_discount(row: object, zone: ZoneInfo) -> Discount | Rejected:
    """The discount of a row; ``zone`` holds for days and times without one. Rejected as by
    ``read_row``, and as ``unknown_discount_type``, ``bad_value``, ``bad_date`` or
    ``bad_condition`` (a minimum that cannot be read)."""
    wire = read_row(DiscountRow, row)
    if isinstance(wire, Rejected):
        return wire
    kind = _KINDS.get((wire.kind or "").casefold().replace(" ", "_"))
    if kind is None:
        return reject(row, wire.id, "unknown_discount_type", "The type of discount is unknown.")
    value = Decimal(0) if kind is DiscountKind.BOGO else _value(wire.value, kind)
    if value is None:
        return reject(row, wire.id, "bad_value", "The discount has no readable value.")
    try:
        starts_at, ends_at = window(_moment(wire.starts), _moment(wire.ends), zone)
    except (ValueError, OverflowError):
        return reject(row, wire.id, "bad_date", "The discount has an unreadable date.")
    conditions = Conditions.model_validate(wire.conditions)
    min_quantity = number(conditions.min_quantity)
    if conditions.min_quantity is not None and min_quantity is None:
        return reject(row, wire.id, "bad_condition", "The minimum quantity is unreadable.")
    try:
        min_total = _cents(conditions.min_total)
    except ValueError:
        return reject(row, wire.id, "bad_condition", "The minimum total is unreadable.")
    return Discount(
        id=wire.id,
        kind=kind,
        value=value,
        name=wire.name or "",
        active=wire.active,
        starts_at=starts_at,
        ends_at=ends_at,
        product_ids=_texts(conditions.products),
        categories=_texts(conditions.categories),
        brands=_texts(conditions.brands),
        priority=int(number(wire.priority) or 0),
        badge_text=wire.badge_text,
        min_quantity=min_quantity,
        min_total_cents=min_total,
        customer_types=_texts(conditions.customer_types),
    )


def _value(value: object, kind: DiscountKind) -> Decimal | None:
    """Percent, or cents."""
    if kind is DiscountKind.PERCENT:
        return number(value)
    amount = cents(value)
    return None if amount is None else Decimal(amount)


def _moment(value: object) -> date | None:
    """A day, or a moment where a time is given; None for nothing. Raises ValueError."""
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    if not _DAY.match(text):
        raise ValueError("not a date")
    return date.fromisoformat(text) if _DAY.fullmatch(text) else datetime.fromisoformat(text)


def _texts(values: Iterable[object]) -> frozenset[str]:
    texts = (
        str(value).strip()
        for value in values
        if isinstance(value, str | int) and not isinstance(value, bool)
    )
    return frozenset(text for text in texts if text and is_storable(text))


def to_named(kind: NamedKind, rows: Iterable[object]) -> tuple[NamedEntry, ...]:
    """The names of the rows; rows without one are passed over, as are repeats."""
    word = NAMED[kind]
    found: dict[str, NamedEntry] = {}
    for row in rows:
        fields = {"name": row} if isinstance(row, str) else row
        if isinstance(fields, dict):
            own = {"id": fields.get(f"id_{word}"), "name": fields.get(word)}
            fields = {**fields, **{name: value for name, value in own.items() if value is not None}}
        wire = read_row(NamedRow, fields)
        if not isinstance(wire, Rejected) and wire.name:
            found.setdefault(wire.name.casefold(), NamedEntry(wire.id, wire.name))
    return tuple(found.values())


def _first_sent(row: Mapping[str, object], names: Iterable[str]) -> object:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def to_locations(rows: Iterable[object]) -> tuple[PublicLocation, ...]:
    """The locations of the rows that have an id, without anything that is not public."""
    found: list[PublicLocation] = []
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("id_location"), str | int):
            sent = {ours: _first_sent(row, theirs) for ours, theirs in _PUBLIC.items()}
            public = {
                name: value
                for name, value in sent.items()
                if isinstance(value, str | int | float) and is_storable(value)
            }
            found.append(PublicLocation(str(row["id_location"]), public))
    return tuple(found)


def to_areas(rows: Iterable[object], location_id: str) -> tuple[StockArea, ...]:
    """The areas of the rows that have an id, but for those of another location."""
    found: list[StockArea] = []
    for row in rows:
        wire = read_row(AreaRow, row)
        if not isinstance(wire, Rejected) and wire.location_id in (None, location_id):
            kind = wire.kind or wire.name
            sellable = not wire.deleted and _may_be_sold_from(kind)
            found.append(StockArea(wire.id, wire.name or wire.id, sellable))
    return tuple(found)


def to_batch_detail(reply: object) -> BatchDetail:
    """What a single look-up says; nothing where the reply cannot be read."""
    wire = read_row(BatchRow, reply)
    if isinstance(wire, Rejected):
        return BatchDetail()
    return BatchDetail(
        expires_on=expiry_date(wire.date_expire),
        package_tag=wire.package_tag,
        packaged_on=day(wire.date_package),
        produced_on=day(wire.date_production),
        harvested_on=day(wire.date_harvest),
    )
