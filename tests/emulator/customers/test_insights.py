"""What orders make known of a customer stands on the customer's document, and costs no more than
it must."""

from datetime import timedelta

import pytest

from tests.emulator.customers.shop import NOW, ORG, Shop

ALL = ()
SOME = ("1", "2", "3")


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """Three customers, one of whom never ordered, and a menu."""
    for customer_id in SOME:
        shop.customer(customer_id, email=f"c{customer_id}@example.com")
    shop.order("a", "1", 40.10, ("10", "Flower", 3), ("20", "Vapes", 1), days_ago=70)
    shop.order("b", "1", 59.95, ("10", "Flower", 1), ("30", "Edibles", 2), days_ago=50.5)
    shop.order("c", "2", 130, ("40", "Flower > Eighths", 1), days_ago=3)
    shop.order("d", "2", -30, ("40", "Flower > Eighths", 1), days_ago=1)
    shop.order("e", "2", 500, days_ago=0, status="pending")
    shop.product("10", "Flower", 45)
    shop.product("11", "Flower", 120)
    shop.product("12", "Topicals", 45, available=False)
    shop.product("30", "Edibles", 12)
    shop.product("50", "Beverages", 5)
    return shop


@pytest.mark.parametrize("customer_ids", [ALL, SOME])
def test_all_of_it_lands_on_the_document(busy: Shop, customer_ids: tuple[str, ...]) -> None:
    # When
    busy.compute(*customer_ids)
    # Then
    found = busy.read("1")
    assert (found["totalSpent"], found["orderCount"], found["avgOrderValue"]) == (100.05, 2, 50.03)
    assert found["segment"] == "at_risk"
    assert "last order 50 days before" in found["segmentReason"]
    # 100.05 spent in 70 days; 3 months of 30 days ahead
    assert found["predictedLifetimeValue"] == 228.69
    assert found["preferences"] == {
        "favoriteCategory": "Flower",
        "categories": ["Flower", "Edibles", "Vapes"],
        "products": [
            {"productId": "10", "name": "P10"},
            {"productId": "30", "name": "P30"},
            {"productId": "20", "name": "P20"},
        ],
        "priceBand": "mid",
    }
    assert found["recommendations"] == [
        {"productId": "10", "score": 30},
        {"productId": "30", "score": 25},
        {"productId": "11", "score": 10},
    ]
    rfm = found["rfm"]
    assert (rfm["recencyDays"], rfm["frequency"], rfm["monetary"]) == (50, 2, 100.05)
    assert rfm["scores"] == {"recency": 3, "frequency": 2, "monetary": 2}
    assert rfm["asOf"] == NOW


def test_a_refund_gives_back_money_and_liking_and_moves_no_date(busy: Shop) -> None:
    # When
    busy.compute()
    # Then
    found = busy.read("2")
    assert (found["totalSpent"], found["orderCount"]) == (100, 1)
    assert found["lastOrderDate"] == NOW - timedelta(days=3)
    assert found["preferences"]["products"] == []


def test_a_customer_who_never_ordered_has_no_preferences_and_no_rfm(busy: Shop) -> None:
    # When
    busy.compute()
    # Then
    found = busy.read("3")
    assert (found["segment"], found["totalSpent"], found["predictedLifetimeValue"]) == ("new", 0, 0)
    assert not found.keys() & {"preferences", "recommendations", "rfm", "lastOrderDate"}


@pytest.mark.parametrize("customer_ids", [ALL, SOME])
def test_an_unchanged_customer_causes_no_write(busy: Shop, customer_ids: tuple[str, ...]) -> None:
    # Given
    busy.compute()
    before = [busy.read(i) for i in SOME]
    # When: a day later, with nothing changed but the date
    busy.clock.advance(timedelta(days=1))
    _, writes = busy.compute(*customer_ids)
    # Then: no more than the quantiles, by which everybody was scored again, is written again
    assert writes == (0 if customer_ids else 1)
    assert [busy.read(i) for i in SOME] == before


def test_the_menu_is_read_once_by_an_instance(busy: Shop) -> None:
    # Given
    busy.compute(*SOME)
    # When
    reads, _ = busy.compute("3")
    # Then: no product is among them
    assert reads < 10


def test_what_stopped_being_so_is_taken_off_the_document(busy: Shop) -> None:
    # Given
    busy.compute()
    # When
    for order_id in ("a", "b"):
        busy.orders_collection.document(order_id).delete()
    busy.compute("1")
    # Then
    found = busy.read("1")
    assert (found["segment"], found["totalSpent"], found["orderCount"]) == ("new", 0, 0)
    assert not found.keys() & {"preferences", "recommendations", "rfm", "lastOrderDate"}
    assert "lastOrderDate" not in busy.spent("cid_1")


@pytest.mark.parametrize("customer_ids", [ALL, SOME])
def test_the_pos_s_own_summary_serves_until_an_order_counts(
    busy: Shop, customer_ids: tuple[str, ...]
) -> None:
    # Given a customer without orders of whom the POS says something, and one with orders
    said = {"favoriteCategory": "Edibles", "priceBand": "budget"}
    for customer_id in ("1", "3"):
        email = f"c{customer_id}@example.com"
        busy.customer(customer_id, email=email, posPreferences=said)
    # When
    busy.compute(*customer_ids)
    # Then it stands for what the first likes, and for nothing that was spent
    found = busy.read("3")
    assert found["preferences"] == {
        "favoriteCategory": "Edibles",
        "categories": ["Edibles"],
        "products": [],
        "priceBand": "budget",
        "source": "pos",
    }
    assert found["recommendations"][0] == {"productId": "30", "score": 15}
    assert (found["segment"], found["totalSpent"], found["orderCount"]) == ("new", 0, 0)
    assert "rfm" not in found
    assert busy.read("1")["preferences"]["favoriteCategory"] == "Flower"
    # When an order is stored, and when one that counts is
    busy.order("f", "3", 20, ("10", "Flower", 1), status="pending")
    busy.compute(*customer_ids)
    assert busy.read("3")["preferences"]["source"] == "pos"
    busy.order("g", "3", 120, ("10", "Flower", 1))
    busy.compute(*customer_ids)
    # Then what it says takes the summary's place
    preferences = busy.read("3")["preferences"]
    assert (preferences["favoriteCategory"], preferences["priceBand"]) == ("Flower", "premium")
    assert "source" not in preferences


def test_an_org_sets_its_own_rfm_thresholds(busy: Shop) -> None:
    # Given
    settings = {"recencyDays": [1, 2, 3, 100], "monetary": [0.5, 1, 2, 100.05]}
    busy.client.document(f"tenants/{ORG}").set({"rfm": settings})
    # When
    busy.compute()
    # Then
    assert busy.read("1")["rfm"]["scores"] == {"recency": 2, "frequency": 2, "monetary": 5}


@pytest.mark.parametrize("settings", ["none", {"recencyDays": [3, 2, 1, 0]}, {"monetary": ["x"]}])
def test_thresholds_that_make_no_sense_stop_nobody(busy: Shop, settings: object) -> None:
    # Given
    busy.client.document(f"tenants/{ORG}").set({"rfm": settings})
    # When
    busy.compute("1")
    # Then
    assert busy.read("1")["rfm"]["scores"] == {"recency": 3, "frequency": 2, "monetary": 2}


def test_quantiles_are_as_of_the_last_look_at_everybody(shop: Shop) -> None:
    # Given: five customers, each better than the one before
    for number in range(5):
        shop.customer(str(number))
        for order in range(number + 1):
            shop.order(f"{number}-{order}", str(number), 50, days_ago=60 - 10 * number)
    shop.compute("0")
    assert "quantiles" not in shop.read("0")["rfm"]
    # When
    shop.compute()
    # Then
    score = {"recency": 1, "frequency": 1, "monetary": 1, "asOf": NOW}
    assert shop.read("0")["rfm"]["quantiles"] == score
    assert [shop.read(str(n))["rfm"]["quantiles"]["monetary"] for n in range(5)] == [1, 2, 3, 4, 5]
    # When one of them orders a lot, and is computed alone
    shop.clock.advance(timedelta(days=2))
    shop.order("more", "0", 1000, days_ago=0)
    shop.compute("0")
    # Then the place is the new one, among the others as they were
    score = {"recency": 5, "frequency": 2, "monetary": 5, "asOf": NOW}
    assert shop.read("0")["rfm"]["quantiles"] == score
    assert shop.read("0")["rfm"]["asOf"] == NOW + timedelta(days=2)


def test_an_order_that_another_program_left_unreadable_stops_nobody(busy: Shop) -> None:
    # Given
    busy.order("x", "1", 5, createdAt="yesterday")
    busy.orders_collection.document("y").set({"customerId": "1", "status": "completed"})
    busy.order("z", "1", 7, days_ago=60, items=["junk", {"quantity": "many"}])
    # When
    busy.compute("1")
    # Then
    assert (busy.read("1")["totalSpent"], busy.read("1")["orderCount"]) == (107.05, 3)
