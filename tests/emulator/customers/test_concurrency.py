"""Two computations of one customer at once, at the worst moment."""

from typing import Any

import pytest

from shared.bus.messages import ComputeSpending
from tests.emulator.customers.shop import ORG, Shop

EVERYBODY = ComputeSpending(org_id=ORG)
ONE = ComputeSpending(org_id=ORG, customer_ids=("1",))


@pytest.fixture
def computed(shop: Shop) -> Shop:
    """A customer whose one order is computed."""
    shop.customer("1", email="ada@example.com")
    shop.order("a", "1", 50)
    shop.compute()
    return shop


@pytest.mark.parametrize("message", [ONE, EVERYBODY])
def test_an_order_that_came_and_went_during_a_computation_leaves_no_trace(
    computed: Shop, monkeypatch: pytest.MonkeyPatch, message: ComputeSpending
) -> None:
    # Given: a computation that has seen an order, which is gone before it commits, and a second
    # one that finds everything right as it stands
    computed.order("b", "1", 30)
    commit = computed.database.commit

    def commit_late(writes: Any) -> Any:
        monkeypatch.undo()
        computed.orders_collection.document("b").delete()
        assert computed.compute("1")[1] == 0
        return commit(writes)

    monkeypatch.setattr(computed.database, "commit", commit_late)
    # When
    computed.service(message)
    # Then
    for found in (computed.read("1"), computed.spent("cid_1"), computed.spent("ada@example.com")):
        assert (found["totalSpent"], found["orderCount"]) == (50, 1)


@pytest.mark.parametrize("message", [ONE, EVERYBODY])
def test_the_computation_with_the_older_view_of_the_orders_is_refused(
    computed: Shop, monkeypatch: pytest.MonkeyPatch, message: ComputeSpending
) -> None:
    # Given: a second computation sees one order more, and is done first
    computed.order("b", "1", 30)
    commit = computed.database.commit

    def commit_late(writes: Any) -> Any:
        monkeypatch.undo()
        computed.order("c", "1", 7)
        computed.compute("1")
        return commit(writes)

    monkeypatch.setattr(computed.database, "commit", commit_late)
    # When
    computed.service(message)
    # Then
    assert (computed.read("1")["totalSpent"], computed.read("1")["orderCount"]) == (87, 3)


def test_an_order_that_moves_counts_for_its_new_customer_alone(computed: Shop) -> None:
    # Given
    computed.customer("2")
    # When
    computed.order("a", "2", 50)
    computed.compute("1", "2")
    # Then
    assert (computed.read("1")["orderCount"], computed.read("2")["orderCount"]) == (0, 1)
