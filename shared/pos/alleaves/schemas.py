"""Rows as Alleaves sends them, read tolerantly: the shapes and spellings of both styles wherever
they occur, numbers as text, ids of any type.

A null counts as absent. Amounts and times stay as sent: the mappers decide about unreadable ones.
The shapes of discounts, brands, categories, vendors and single batches are those of one public
integration: nothing is required of them but a discount's id.
"""

import math
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from shared.domain.customers import LONGEST_EMAIL
from shared.domain.ids import is_document_id

_LONGEST_TEXT = 2_000
"""Characters of any name, address or date. Some are kept by the thousand in one document."""


def _text(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return None if isinstance(value, float) and not math.isfinite(value) else str(value)
    return value.strip() or None if isinstance(value, str) else None


def _id(value: object) -> object:
    text = _text(value)
    if not isinstance(text, str) or not is_document_id(text):
        raise ValueError("not an id")
    return text


def _id_or_none(value: object) -> object:
    text = _text(value)
    return text if isinstance(text, str) and is_document_id(text) else None


def _email(value: object) -> object:
    text = _text(value)
    return text if isinstance(text, str) and len(text) <= LONGEST_EMAIL else None


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
OptionalId = Annotated[str | None, BeforeValidator(_id_or_none)]
"""None where it is no usable id: nothing that is stored can have it."""
Text = Annotated[str | None, BeforeValidator(_text)]
Email = Annotated[str | None, BeforeValidator(_email)]
"""None where it is longer than any address may be."""
Flag = Annotated[bool, BeforeValidator(_flag)]
Rows = Annotated[list[object], BeforeValidator(_list)]
Object = Annotated[dict[str, object], BeforeValidator(_object)]


def _sent_as(*names: str, default: Any = None) -> Any:
    """A field under the first of these names that is sent; ``...`` for one that must be."""
    return Field(default, validation_alias=AliasChoices(*names))


class Row(BaseModel):
    """What all rows share."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_max_length=_LONGEST_TEXT)

    @classmethod
    def id_in(cls, row: dict[object, object]) -> str | None:
        """The id in a row that cannot be read whole: the field that is required, if one is."""
        required = (
            each.validation_alias for each in cls.model_fields.values() if each.is_required()
        )
        names = next((each.choices for each in required if isinstance(each, AliasChoices)), [])
        sent = (row[name] for name in names if row.get(name) is not None)
        found = _id_or_none(next(sent, None))
        return found if isinstance(found, str) else None

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, row: object) -> object:
        if isinstance(row, dict):
            return {key: value for key, value in row.items() if value is not None}
        return row


class CustomerRow(Row):
    """A row of ``/customer/search`` or ``/customers``."""

    id: Id = _sent_as("id_customer", "customer_id", "id", default=...)
    first_name: Text = _sent_as("name_first", "first_name")
    last_name: Text = _sent_as("name_last", "last_name")
    full_name: Text = _sent_as("full_name", "customer_name", "name")
    email: Email = None
    phone: Text = _sent_as("phone", "phone2")
    date_of_birth: Text = None
    user_id: Text = _sent_as("user_id", "userId")
    loyalty_points: object = 0
    total_spent: object = None
    total_orders: object = None
    order_count: object = None
    favorite_category: object = None
    created_at: object = _sent_as("date_created", "customer_since", "created_at")
    updated_at: object = _sent_as("date_updated", "updated_at")


_BUYER = {
    "id_customer": ("id_customer", "customer_id", "id"),
    "user_id": ("user_id", "userId", "id_user"),
    "email": ("email",),
    "phone": ("phone", "phone2"),
    "name_first": ("name_first", "first_name"),
    "name_last": ("name_last", "last_name"),
    "full_name": ("full_name", "customer_name", "name"),
}
"""What an order says of its buyer beside its own fields, by the names within ``customer``."""


class OrderRow(Row):
    """A row of ``/order`` or ``/orders``. What it says of its buyer stands beside its other fields
    or in an object ``customer``; beside them goes first."""

    id: Id = _sent_as("id_order", "id_transaction", "order_id", "id", default=...)
    customer_id: OptionalId = _sent_as("id_customer", "customer_id", "customerId")
    user_id: Text = _sent_as("user_id", "userId")
    first_name: Text = _sent_as("name_first", "first_name")
    last_name: Text = _sent_as("name_last", "last_name")
    full_name: Text = _sent_as("customer_name", "full_name")
    email: Email = _sent_as("email", "customer_email")
    phone: Text = _sent_as("phone", "customer_phone")
    location_id: Text = _sent_as("id_location", "location_id", "locationId")
    status: Text = None
    complete: Flag = False
    type: Text = _sent_as("type", "order_type")
    items: Rows = []
    total: object = None
    subtotal: object = None
    tax: object = None
    discount: object = None
    created_at: object = _sent_as("date_created", "created_at")
    updated_at: object = _sent_as("date_updated", "updated_at")

    @model_validator(mode="before")
    @classmethod
    def _with_buyer(cls, row: object) -> object:
        buyer = row.get("customer") if isinstance(row, dict) else None
        if not isinstance(row, dict) or not isinstance(buyer, dict):
            return row
        said = dict(row)
        for names in _BUYER.values():
            if all(row.get(name) in (None, "") for name in names if name != "id"):
                found = (buyer[name] for name in names if buyer.get(name) not in (None, ""))
                said[names[0]] = next(found, row.get(names[0]))
        return said


class ItemRow(Row):
    """A line of an order. ``id_item`` is the product where ``id_inventory_item`` is not sent."""

    product_id: OptionalId = _sent_as("id_inventory_item", "product_id", "id_product", "id_item")
    name: Text = _sent_as("item", "name", "product_name")
    category: Text = None
    quantity: object = _sent_as("quantity", "qty")
    price: object = None


class StockRow(Row):
    """A row of ``/inventory/search``: a batch of an item in an area, or a whole product, whose
    ``available`` may be a flag beside its ``quantity``."""

    item_id: Id = _sent_as("id_item", "item_id", "id_product", "product_id", default=...)
    batch_id: OptionalId = _sent_as("id_batch", "batch_id")
    area_id: OptionalId = _sent_as("id_area", "area_id")
    location_id: Text = _sent_as("id_location", "location_id", "locationId")
    name: Text = _sent_as("item", "name", "product_name")
    brand: Text = None
    vendor: Text = None
    category: Text = None
    subcategory: Text = None
    strain: Text = _sent_as("strainType", "strain_type", "strain")
    on_hand: object = _sent_as("on_hand", "quantity")
    available: object = None
    has_inventory: Flag = True
    area: Text = None
    area_type: Text = None
    status: Text = None
    deleted: Flag = False
    qc_hold: Flag = False
    date_closed: Text = None
    price_retail: object = _sent_as("price_retail", "price")
    price_retail_adult_use: object = None
    price_retail_medical_use: object = None
    price_otd: object = None
    price_otd_adult_use: object = None
    price_otd_medical_use: object = None
    cost_of_good: object = _sent_as("cost_of_good", "cost")
    batch_cost_of_good: object = _sent_as("batch_cost_of_good", "batchCost", "batch_cost")
    thc: object = None
    cbd: object = None
    compounds: Rows = []
    date_expire: Text = None
    date_received: Text = None
    package_tag: Text = _sent_as("metrc_package_label", "package_tag")
    image_url: Text = _sent_as("image_url", "imageUrl", "image")
    media: Rows = _sent_as("media_list", "media", default=[])


class DiscountRow(Row):
    """A row of ``/discount``."""

    id: Id = _sent_as("id_discount", "discount_id", "id", default=...)
    name: Text = _sent_as("name", "discount", "description")
    kind: Text = _sent_as("discount_type", "type")
    value: object = _sent_as("discount_value", "value")
    starts: object = _sent_as("start_date", "date_start")
    ends: object = _sent_as("end_date", "date_end")
    active: Flag = _sent_as("active", "is_active", default=True)
    conditions: Object = {}
    badge_text: Text = None
    priority: object = 0


class Conditions(Row):
    """What a discount asks for."""

    categories: Rows = []
    brands: Rows = []
    products: Rows = []
    min_quantity: object = _sent_as("min_qty", "min_quantity")
    min_total: object = None
    customer_types: Rows = []


class AreaRow(Row):
    """A row of ``/inventory/area``."""

    id: Id = _sent_as("id_area", "area_id", "id", default=...)
    name: Text = _sent_as("name", "area", "path")
    kind: Text = _sent_as("area_type", "type")
    location_id: Text = _sent_as("id_location", "location_id", "locationId")
    deleted: Flag = False


class NamedRow(Row):
    """A row of ``/inventory/brand``, ``/category`` or ``/vendor``; see ``to_named``."""

    id: Text = None
    name: Text = None


class BatchRow(Row):
    """The reply of ``/inventory/batch/{id}``."""

    date_expire: Text = None
    package_tag: Text = _sent_as("metrc_package_label", "package_tag")
    date_package: Text = None
    date_production: Text = None
    date_harvest: Text = None
