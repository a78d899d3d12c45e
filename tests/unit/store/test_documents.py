"""The documents of a sync: each field declared once, the fingerprints as they ever were."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shared.domain import public_menu
from shared.domain.catalogue import LocationStock, Product, StrainType
from shared.domain.changes import fingerprint
from shared.domain.customers import Customer
from shared.domain.discounts import NO_SALE, Discount, DiscountKind, Sale
from shared.domain.inventory import StockArea
from shared.domain.metadata import PUBLIC_FIELDS, NamedEntry, PublicLocation
from shared.domain.orders import (
    Channel,
    Order,
    OrderItem,
    OrderStatus,
    OrderType,
    StoredStatus,
)
from shared.domain.preferences import Preferences, PreferenceSource, PriceBand
from shared.domain.pricing import PriceSource
from shared.domain.spending import Spending
from shared.pos.port import Rejected
from shared.store import customers, discounts, metadata, orders, products, quarantine, spending
from shared.store.database import Document
from shared.store.documents import Field, Schema
from shared.store.writes import Put, Update
from shared.web.routes.menu import MenuItemView

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 8, 0, 0, 250_000, tzinfo=UTC)
NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
ORG, POS = "org_a", "alleaves"

FULL_PRODUCT = Product(
    id="2001",
    name="Blue Dream 3.5g",
    brand="Sample Brand",
    category="Flower",
    subcategory="Eighths",
    price_cents=3550,
    price_source=PriceSource.OTD,
    cost_cents=0,
    batch_cost_cents=1725,
    thc_percent=Decimal("22.50"),
    cbd_percent=Decimal(0),
    strain_type=StrainType.INDICA,
    strain_inferred=True,
    available=True,
    quantity=Decimal(12),
    on_hand=Decimal(14),
    stock=(
        LocationStock("1000", True, Decimal("12.0"), 3550),
        LocationStock("1001", False, Decimal("0.5"), None),
    ),
)
BARE_PRODUCT = Product(
    id="7",
    name="",
    brand=None,
    category="Uncategorized",
    subcategory=None,
    price_cents=None,
    price_source=None,
    cost_cents=None,
    batch_cost_cents=None,
    thc_percent=None,
    cbd_percent=None,
    strain_type=None,
    strain_inferred=False,
    available=False,
    quantity=Decimal("2.5"),
    on_hand=Decimal(0),
    stock=(),
)
FULL_CUSTOMER = Customer(
    id="11",
    email="ana@example.com",
    first_name="Ana",
    last_name="de la Cruz",
    phone="(518) 555-0123",
    date_of_birth="1990-02-03",
    user_id="u1",
    loyalty_points=120,
    created_at=AT,
    source=POS,
)
PREFERRING = replace(
    FULL_CUSTOMER,
    preferences=Preferences(("Flower",), (), PriceBand.PREMIUM, PreferenceSource.POS),
)
BARE_CUSTOMER = Customer(
    id="12",
    email="no-email@alleaves.local",
    first_name="",
    last_name="",
    phone=None,
    date_of_birth=None,
    user_id=None,
    loyalty_points=0,
    created_at=None,
    source=POS,
)
FULL_ORDER = Order(
    external_id="501",
    source=POS,
    pos_customer_id="11",
    user_id="u1",
    email="ana@example.com",
    customer_name="Ana de la Cruz",
    phone="5185550123",
    location_id="1000",
    status=OrderStatus.COMPLETED,
    pos_status="Paid",
    type=OrderType.PICKUP,
    channel=Channel.ECOM,
    items=(
        OrderItem("2001", "Blue Dream 3.5g", "Flower", Decimal(2), 3550),
        OrderItem(None, "Fee", None, Decimal("0.5"), 100),
    ),
    total_cents=7150,
    subtotal_cents=7000,
    tax_cents=150,
    discount_cents=0,
    created_at=AT,
    updated_at=LATER,
)
BARE_ORDER = Order(
    external_id="502",
    source=POS,
    pos_customer_id=None,
    user_id=None,
    email=None,
    customer_name="",
    phone=None,
    location_id="",
    status=OrderStatus.PENDING,
    pos_status=None,
    type=OrderType.IN_STORE,
    channel=Channel.RETAIL,
    items=(),
    total_cents=-500,
    subtotal_cents=None,
    tax_cents=None,
    discount_cents=None,
    created_at=AT,
    updated_at=AT,
)
FULL_DISCOUNT = Discount(
    "1",
    DiscountKind.PERCENT,
    Decimal("12.5"),
    name="Spring",
    starts_at=AT,
    ends_at=LATER,
    product_ids=frozenset({"2001", "7"}),
    categories=frozenset({"Flower"}),
    brands=frozenset({"B", "A"}),
    priority=3,
    badge_text="12% OFF",
    min_quantity=Decimal(1),
    min_total_cents=0,
    customer_types=frozenset({"adult_use"}),
)
BARE_DISCOUNT = Discount("2", DiscountKind.AMOUNT, Decimal(500))
FULL_SALE = Sale(True, 3000, "10% OFF", "1", LATER)
NAMES = (NamedEntry("1", "A"), NamedEntry(None, "B"))
PLACES = (
    PublicLocation("1000", {"name": "Main", "retail": True}),
    PublicLocation("1001", {"name": "Side"}),
)
REJECTED = Rejected("9", "bad_quantity", "The row has no readable quantity.", "{}")


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        (products.fields_of(FULL_PRODUCT, ORG, POS), "83dac942ab323f41"),
        (products.fields_of(BARE_PRODUCT, ORG, POS), "7950337f53c99bc6"),
        (customers.fields_of(FULL_CUSTOMER, ORG), "b1856c26d8b4e490"),
        (customers.fields_of(BARE_CUSTOMER, ORG), "a17dbde4ab08884b"),
        (orders.fields_of(FULL_ORDER, "11", ORG), "fc2cfcd944ecb288"),
        (orders.fields_of(replace(FULL_ORDER, user_id=None), "11", ORG), "33150b216a029005"),
        (orders.fields_of(BARE_ORDER, "12", ORG), "60a8f9aa41b6b82b"),
        (discounts.fields_of(FULL_DISCOUNT, ORG, POS), "d167374f4ea56e96"),
        (discounts.fields_of(BARE_DISCOUNT, ORG, POS), "0682fdae24c8ec1f"),
        (discounts.SALE.fields(FULL_SALE), "c4c1e6d44dd7fff5"),
        (discounts.SALE.fields(NO_SALE), "e16e4add5009546b"),
        (metadata.names(NAMES, ORG, POS, derived=True), "5b7f53af3b67bb1d"),
        (metadata.locations(PLACES, ORG, POS, derived=False), "3d797350b0481e63"),
    ],
)
def test_a_record_has_the_fingerprint_that_orgs_have_stored_of_it(
    fields: Mapping[str, Any], known: str
) -> None:
    assert fingerprint(fields).hex() == known


def product_puts(product: Product, sale: Sale, merchant: dict[str, Any]) -> list[Put]:
    fields = products.fields_of(product, ORG, POS)
    sold = discounts.SALE.fields(sale)
    writes = products.put(ORG, fields, now=NOW, merchant=merchant, sale=sold)
    return [write for write in writes if isinstance(write, Put)]


def customer_put(customer: Customer, *, first: bool, version: datetime | None) -> Put:
    fields = customers.fields_of(customer, ORG)
    return customers.put(ORG, fields, now=NOW, first=first, version=version)


def quarantine_put(*, first: bool) -> Put:
    return quarantine.put(
        ORG, "products", REJECTED, run_id="run", now=NOW, first=first, provider=POS
    )


def location_put() -> Put:
    whole = PublicLocation(
        "1000", dict.fromkeys(PUBLIC_FIELDS, "x"), [StockArea("9", "Vault", sellable=True)]
    )
    fields = metadata.locations([whole], ORG, "lightspeed", derived=True)
    return metadata.put(ORG, metadata.LOCATION, fields, now=NOW)


MERCHANT = dict.fromkeys(products.MERCHANT, "x")
ON_PRODUCT, ON_MENU = product_puts(FULL_PRODUCT, FULL_SALE, MERCHANT)
ECOM_ORDER = replace(FULL_ORDER, ecom_number="2417")
ORDER = orders.put(ORG, orders.fields_of(ECOM_ORDER, "11", ORG), run_id="run")
DISCOUNT = discounts.put(ORG, discounts.fields_of(FULL_DISCOUNT, ORG, POS), now=NOW)
BRANDS = metadata.put(
    ORG, "brands", metadata.names(NAMES, ORG, "lightspeed", derived=True), now=NOW
)


@pytest.mark.parametrize(
    ("full", "only_cleared"),
    [
        (ON_PRODUCT, {"removedFromPosAt"}),
        (ON_MENU, set()),
        (
            customer_put(PREFERRING, first=True, version=AT),
            {"removedFromPosAt", "phoneUnassigned"},
        ),
        (ORDER, {"removedFromPosAt"}),
        (DISCOUNT, set()),
        (BRANDS, set()),
        (location_put(), {"license"}),
        (quarantine_put(first=True), set()),
    ],
    ids=lambda value: value.path if isinstance(value, Put) else "",
)
def test_every_owned_field_can_be_written_and_every_written_one_is_owned(
    full: Put, only_cleared: set[str]
) -> None:
    assert full.owned is not None
    assert len(set(full.owned)) == len(full.owned)
    assert full.fields.keys() == set(full.owned) - only_cleared


def test_what_a_bare_record_lacks_is_removed_unless_it_is_written_once() -> None:
    # Given a customer and a rejected record of whom no more is known, written before
    customer = customer_put(BARE_CUSTOMER, first=False, version=None)
    rejected = quarantine_put(first=False)
    product, _ = product_puts(BARE_PRODUCT, NO_SALE, {})

    # Then a field without a value is cleared
    assert {"phone", "phoneE164", "dateOfBirth"} <= set(customer.owned or ()) - set(customer.fields)
    assert {"brand", "cost", "salePrice"} <= set(product.owned or ()) - set(product.fields)

    # but not one that only the first write sets, or that the POS may forget
    assert not {"userId", "createdAt"} & {*(customer.owned or ()), *customer.fields}
    assert "firstSeenAt" not in (rejected.owned or ())


def test_a_first_write_keeps_the_pos_s_own_moment_of_creation() -> None:
    known = customer_put(FULL_CUSTOMER, first=True, version=None)
    unknown = customer_put(BARE_CUSTOMER, first=True, version=None)
    assert (known.fields["createdAt"], unknown.fields["createdAt"]) == (AT, NOW)


def test_a_status_that_the_pos_does_not_give_is_stored_as_null() -> None:
    assert orders.fields_of(BARE_ORDER, "12", ORG)["posStatus"] is None


def test_an_order_whose_status_is_another_programs_is_written_without_it() -> None:
    # Given an order of which the POS says what it has said before
    fields = orders.fields_of(ECOM_ORDER, "11", ORG)
    stored = StoredStatus(status="ready", pos_status="Paid", from_pos="completed")

    # When it is written
    write = orders.put(ORG, fields, run_id="run", stored=stored)

    # Then its status is neither written nor cleared, all else is as ever
    assert write.owned is not None
    assert {*(ORDER.owned or ())} - {*write.owned} == {"status"}
    assert {**write.fields, "status": "completed"} == ORDER.fields
    assert ORDER.fields["statusFromPos"] == "completed"


@pytest.mark.parametrize(
    ("preferences", "stored"),
    [
        (PREFERRING.preferences, {"favoriteCategory": "Flower", "priceBand": "premium"}),
        (Preferences((), (), PriceBand.MID, PreferenceSource.POS), {"priceBand": "mid"}),
        (None, None),
    ],
)
def test_what_the_pos_s_summary_says_of_a_customer_is_read_as_it_is_stored(
    preferences: Preferences | None, stored: dict[str, str] | None
) -> None:
    fields = customers.fields_of(replace(FULL_CUSTOMER, preferences=preferences), ORG)
    assert fields.get("posPreferences") == stored
    assert customers.pos_preferences_in(fields) == preferences


def test_preferences_of_the_pos_are_marked_and_those_from_orders_are_as_ever() -> None:
    said = customers.preference_fields(PREFERRING.preferences, ())["preferences"]
    computed = Preferences(("Flower",), (), PriceBand.PREMIUM)
    assert said == {
        "favoriteCategory": "Flower",
        "categories": ["Flower"],
        "products": [],
        "priceBand": "premium",
        "source": "pos",
    }
    stored = customers.preference_fields(computed, ())["preferences"]
    assert {**stored, "source": "pos"} == said


def test_a_spending_document_without_an_email_clears_the_stored_one() -> None:
    # Given a document stored with an e-mail and a first order
    stored = Document(
        "cid_1", {"email": "a@example.com", "firstOrderDate": AT, "points": 3}, AT, AT
    )
    fields = spending.document_of(Spending(), org_id=ORG, customer_id="1", email=None)

    # When it is written without them
    write = spending.put_by_id(ORG, "1", stored, fields, NOW)

    # Then both are removed, and other writers' fields are not named
    assert isinstance(write, Update)
    removed = {name for name, value in write.fields.items() if value is None}
    assert removed == {"email", "firstOrderDate"}
    assert "points" not in write.fields


def test_the_public_sees_the_declared_fields_of_a_product_and_no_others() -> None:
    # The fields that a product may have on the menu
    assert products.PUBLIC.keys() <= {*ON_MENU.fields}
    secret = {"externalId", "cost", "batchCost", "priceSource", "stock", "source", "orgId"}
    secret |= {"provider"}
    assert {*ON_MENU.fields} - products.PUBLIC.keys() == {*secret, "updatedAt"}
    # and the HTTP answer has just these
    answered = {field.alias for field in MenuItemView.model_fields.values()}
    assert answered == {*products.PUBLIC, "isDemo"}


def test_a_sale_that_is_over_takes_all_its_fields_along() -> None:
    assert {*public_menu.SALE_DETAILS, "isOnSale"} == set(discounts.SALE.owned)


def test_a_field_that_a_write_would_drop_is_refused_by_name_and_path() -> None:
    with pytest.raises(ValueError, match=r"tenants/org_a/orders/1: colour"):
        Put("tenants/org_a/orders/1", {"id": "1", "colour": "green"}, owned=("id",))
    with pytest.raises(ValueError, match="colour"):
        orders.put(ORG, {**ORDER.fields, "colour": "green"}, run_id="run")
    with pytest.raises(ValueError, match="colour"):
        metadata.put(ORG, "brands", {**BRANDS.fields, "colour": "green"}, now=NOW)


def test_a_value_given_beside_the_record_must_be_declared() -> None:
    schema = Schema[int](Field("value", lambda n: n), given=("orgId",))
    assert schema.fields(1, orgId="a") == {"value": 1, "orgId": "a"}
    with pytest.raises(TypeError, match="org_id"):
        schema.fields(1, org_id="a")


PICTURE = "https://cdn.example.com/1.png"
OURS = {"imageUrl": PICTURE, "imageSource": POS}


@pytest.mark.parametrize(
    ("image", "stored", "written"),
    [
        (None, {}, {}),
        (PICTURE, {}, OURS),
        (PICTURE, {"sortOrder": 3}, OURS),
        (PICTURE, OURS, {}),
        (
            "https://cdn.example.com/2.png",
            OURS,
            OURS | {"imageUrl": "https://cdn.example.com/2.png"},
        ),
        (None, OURS, {"imageUrl": None, "imageSource": None}),
        # The merchant's own stays, whatever its source says.
        (PICTURE, {"imageUrl": "https://shop.example.com/a", "imageSource": "manual"}, {}),
        (PICTURE, {"imageUrl": "https://shop.example.com/a"}, {}),
        (None, {"imageUrl": "https://shop.example.com/a", "imageSource": "dispense"}, {}),
    ],
)
def test_the_pos_s_picture_is_shown_where_the_merchant_has_none(
    image: str | None, stored: dict[str, Any], written: dict[str, Any]
) -> None:
    fields = products.fields_of(replace(FULL_PRODUCT, image_url=image), ORG, POS)
    assert products.picture(fields, stored) == written


def test_a_picture_is_written_on_the_menu_alone_and_another_is_a_change() -> None:
    plain = products.fields_of(FULL_PRODUCT, ORG, POS)
    pictured = products.fields_of(replace(FULL_PRODUCT, image_url=PICTURE), ORG, POS)
    assert fingerprint(plain) != fingerprint(pictured)

    writes = products.put(ORG, pictured, now=NOW, merchant=OURS, sale={})

    kept, on_menu = (write for write in writes if isinstance(write, Put))
    assert not {"imageUrl", "posImage"} & kept.fields.keys()
    assert "posImage" not in on_menu.fields
    assert {name: on_menu.fields[name] for name in OURS} == OURS
    taken = products.put(ORG, plain, now=NOW, merchant=dict.fromkeys(OURS), sale={})[1]
    assert isinstance(taken, Put)
    assert not OURS.keys() & taken.fields.keys()
    assert OURS.keys() <= set(taken.owned or ())


def test_products_say_that_they_are_of_a_pos_and_of_which() -> None:
    fields = products.fields_of(FULL_PRODUCT, ORG, POS)
    assert (fields["source"], fields["provider"]) == ("pos", "alleaves")
    assert fields["strainType"] == "Indica"


def test_an_order_keeps_the_user_account_that_placed_it() -> None:
    assert orders.fields_of(FULL_ORDER, "11", ORG)["userId"] == "u1"
    assert "userId" not in orders.fields_of(BARE_ORDER, "12", ORG)


def test_a_number_that_nobody_is_assigned_is_found_and_marked() -> None:
    unassigned = replace(FULL_CUSTOMER, phone="(555) 123-4567")
    given = customer_put(unassigned, first=False, version=None).fields
    usual = customer_put(FULL_CUSTOMER, first=False, version=None)
    assert (given["phoneE164"], given["phoneUnassigned"]) == ("+15551234567", True)
    assert "phoneUnassigned" not in usual.fields
    assert "phoneUnassigned" in (usual.owned or ()), "a number that was corrected is not marked"
