"""Rows as Alleaves sends them, read tolerantly: both spellings, numbers as text, ids of any type.

A null counts as absent. Amounts and times stay as sent: what to do about an unreadable one is for
the mappers to say. The shapes of discounts, brands, categories, vendors and single batches are
those of one public integration: nothing is required of them but a discount's id.
"""

from typing import Annotated

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_LONGEST_ID = 200


def _text(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value.strip() or None if isinstance(value, str) else None


def _id(value: object) -> object:
    text = _text(value)
    # It becomes the name of a document: a slash would make it a path.
    if not isinstance(text, str) or len(text) > _LONGEST_ID or "/" in text or text in {".", ".."}:
        raise ValueError("not an id")
    return text


def _flag(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in {"true", "1", "yes", "y"}
    return bool(value)


def _list(value: object) -> object:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _object(value: object) -> object:
    return value if isinstance(value, dict) else {}


Id = Annotated[str, BeforeValidator(_id)]
Text = Annotated[str | None, BeforeValidator(_text)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Rows = Annotated[list[object], BeforeValidator(_list)]
Object = Annotated[dict[str, object], BeforeValidator(_object)]


class Row(BaseModel):
    """What all rows share."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_max_length=20_000)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, row: object) -> object:
        if not isinstance(row, dict):
            return row
        return {key: value for key, value in row.items() if value is not None}


class CustomerRow(Row):
    """A row of ``/customer/search`` or ``/customers``."""

    id: Id = Field(validation_alias=AliasChoices("id_customer", "customer_id", "id"))
    first_name: Text = Field(None, validation_alias=AliasChoices("name_first", "first_name"))
    last_name: Text = Field(None, validation_alias=AliasChoices("name_last", "last_name"))
    full_name: Text = Field(
        None, validation_alias=AliasChoices("full_name", "customer_name", "name")
    )
    email: Text = None
    phone: Text = Field(None, validation_alias=AliasChoices("phone", "phone2"))
    date_of_birth: Text = None
    user_id: Text = Field(None, validation_alias=AliasChoices("user_id", "userId"))
    loyalty_points: object = 0
    created_at: object = Field(
        None, validation_alias=AliasChoices("date_created", "customer_since", "created_at")
    )
    updated_at: object = Field(None, validation_alias=AliasChoices("date_updated", "updated_at"))


class OrderRow(Row):
    """A row of ``/order`` or ``/orders``."""

    id: Id = Field(validation_alias=AliasChoices("id_order", "id_transaction", "order_id", "id"))
    customer_id: Text = Field(None, validation_alias=AliasChoices("id_customer", "customer_id"))
    user_id: Text = Field(None, validation_alias=AliasChoices("user_id", "userId"))
    first_name: Text = Field(None, validation_alias=AliasChoices("name_first", "first_name"))
    last_name: Text = Field(None, validation_alias=AliasChoices("name_last", "last_name"))
    full_name: Text = Field(None, validation_alias=AliasChoices("customer_name", "full_name"))
    email: Text = Field(None, validation_alias=AliasChoices("email", "customer_email"))
    phone: Text = Field(None, validation_alias=AliasChoices("phone", "customer_phone"))
    location_id: Text = Field(None, validation_alias=AliasChoices("id_location", "location_id"))
    status: Text = None
    complete: Flag = False
    type: Text = Field(None, validation_alias=AliasChoices("type", "order_type"))
    items: Rows = Field(default_factory=list)
    total: object = None
    subtotal: object = None
    tax: object = None
    discount: object = None
    created_at: object = Field(None, validation_alias=AliasChoices("date_created", "created_at"))
    updated_at: object = Field(None, validation_alias=AliasChoices("date_updated", "updated_at"))


class ItemRow(Row):
    """A line of an order. ``id_item`` is the product where ``id_inventory_item`` is not sent."""

    product_id: Text = Field(
        None, validation_alias=AliasChoices("id_inventory_item", "product_id", "id_item")
    )
    name: Text = Field(None, validation_alias=AliasChoices("item", "name", "product_name"))
    category: Text = None
    quantity: object = Field(None, validation_alias=AliasChoices("quantity", "qty"))
    price: object = None


class StockRow(Row):
    """A row of ``/inventory/search``: a batch of an item in an area."""

    item_id: Id = Field(validation_alias=AliasChoices("id_item", "item_id"))
    batch_id: Text = Field(None, validation_alias=AliasChoices("id_batch", "batch_id"))
    area_id: Text = Field(None, validation_alias="id_area")
    location_id: Text = Field(None, validation_alias=AliasChoices("id_location", "location_id"))
    name: Text = Field(None, validation_alias=AliasChoices("item", "name", "product_name"))
    brand: Text = None
    vendor: Text = None
    category: Text = None
    strain: Text = None
    on_hand: object = None
    available: object = None
    area_type: Text = None
    status: Text = None
    deleted: Flag = False
    qc_hold: Flag = False
    date_closed: Text = None
    price_retail: object = None
    price_retail_adult_use: object = None
    price_retail_medical_use: object = None
    price_otd: object = None
    price_otd_adult_use: object = None
    price_otd_medical_use: object = None
    cost_of_good: object = None
    batch_cost_of_good: object = None
    thc: object = None
    cbd: object = None
    compounds: Rows = Field(default_factory=list)
    date_expire: Text = None
    date_received: Text = None
    package_tag: Text = Field(
        None, validation_alias=AliasChoices("metrc_package_label", "package_tag")
    )


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


class NamedRow(Row):
    """A row of ``/inventory/brand``, ``/inventory/category`` or ``/inventory/vendor``, its
    ``id_brand`` and ``brand`` (and so on) under the names that all of them may have."""

    id: Text = None
    name: Text = None


class BatchRow(Row):
    """The reply of ``/inventory/batch/{id}``."""

    date_expire: Text = None
    package_tag: Text = Field(
        None, validation_alias=AliasChoices("metrc_package_label", "package_tag")
    )
    date_package: Text = None
    date_production: Text = None
    date_harvest: Text = None
