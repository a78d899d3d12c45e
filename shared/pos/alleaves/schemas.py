"""Rows as Alleaves sends them, read tolerantly: the shapes and spellings of both styles wherever
they occur, numbers as text, ids of any type.

A null counts as absent. Amounts and times stay as sent: the mappers decide about unreadable ones.
The shapes of discounts, brands, categories, vendors and single batches are those of one public
integration: nothing is required of them but a discount's id.
"""

from pydantic import model_validator

from shared.pos.rows import Email, Flag, Id, Object, OptionalId, Row, Rows, Text, sent_as


class CustomerRow(Row):
    """A row of ``/customer/search`` or ``/customers``."""

    id: Id = sent_as("id_customer", "customer_id", "id", default=...)
    first_name: Text = sent_as("name_first", "first_name")
    last_name: Text = sent_as("name_last", "last_name")
    full_name: Text = sent_as("full_name", "customer_name", "name")
    email: Email = None
    phone: Text = sent_as("phone", "phone2")
    date_of_birth: Text = None
    user_id: Text = sent_as("user_id", "userId")
    loyalty_points: object = 0
    total_spent: object = None
    total_orders: object = None
    order_count: object = None
    favorite_category: object = None
    created_at: object = sent_as("date_created", "customer_since", "created_at")
    updated_at: object = sent_as("date_updated", "updated_at")


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

    id: Id = sent_as("id_order", "id_transaction", "order_id", "id", default=...)
    customer_id: OptionalId = sent_as("id_customer", "customer_id", "customerId")
    user_id: Text = sent_as("user_id", "userId")
    first_name: Text = sent_as("name_first", "first_name")
    last_name: Text = sent_as("name_last", "last_name")
    full_name: Text = sent_as("customer_name", "full_name")
    email: Email = sent_as("email", "customer_email")
    phone: Text = sent_as("phone", "customer_phone")
    location_id: Text = sent_as("id_location", "location_id", "locationId")
    status: Text = None
    complete: Flag = False
    type: Text = sent_as("type", "order_type")
    items: Rows = ()
    total: object = None
    subtotal: object = None
    tax: object = None
    discount: object = None
    created_at: object = sent_as("date_created", "created_at")
    updated_at: object = sent_as("date_updated", "updated_at")

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

    product_id: OptionalId = sent_as("id_inventory_item", "product_id", "id_product", "id_item")
    name: Text = sent_as("item", "name", "product_name")
    category: Text = None
    quantity: object = sent_as("quantity", "qty")
    price: object = None


class StockRow(Row):
    """A row of ``/inventory/search``: a batch of an item in an area, or a whole product, whose
    ``available`` may be a flag beside its ``quantity``."""

    item_id: Id = sent_as("id_item", "item_id", "id_product", "product_id", default=...)
    batch_id: OptionalId = sent_as("id_batch", "batch_id")
    area_id: OptionalId = sent_as("id_area", "area_id")
    location_id: Text = sent_as("id_location", "location_id", "locationId")
    name: Text = sent_as("item", "name", "product_name")
    brand: Text = None
    vendor: Text = None
    category: Text = None
    subcategory: Text = None
    strain: Text = sent_as("strainType", "strain_type", "strain")
    on_hand: object = sent_as("on_hand", "quantity")
    available: object = None
    has_inventory: Flag = True
    area: Text = None
    area_type: Text = None
    status: Text = None
    deleted: Flag = False
    qc_hold: Flag = False
    date_closed: Text = None
    price_retail: object = sent_as("price_retail", "price")
    price_retail_adult_use: object = None
    price_retail_medical_use: object = None
    price_otd: object = None
    price_otd_adult_use: object = None
    price_otd_medical_use: object = None
    cost_of_good: object = sent_as("cost_of_good", "cost")
    batch_cost_of_good: object = sent_as("batch_cost_of_good", "batchCost", "batch_cost")
    thc: object = None
    cbd: object = None
    compounds: Rows = ()
    date_expire: Text = None
    date_received: Text = None
    package_tag: Text = sent_as("metrc_package_label", "package_tag")
    image_url: Text = sent_as("image_url", "imageUrl", "image")
    media: Rows = sent_as("media_list", "media", default=())


class DiscountRow(Row):
    """A row of ``/discount``."""

    id: Id = sent_as("id_discount", "discount_id", "id", default=...)
    name: Text = sent_as("name", "discount", "description")
    kind: Text = sent_as("discount_type", "type")
    value: object = sent_as("discount_value", "value")
    starts: object = sent_as("start_date", "date_start")
    ends: object = sent_as("end_date", "date_end")
    active: Flag = sent_as("active", "is_active", default=True)
    conditions: Object = sent_as("conditions", default={})
    badge_text: Text = None
    priority: object = 0


class Conditions(Row):
    """What a discount asks for."""

    categories: Rows = ()
    brands: Rows = ()
    products: Rows = ()
    min_quantity: object = sent_as("min_qty", "min_quantity")
    min_total: object = None
    customer_types: Rows = ()


class AreaRow(Row):
    """A row of ``/inventory/area``."""

    id: Id = sent_as("id_area", "area_id", "id", default=...)
    name: Text = sent_as("name", "area", "path")
    kind: Text = sent_as("area_type", "type")
    location_id: Text = sent_as("id_location", "location_id", "locationId")
    deleted: Flag = False


class NamedRow(Row):
    """A row of ``/inventory/brand``, ``/category`` or ``/vendor``; see ``to_named``."""

    id: Text = None
    name: Text = None


class BatchRow(Row):
    """The reply of ``/inventory/batch/{id}``."""

    date_expire: Text = None
    package_tag: Text = sent_as("metrc_package_label", "package_tag")
    date_package: Text = None
    date_production: Text = None
    date_harvest: Text = None
