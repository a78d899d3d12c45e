"""Segments that age: only customers who cross a line are read and written."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.bus.messages import AgeSegments, ComputeSpending
from shared.domain.money import to_cents
from shared.domain.segmentation import segment_of
from shared.services.spending.scores import Ageing
from shared.store import customers as customers_store
from shared.store.database import Put
from tests.emulator.customers.shop import NOW, ORG, Shop
from tests.fakes import RecordingPublisher

# `LONG=1` loads the 100,000 customers of the issue, which takes a minute or two.
CUSTOMERS, CROSSING, READS = (100_000, 500, 600) if os.environ.get("LONG") else (10_000, 450, 550)
LINES = (46, 60, 91)


def ageing(shop: Shop, seconds: float = 60) -> tuple[Ageing, RecordingPublisher]:
    """The service, and its own topic; spending is requested from the shop's own topic."""
    segments = RecordingPublisher()
    return Ageing(shop.database, segments, shop.requests, shop.clock.now, seconds), segments


def customers() -> Iterator[dict[str, Any]]:
    """Each as segmented yesterday; CROSSING of them cross a line until today."""
    for number in range(CUSTOMERS):
        if number < CROSSING:
            last = NOW - timedelta(days=LINES[number % len(LINES)], hours=number % 23)
            count = 5 if number % len(LINES) == 1 else 1 + number % 2
        else:
            last = NOW - timedelta(days=(number * 7919) % 400 + 0.99)
            if any(line <= (NOW - last).days <= line for line in LINES):
                last -= timedelta(days=2)
            count = 1 + number % 12
        yield customer(str(number), count, 90.5 * count, last)


def customer(customer_id: str, count: int, spent: float, last: datetime) -> dict[str, Any]:
    segment = segment_of(
        order_count=count,
        spent_cents=to_cents(spent),
        last_order_at=last,
        now=NOW - timedelta(days=1),
    )
    return {
        "id": customer_id,
        "orderCount": count,
        "totalSpent": spent,
        "firstOrderDate": last,
        "lastOrderDate": last,
        "segment": segment.segment.value,
    }


def load(shop: Shop, documents: list[dict[str, Any]]) -> None:
    """Write them all, eight commits at a time."""
    chunks = [documents[start : start + 500] for start in range(0, len(documents), 500)]

    def write(chunk: list[dict[str, Any]]) -> None:
        path = f"tenants/{ORG}/customers"
        shop.database.commit(Put(f"{path}/{fields['id']}", fields) for fields in chunk)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, chunks))


@pytest.mark.timeout(900)
def test_only_those_who_cross_a_line_are_read_and_rewritten(
    shop: Shop, report_figure: Callable[[str], None]
) -> None:
    # Given
    everybody = list(customers())
    load(shop, everybody)
    meter = shop.database.meter
    reads, writes = meter.reads, meter.writes
    age, _ = ageing(shop)
    # When
    age(AgeSegments(org_id=ORG))
    # Then
    reads, writes = meter.reads - reads, meter.writes - writes
    report_figure(
        f"{len(everybody):,} customers, {CROSSING} crossing: {reads} reads, {writes} writes"
    )
    assert CROSSING <= reads <= READS
    assert writes == CROSSING
    # and everybody, of those who crossed and a sample of the others, is in the right segment
    for fields in everybody[: CROSSING + 500]:
        stored = shop.read(fields["id"])
        right = segment_of(
            order_count=fields["orderCount"],
            spent_cents=to_cents(fields["totalSpent"]),
            last_order_at=fields["lastOrderDate"],
            now=NOW,
        )
        assert stored["segment"] == right.segment.value, fields
        assert (stored["segment"] != fields["segment"]) is (int(fields["id"]) < CROSSING), fields
    # When it is done again
    before = meter.reads, meter.writes
    age(AgeSegments(org_id=ORG))
    # Then nobody is left
    assert meter.reads - before[0] <= 6
    assert meter.writes == before[1]


def test_what_age_changes_is_written_anew_as_of_today(shop: Shop) -> None:
    # Given
    shop.customer("1", email="ada@example.com")
    shop.order("a", "1", 100, ("10", "Flower", 1), days_ago=40)
    shop.compute()
    assert shop.read("1")["segment"] == "new"
    # When
    shop.clock.advance(timedelta(days=6))
    ageing(shop)[0](AgeSegments(org_id=ORG))
    # Then
    found = shop.read("1")
    assert found["segment"] == "at_risk"
    assert "46 days" in found["segmentReason"]
    assert (found["rfm"]["recencyDays"], found["rfm"]["scores"]["recency"]) == (46, 3)
    assert found["rfm"]["asOf"] == found["updatedAt"] == shop.clock.now()
    assert found["preferences"]["favoriteCategory"] == "Flower"
    # 100 spent in 46 days; 3 months of 30 days ahead
    assert found["predictedLifetimeValue"] == 295.65
    # and a recompute finds nothing to change
    assert shop.compute("1")[1] == 0


def test_a_day_without_a_pass_is_made_up_for(shop: Shop) -> None:
    # Given
    for number, days in enumerate((30, 80, 120)):
        shop.customer(str(number))
        shop.order(str(number), str(number), 100, days_ago=days)
    shop.compute()
    # When
    shop.clock.advance(timedelta(days=200))
    ageing(shop)[0](AgeSegments(org_id=ORG))
    # Then
    assert {shop.read(str(number))["segment"] for number in range(3)} == {"churned"}


def test_a_customer_who_orders_meanwhile_keeps_the_segment_of_the_order(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given: both are due, and one has just ordered, after ageing looked
    for customer_id in ("1", "2"):
        shop.customer(customer_id)
        shop.order(customer_id, customer_id, 100, days_ago=40)
    shop.compute()
    shop.clock.advance(timedelta(days=10))
    commit = shop.database.commit

    def commit_after_an_order(writes: Any) -> Any:
        monkeypatch.undo()
        shop.order("new", "1", 100, days_ago=0)
        shop.compute("1")
        return commit(writes)

    monkeypatch.setattr(shop.database, "commit", commit_after_an_order)
    # When
    ageing(shop)[0](AgeSegments(org_id=ORG))
    # Then
    assert shop.read("1")["segment"] == "returning"
    assert shop.read("2")["segment"] == "at_risk"


def test_without_time_for_all_of_them_the_message_comes_again(shop: Shop) -> None:
    # Given
    shop.customer("1")
    shop.order("1", "1", 100, days_ago=40)
    shop.compute()
    shop.clock.advance(timedelta(days=10))
    age, segments = ageing(shop, seconds=0)
    message = AgeSegments(org_id=ORG)
    # When
    age(message)
    # Then
    assert segments.messages == [message]
    assert customers_store.spending_in(shop.read("1")).order_count == 1
    assert shop.read("1")["segment"] == "new"


def test_everybody_is_looked_at_again_once_the_quantiles_are_a_month_old(shop: Shop) -> None:
    # Given
    shop.customer("1")
    shop.order("1", "1", 100, days_ago=1)
    message = AgeSegments(org_id=ORG)
    asked = []
    # When: never computed, just computed, and computed long ago
    for days in (0, 1, 31):
        ageing(shop)[0](message)
        asked.append(len(shop.requests.messages))
        shop.compute()
        shop.clock.advance(timedelta(days=days))
    ageing(shop)[0](message)
    # Then
    assert asked == [1, 1, 1]
    assert shop.requests.messages == [ComputeSpending(org_id=ORG)] * 2
