"""Customers of Alleaves as domain records."""

from decimal import ROUND_HALF_UP
from zoneinfo import ZoneInfo

from shared.domain.customers import NO_EMAIL, Customer, normal_email
from shared.pos.alleaves.parse import SOURCE, day, moment, number, read_row
from shared.pos.alleaves.schemas import CustomerRow
from shared.pos.port import Rejected

PLACEHOLDER_EMAIL = f"{NO_EMAIL}alleaves.local"
"""Stored for a customer without an e-mail, as Alleaves itself does in orders."""


def to_customer(row: object, zone: ZoneInfo) -> Customer | Rejected:
    """The customer of a row. ``zone`` is that of times without one.

    Only an unusable id rejects a customer: whatever else cannot be read counts as not given.
    """
    wire = read_row(CustomerRow, row)
    if isinstance(wire, Rejected):
        return wire
    first, last = wire.first_name or "", wire.last_name or ""
    if not (first or last):
        first, _, last = (wire.full_name or "").partition(" ")
    return Customer(
        id=wire.id,
        email=normal_email(wire.email) or PLACEHOLDER_EMAIL,
        first_name=first,
        last_name=last.strip(),
        phone=wire.phone,
        date_of_birth=day(wire.date_of_birth),
        user_id=wire.user_id,
        loyalty_points=_points(wire.loyalty_points),
        created_at=moment(wire.created_at, zone),
        source=SOURCE,
        version=moment(wire.updated_at, zone),
    )


def _points(value: object) -> int:
    read = number(value)
    return 0 if read is None else int(read.to_integral_value(ROUND_HALF_UP))
