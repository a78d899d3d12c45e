"""Where the figures of customers, orders and products come from."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.segmentation import Segment, rules, segment_of
from shared.errors import NotFound
from shared.services.reads.explanations.customer import LISTED, ExplainCustomer
from shared.services.reads.explanations.order import ExplainOrder
from shared.services.reads.explanations.origins import OrderEffect
from shared.services.reads.explanations.product import ExplainProduct
from shared.web.routes.explanations import customer_view, order_view, product_view
from tests.documents_in_memory import DocumentsInMemory

ORG = "org_why"
TENANT = f"tenants/{ORG}"
NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)


@pytest.fixture
def database() -> DocumentsInMemory:
    return DocumentsInMemory()


def order(database: DocumentsInMemory, order_id: str, days_ago: float, **fields: Any) -> None:
    """Have an order of customer 7."""
    whole = {
        "customerId": "7",
        "status": "completed",
        "type": "in_store",
        "total": 40.0,
        "createdAt": NOW - timedelta(days=days_ago),
        "syncRunId": "run-1",
        **fields,
    }
    database.put(f"{TENANT}/orders/{order_id}", {k: v for k, v in whole.items() if v is not None})


def run(database: DocumentsInMemory, run_id: str, began: datetime) -> None:
    fields = {"state": "succeeded", "trigger": "cron", "startedAt": began}
    database.put(f"{TENANT}/sync_runs/{run_id}", fields)


def test_each_order_of_a_customer_is_told_with_what_it_adds_and_why(
    database: DocumentsInMemory,
) -> None:
    # Given one order of each kind
    database.put(f"{TENANT}/customers/7", {"id": "7", "source": "alleaves", "updatedAt": NOW})
    order(database, "counted", 3)
    order(database, "refund", 2, total=-10.0)
    order(database, "pending", 1, status="pending")
    order(database, "delivery", 4, status=None, type="delivery")
    order(database, "till", 5, status=None)
    order(database, "gone", 6, removedFromPosAt=NOW)
    order(database, "ecom", 7, supersededBy="lightspeed_9")
    order(database, "broken", 8, total="forty")
    # When
    found = ExplainCustomer(database, lambda: NOW)(ORG, "7")
    # Then
    effects = {line.order_id: line.effect for line in found.spending.orders}
    assert effects == {
        "counted": OrderEffect.COUNTED,
        "refund": OrderEffect.REFUND,
        "pending": OrderEffect.STATUS,
        "delivery": OrderEffect.NO_STATUS,
        "till": OrderEffect.COUNTED,
        "gone": OrderEffect.REMOVED,
        "ecom": OrderEffect.SUPERSEDED,
        "broken": OrderEffect.UNREADABLE,
    }
    assert found.spending.recounted.total_cents == 70_00
    assert found.spending.recounted.order_count == 2
    assert found.spending.agrees, "nothing is stored yet, so that nothing differs"


def test_figures_that_are_not_those_of_the_orders_do_not_agree(
    database: DocumentsInMemory,
) -> None:
    stored = {"totalSpent": 40.0, "orderCount": 1, "segment": "vip", "segmentReason": "by hand"}
    dates = dict.fromkeys(("firstOrderDate", "lastOrderDate"), NOW - timedelta(days=3))
    database.put(f"{TENANT}/customers/7", {**stored, **dates})
    order(database, "a", 3)
    explain = ExplainCustomer(database, lambda: NOW)
    assert explain(ORG, "7").spending.agrees
    order(database, "b", 4)
    found = explain(ORG, "7")
    assert not found.spending.agrees
    assert (found.segment.stored, found.segment.now) == ("vip", Segment.RETURNING)
    assert customer_view(found).spending.recounted.total_spent == 80.0


@pytest.mark.parametrize(
    ("orders", "cents", "days", "decides"),
    [
        (0, 0, None, 0),
        (10, 1000_00, 100, 1),
        (5, 100_00, 59, 2),
        (3, 100_00, 91, 3),
        (3, 100_00, 46, 4),
        (2, 100_00, 10, 5),
        (1, 100_00, 10, 6),
    ],
)
def test_the_rule_that_decides_is_the_one_whose_segment_holds(
    database: DocumentsInMemory, orders: int, cents: int, days: int | None, decides: int
) -> None:
    database.put(f"{TENANT}/customers/7", {"id": "7"})
    for number in range(orders):
        at = days if number == 0 else (days or 0) + number
        order(database, f"o{number}", at or 0, total=cents / 100 / orders)
    found = ExplainCustomer(database, lambda: NOW)(ORG, "7").segment
    assert [rule.decides for rule in found.rules].index(True) == decides
    last = None if days is None else NOW - timedelta(days=days)
    said = segment_of(order_count=orders, spent_cents=cents, last_order_at=last, now=NOW)
    assert rules()[decides][0] is said.segment


def test_points_are_told_by_the_orgs_rules_and_a_mistake_in_these_in_words(
    database: DocumentsInMemory,
) -> None:
    database.put(f"{TENANT}/customers/7", {"socialEquity": True, "points": 55})
    database.put(TENANT, {"loyaltySettings": {"pointsPerDollar": 2}})
    order(database, "a", 3)
    explain = ExplainCustomer(database, lambda: NOW)
    told = explain(ORG, "7").points
    assert (told.calculated, str(told.multiplier), told.problem) == (96, "1.2", None)
    database.put(TENANT, {"loyaltySettings": {"pointsPerDollar": "many"}})
    told = explain(ORG, "7").points
    assert told.calculated is None
    assert "pointsPerDollar" in str(told.problem)


def test_a_customer_with_many_orders_is_answered_with_the_latest(
    database: DocumentsInMemory,
) -> None:
    database.put(f"{TENANT}/customers/7", {"id": "7"})
    for number in range(LISTED + 20):
        order(database, f"o{number:04}", number)
    found = customer_view(ExplainCustomer(database, lambda: NOW)(ORG, "7"))
    assert [each.order_id for each in found.spending.orders[:2]] == ["o0000", "o0001"]
    assert (len(found.spending.orders), found.spending.recounted.order_count) == (LISTED, 120)


def test_the_run_is_the_last_that_had_begun_where_a_record_does_not_name_it(
    database: DocumentsInMemory,
) -> None:
    database.put(f"{TENANT}/customers/7", {"updatedAt": NOW})
    run(database, "early", NOW - timedelta(hours=2))
    run(database, "meant", NOW - timedelta(minutes=1))
    run(database, "later", NOW + timedelta(minutes=1))
    found = ExplainCustomer(database, lambda: NOW)(ORG, "7").run
    assert found is not None
    assert (found.run_id, found.named) == ("meant", False)


def test_an_order_is_found_by_the_id_that_the_pos_has_for_it(database: DocumentsInMemory) -> None:
    order(database, "alleaves_4711", 1, posStatus="Complete", statusFromPos="completed")
    database.put(f"{TENANT}/customers/7", {"id": "7"})
    run(database, "run-1", NOW)
    found = order_view(ExplainOrder(database)(ORG, "4711"))
    assert found.order_id == "alleaves_4711"
    assert found.stored is not None
    assert found.stored.counts
    assert found.stored.customer_is_stored
    assert not found.stored.changed_by_others
    assert found.stored.run is not None
    assert (found.stored.run.run_id, found.stored.run.named) == ("run-1", True)


def test_a_status_that_another_program_has_set_is_told(database: DocumentsInMemory) -> None:
    order(database, "alleaves_1", 1, status="cancelled", statusFromPos="completed")
    found = ExplainOrder(database)(ORG, "alleaves_1").stored
    assert found is not None
    assert found.changed_by_others
    assert found.effect is OrderEffect.STATUS


def test_a_skipped_order_and_one_in_quarantine_say_why(database: DocumentsInMemory) -> None:
    skipped = {"reason": "unknown_email", "message": "No customer has it.", "runId": "kept-no-more"}
    database.put(f"{TENANT}/skipped_orders/alleaves_1", skipped)
    bad = {"stream": "orders", "errorCode": "bad_money", "message": "total: not a number"}
    database.put(f"{TENANT}/quarantine/orders_alleaves_2", bad)
    explain = ExplainOrder(database)
    one, other = order_view(explain(ORG, "1")), order_view(explain(ORG, "2"))
    assert one.skipped is not None
    assert (one.skipped.reason, one.stored) == ("unknown_email", None)
    assert one.skipped.run is not None
    assert one.skipped.run.state is None, "a run that is kept no more is known by its id"
    assert other.quarantine is not None
    assert other.quarantine.code == "bad_money"


def product(database: DocumentsInMemory, **fields: Any) -> None:
    whole = {
        "id": "p1",
        "name": "Pine",
        "category": "Vapes",
        "provider": "alleaves",
        "price": 34.4,
        "priceSource": "markup",
        "cost": 17.2,
        "available": True,
        "quantity": 5,
        "stock": {
            "1001": {"quantity": 5, "available": True, "price": 34.4},
            "1000": {"quantity": 0, "available": False, "price": 0},
        },
        **fields,
    }
    for collection in ("products", "publicViews/products/items"):
        database.put(f"{TENANT}/{collection}/p1", whole)


def test_a_price_is_told_by_its_steps_and_the_location_that_decides(
    database: DocumentsInMemory,
) -> None:
    product(database)
    database.put(TENANT, {"sync": {"markups": {"vape": 2.5}}})
    change = {"changedAt": NOW, "price": 34.4, "previousPrice": 30.0}
    database.put(f"{TENANT}/products/p1/price_history/1", change)
    found = product_view(ExplainProduct(database)(ORG, "p1"))
    assert [step.used for step in found.price.steps] == [False, False, True]
    assert str(found.price.markup) == "2.5"
    assert "2.5" in found.price.steps[-1].rule
    assert [here.location_id for here in found.stock if here.decides] == ["1001"]
    assert [each.previous_price for each in found.price.changes] == [30.0]
    assert (found.on_menu, found.menu_differs) == (True, [])


def test_a_sale_names_its_discount_and_a_menu_that_differs_is_seen(
    database: DocumentsInMemory,
) -> None:
    product(database, isOnSale=True, salePrice=30.0, discountId="d1", saleBadgeText="10% off")
    discount = {"id": "d1", "name": "Spring", "type": "percent", "value": 10, "brands": ["Pine"]}
    database.put(f"{TENANT}/discounts/d1", discount)
    menu = database.fields(f"{TENANT}/publicViews/products/items/p1")
    database.put(f"{TENANT}/publicViews/products/items/p1", {**menu, "price": 99.0, "sortOrder": 1})
    found = product_view(ExplainProduct(database)(ORG, "p1"))
    assert found.sale.discount is not None
    assert (found.sale.discount.name, found.sale.discount.brands) == ("Spring", ("Pine",))
    assert found.menu_differs == ["price"], "what the merchant sets is no difference"


def test_a_product_in_quarantine_says_why(database: DocumentsInMemory) -> None:
    bad = {"stream": "products", "errorCode": "no_name", "message": "It has no name."}
    database.put(f"{TENANT}/quarantine/products_p2", bad)
    found = product_view(ExplainProduct(database)(ORG, "p2"))
    assert found.quarantine is not None
    assert (found.stored, found.on_menu, found.quarantine.code) == (False, False, "no_name")


def test_what_there_is_not_is_not_explained(database: DocumentsInMemory) -> None:
    with pytest.raises(NotFound):
        ExplainCustomer(database, lambda: NOW)(ORG, "nobody")
    with pytest.raises(NotFound):
        ExplainOrder(database)(ORG, "none")
    with pytest.raises(NotFound):
        ExplainProduct(database)(ORG, "none")
