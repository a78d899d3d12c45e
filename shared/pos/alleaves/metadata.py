"""Brands, categories, vendors, locations and single batches of Alleaves as domain records."""

from collections.abc import Iterable, Mapping

from shared.domain.batches import BatchDetail
from shared.domain.metadata import PUBLIC_FIELDS, Named, NamedKind, PublicLocation
from shared.pos.alleaves.inventory import expiry
from shared.pos.alleaves.mapping import read_row
from shared.pos.alleaves.reading import day
from shared.pos.alleaves.wire_catalogue import BatchRow, BrandRow, CategoryRow, VendorRow
from shared.pos.base import Rejected

PATHS: Mapping[NamedKind, str] = {
    "brands": "/inventory/brand",
    "categories": "/inventory/category",
    "vendors": "/inventory/vendor",
}
_ROWS: Mapping[NamedKind, type[BrandRow] | type[CategoryRow] | type[VendorRow]] = {
    "brands": BrandRow,
    "categories": CategoryRow,
    "vendors": VendorRow,
}

_SPELLED = {
    "name": "location",
    "legalName": "legal_name",
    "stateName": "full_state_name",
    "postalCode": "postal_code",
    "driveThrough": "drive_through",
    "expressDelivery": "express_delivery",
    "localTaxPercentage": "local_tax_percentage",
    "isAdultUse": "is_adult_use",
    "isMedicalUse": "is_medical_use",
}
_PUBLIC = {name: _SPELLED.get(name, name) for name in PUBLIC_FIELDS}
"""The POS's field of each of ours. Everything else of a location stays at the POS: the reply
carries keys of the state's tracking system, and nobody knows what a later one carries."""


def to_named(kind: NamedKind, rows: Iterable[object]) -> tuple[Named, ...]:
    """The names of the rows; rows without one are passed over, as are repeats."""
    found: dict[str, Named] = {}
    for row in rows:
        wire = read_row(_ROWS[kind], {"name": row} if isinstance(row, str) else row)
        if not isinstance(wire, Rejected) and wire.name:
            found.setdefault(wire.name.casefold(), Named(wire.id, wire.name))
    return tuple(found.values())


def to_locations(rows: Iterable[object]) -> tuple[PublicLocation, ...]:
    """The locations of the rows that have an id, without anything that is not public."""
    return tuple(
        PublicLocation(
            str(row["id_location"]),
            {
                ours: row[theirs]
                for ours, theirs in _PUBLIC.items()
                if isinstance(row.get(theirs), str | int | float)
            },
        )
        for row in rows
        if isinstance(row, dict) and isinstance(row.get("id_location"), str | int)
    )


def to_batch_detail(reply: object) -> BatchDetail:
    """What a single look-up says; nothing where the reply cannot be read."""
    wire = read_row(BatchRow, reply)
    if isinstance(wire, Rejected):
        return BatchDetail()
    return BatchDetail(
        expires_on=expiry(wire.date_expire),
        package_tag=wire.package_tag,
        packaged_on=day(wire.date_package),
        produced_on=day(wire.date_production),
        harvested_on=day(wire.date_harvest),
    )
