"""Rows of Lightspeed Retail X-Series, read tolerantly.

Keys and types are those of the official description and of 107,000 sales of one retailer; amounts
and times stay as sent.
"""

from pydantic import model_validator

from shared.pos.rows import Email, Flag, Id, Object, OptionalId, Row, Rows, Text, sent_as


class VersionedRow(Row):
    """What every listed row has. ``deleted_at`` is set where the record is deleted."""

    id: Id = sent_as("id", default=...)
    version: int | None = None
    deleted_at: Text = None
    created_at: object = None
    updated_at: object = None

    @model_validator(mode="before")
    @classmethod
    def _only_whole_versions(cls, row: object) -> object:
        if isinstance(row, dict) and type(row.get("version", 0)) is not int:
            return {key: value for key, value in row.items() if key != "version"}
        return row


class CustomerRow(VersionedRow):
    """A row of ``/customers``."""

    first_name: Text = None
    last_name: Text = None
    full_name: Text = sent_as("name")
    email: Email = None
    mobile: Text = None
    phone: Text = None
    date_of_birth: Text = None
    loyalty_balance: object = 0


class SaleRow(VersionedRow):
    """A row of ``/sales`` or ``/search?type=sales``. ``status`` is the older form of ``state`` and
    ``attributes``; the total without tax is ``total_price``."""

    outlet_id: OptionalId = None
    register_id: OptionalId = None
    customer_id: OptionalId = None
    source: Text = None
    source_id: Text = None
    status: Text = None
    state: Text = None
    attributes: Rows = ()
    total_price: object = None
    total_tax: object = None
    total_price_incl: object = None
    sale_date: object = None
    return_for: Text = None
    lines: Rows = sent_as("line_items", default=())


class LineRow(Row):
    """A line of a sale. ``price`` and ``tax`` are per unit, the price without tax."""

    product_id: OptionalId = None
    quantity: object = None
    price: object = sent_as("unit_price", "price")
    tax: object = sent_as("unit_tax", "tax")
    status: Text = None


class ProductRow(VersionedRow):
    """A row of ``/products``. ``name`` of a variant lacks what tells it from the others, which
    ``variant_name`` has."""

    name: Text = sent_as("variant_name", "name")
    active: Flag = sent_as("is_active", "active", default=True)
    brand: Object = sent_as("brand", default={})
    supplier: Object = sent_as("supplier", default={})
    category: Object = sent_as("product_category", "type", default={})
    price: object = sent_as("price_including_tax", "price")
    price_excluding_tax: object = sent_as("price_excluding_tax")
    cost: object = sent_as("supply_price")
    image_url: Text = None


class StockRow(VersionedRow):
    """A row of ``/inventory``: what one outlet has of one product."""

    product_id: Id = sent_as("product_id", default=...)
    outlet_id: OptionalId = None
    level: object = sent_as("inventory_level", "current_amount")


class OutletRow(VersionedRow):
    """A row of ``/outlets``: a shop."""

    name: Text = None
    timezone: Text = sent_as("time_zone", "timezone")
    address: Text = sent_as("physical_address_1", "physical_street_number")
    city: Text = sent_as("physical_city")
    state: Text = sent_as("physical_state")
    postal_code: Text = sent_as("physical_postcode")
    country: Text = sent_as("physical_country_id")
    phone: Text = None


class RegisterRow(VersionedRow):
    """A row of ``/registers``: a till, or the one that eCom orders are rung up on."""

    name: Text = None
    outlet_id: OptionalId = None
