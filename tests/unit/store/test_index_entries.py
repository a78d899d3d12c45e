"""How many index entries the product's documents have under ``firestore.indexes.json``, and that no
text in an index is longer than Firestore indexes."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain

import pytest
from google.cloud.firestore_v1 import types

from shared.domain.catalogue import LocationStock, Product
from shared.domain.customers import LONGEST_EMAIL, Customer
from shared.domain.discounts import Discount, DiscountKind
from shared.domain.metadata import NamedEntry
from shared.domain.order_matching import SkipReason
from shared.domain.orders import Channel, Order, OrderItem, OrderStatus, OrderType
from shared.domain.pricing import PriceSource
from shared.pos.port import Rejected
from shared.store import customers, discounts, metadata, orders, products, quarantine
from shared.store.manifest import Manifest
from shared.store.writes import Put, Update, Write, encoded
from tests.indexes import declared
from tests.strict_firestore.limits import Limits, Refused
from tests.strict_firestore.measure import Measure, Size

ORG = "org_a"
NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
DOCUMENTS = "projects/demo/databases/(default)/documents"
LONGEST = "\U0001f33f" * 2_000
"""As long as a text of a readable record may be, in characters and in bytes of each."""
LONGEST_ID = "\U0001f33f" * 200
CALCULATED = {
    **dict.fromkeys(("totalSpent", "avgOrderValue", "predictedLifetimeValue"), 10.5),
    **dict.fromkeys(("orderCount", "points", "pointsFromOrders", "pointsFromAlpine"), 3),
    **dict.fromkeys(("loyaltyTier", "tierSource", "alpineUserId"), "gold"),
    **dict.fromkeys(("firstOrderDate", "lastOrderDate", "pointsLastCalculated"), NOW),
    "segment": "loyal",
    "segmentReason": "5 orders, the last 12 days ago",
    "rfm": {
        **dict.fromkeys(("recencyDays", "frequency", "monetary"), 12),
        "asOf": NOW,
        "scores": dict.fromkeys(("recency", "frequency", "monetary"), 4),
        "quantiles": {**dict.fromkeys(("recency", "frequency", "monetary"), 4), "asOf": NOW},
    },
    "preferences": {
        "favoriteCategory": "Flower",
        "priceBand": "mid",
        "categories": ["Flower", "Vape", "Edible"],
        "products": [{"productId": str(n), "name": f"Product {n}"} for n in range(5)],
    },
    "recommendations": [{"productId": str(n), "score": n / 10} for n in range(5)],
    "loyaltyReconciled": True,
    "loyaltyDiscrepancy": 0,
}
"""What spending and loyalty have written on a customer's document."""


@pytest.fixture(scope="module")
def measure() -> Measure:
    return Measure(declared(), Limits())


def check(measure: Measure, *writes: Write) -> int:
    """The index entries of the document that these writes make. Raises Refused."""
    size = Size(0, 0)
    name = ""
    for write in writes:
        document = types.Write.pb(encoded(write, DOCUMENTS)).update
        name = document.name
        size += measure.fields(name, document.fields)
    measure.check(name, size)
    return size.entries


def customer(text: str, record_id: str = "7", email: str = "ada@example.com") -> Put:
    fields = customers.fields_of(
        Customer(
            id=record_id,
            email=email,
            first_name=text,
            last_name=text,
            phone="(518) 555-0123",
            date_of_birth=text,
            user_id=text,
            loyalty_points=10,
            created_at=NOW,
            source="alleaves",
        ),
        ORG,
    )
    return customers.put(ORG, fields, now=NOW, first=True, version=NOW)


def order(text: str, record_id: str = "7") -> Order:
    return Order(
        external_id=record_id,
        source="alleaves",
        pos_customer_id=record_id,
        user_id=text,
        email="ada@example.com",
        customer_name=text,
        phone=text,
        location_id=text,
        status=OrderStatus.COMPLETED,
        pos_status=text,
        type=OrderType.IN_STORE,
        channel=Channel.RETAIL,
        items=(OrderItem("7", text, text, Decimal(2), 1_250),) * 3,
        total_cents=7_500,
        subtotal_cents=7_000,
        tax_cents=500,
        discount_cents=0,
        created_at=NOW - timedelta(days=1),
        updated_at=NOW,
    )


def stored_order(text: str, record_id: str = "7") -> Put:
    fields = orders.fields_of(order(text, record_id), record_id, ORG)
    return orders.put(ORG, fields, run_id="run")


def product(text: str, record_id: str = "7") -> list[Write]:
    found = Product(
        id=record_id,
        name=text,
        brand=text,
        category=text,
        subcategory=text,
        price_cents=2_500,
        price_source=PriceSource.RETAIL,
        cost_cents=1_000,
        batch_cost_cents=1_000,
        thc_percent=Decimal(20),
        cbd_percent=Decimal(1),
        strain_type=None,
        strain_inferred=False,
        available=True,
        quantity=Decimal(12),
        on_hand=Decimal(12),
        stock=(LocationStock("1", True, Decimal(12), 2_500),),
    )
    sale = {"isOnSale": False}
    fields = products.fields_of(found, ORG, "alleaves")
    return products.put(ORG, fields, now=NOW, merchant={}, sale=sale)


def discount(text: str, product_ids: Iterable[str]) -> Put:
    found = Discount(
        id="7",
        kind=DiscountKind.PERCENT,
        value=Decimal(10),
        name=text,
        product_ids=frozenset(product_ids),
        categories=frozenset({text}),
        brands=frozenset({text}),
        badge_text=text,
    )
    return discounts.put(ORG, discounts.fields_of(found, ORG, "alleaves"), now=NOW)


def skipped(text: str, record_id: str) -> list[Put]:
    marks = Manifest(ORG, "orders", {}, 1)
    found = orders.SkippedOrders(ORG, marks)
    found.add(order(text, record_id), SkipReason.UNKNOWN_CUSTOMER_ID, run_id="run", now=NOW)
    writes = chain.from_iterable(marks.take_writes())
    return [w for w in writes if isinstance(w, Put) and "/skipped_orders/" in w.path]


def test_an_order_is_in_no_more_indexes_than_queries_need(measure: Measure) -> None:
    assert check(measure, stored_order("Indica")) == 3 + 8


def test_a_customer_is_in_no_more_indexes_than_queries_need(measure: Measure) -> None:
    calculated = Update(f"tenants/{ORG}/customers/7", CALCULATED)
    assert check(measure, customer("Ada"), calculated) == 12 + 6


def test_a_product_is_in_one_index_on_the_menu_and_in_none_beside(measure: Measure) -> None:
    kept, on_menu = product("Indica")
    assert (check(measure, kept), check(measure, on_menu)) == (0, 1)


def test_a_discount_may_name_any_number_of_products(measure: Measure) -> None:
    assert check(measure, discount("Sale", map(str, range(41_000)))) == 0


def test_no_text_of_a_record_is_too_long_for_its_index(measure: Measure) -> None:
    rejected = Rejected(LONGEST_ID, "bad_text", LONGEST, LONGEST)
    brands = metadata.names([NamedEntry(LONGEST_ID, LONGEST)], ORG, "alleaves", derived=False)
    check(measure, customer(LONGEST, LONGEST_ID, LONGEST[:LONGEST_EMAIL]))
    check(measure, stored_order(LONGEST, LONGEST_ID))
    for write in (
        *product(LONGEST, LONGEST_ID),
        discount(LONGEST, [LONGEST_ID]),
        *skipped(LONGEST, LONGEST_ID),
        metadata.put(ORG, "brands", brands, now=NOW),
        quarantine.put(ORG, "orders", rejected, run_id="run", now=NOW, first=True),
    ):
        check(measure, write)


def test_a_text_in_a_composite_index_alone_may_be_too_long_as_well(measure: Measure) -> None:
    with pytest.raises(Refused, match='"orgId" is longer than 1500 bytes'):
        check(measure, Put(f"tenants/{ORG}/customer_spending/7", {"orgId": "x" * 1_501}))


def test_names_are_found_by_their_beginning_however_long_they_are() -> None:
    # Given a name that is cut where it is stored, in the middle of a character
    key = customers.name_key("x" + LONGEST)

    # Then what is searched is cut alike, and shorter names are as they were
    assert len(key.encode()) <= customers.LONGEST_KEY
    assert customers.name_key(key) == key
    assert customers.name_key("X", LONGEST).startswith("x \U0001f33f")
    assert customers.name_key(" Ada  ", "LOVELACE") == "ada lovelace"


def test_a_user_id_that_nobody_can_look_up_is_left_out() -> None:
    kept, left_out = customer("u" * 1_500), customer("u" * 1_501)

    assert kept.fields["userId"] == "u" * 1_500
    assert "userId" not in left_out.fields
