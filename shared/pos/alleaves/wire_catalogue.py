"""Rows of what surrounds the stock: discounts, brands, categories, vendors, single batches.

Their shapes are guesses of one public integration: both spellings are read, nothing is required
but a discount's id.
"""

from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field

from shared.pos.alleaves.wire import Flag, Id, Row, Rows, Text


def _object(value: object) -> object:
    return value if isinstance(value, dict) else {}


Object = Annotated[dict[str, object], BeforeValidator(_object)]


class DiscountRow(Row):
    """A row of ``/discount``."""

    id: Id = Field(validation_alias=AliasChoices("id_discount", "discount_id", "id"))
    name: Text = Field(None, validation_alias=AliasChoices("name", "discount", "description"))
    kind: Text = Field(None, validation_alias=AliasChoices("discount_type", "type"))
    value: object = Field(None, validation_alias=AliasChoices("discount_value", "value"))
    starts: object = Field(None, validation_alias=AliasChoices("start_date", "date_start"))
    ends: object = Field(None, validation_alias=AliasChoices("end_date", "date_end"))
    active: Flag = Field(True, validation_alias=AliasChoices("active", "is_active"))
    conditions: Object = Field(default_factory=dict)
    badge_text: Text = None
    priority: object = 0


class Conditions(Row):
    """What a discount asks for."""

    categories: Rows = Field(default_factory=list)
    brands: Rows = Field(default_factory=list)
    products: Rows = Field(default_factory=list)
    min_quantity: object = Field(None, validation_alias=AliasChoices("min_qty", "min_quantity"))
    min_total: object = None
    customer_types: Rows = Field(default_factory=list)


class BrandRow(Row):
    """A row of ``/inventory/brand``."""

    id: Text = Field(None, validation_alias=AliasChoices("id_brand", "id"))
    name: Text = Field(None, validation_alias=AliasChoices("brand", "name"))


class CategoryRow(Row):
    """A row of ``/inventory/category``."""

    id: Text = Field(None, validation_alias=AliasChoices("id_category", "id"))
    name: Text = Field(None, validation_alias=AliasChoices("category", "name"))


class VendorRow(Row):
    """A row of ``/inventory/vendor``."""

    id: Text = Field(None, validation_alias=AliasChoices("id_vendor", "id"))
    name: Text = Field(None, validation_alias=AliasChoices("vendor", "name"))


class BatchRow(Row):
    """The reply of ``/inventory/batch/{id}``."""

    date_expire: Text = None
    package_tag: Text = Field(
        None, validation_alias=AliasChoices("metrc_package_label", "package_tag")
    )
    date_package: Text = None
    date_production: Text = None
    date_harvest: Text = None
