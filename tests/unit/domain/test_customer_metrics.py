"""Weekly metrics follow from the counted orders and the date: rules, boundaries, time passing."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.domain.customer_metrics import (
    CustomerMetrics,
    GatheredHistory,
    InactiveSegment,
    PurchaseHistory,
    SpendTier,
    metrics_of,
)
from shared.domain.metrics_csv import ReportedCustomer
from shared.domain.spending import OrderFact, fold
from shared.store import metrics as metrics_store
from shared.store.metrics import MOST_RECENT, StatePart

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)

ages = st.one_of(
    st.integers(-2, 200).map(lambda days: days * DAY),
    st.sampled_from([30 * DAY, 60 * DAY, 90 * DAY]).flatmap(
        lambda line: st.sampled_from([line - MOMENT, line, line + MOMENT])
    ),
)
orders = st.lists(
    st.builds(
        OrderFact,
        status=st.sampled_from(["completed", "ready", "pending", "cancelled", None]),
        type=st.sampled_from(["in_store", "delivery", "pickup", None]),
        total_cents=st.integers(-40_000, 90_000),
        created_at=ages.map(lambda age: NOW - age),
        channel=st.sampled_from(["ecom", "retail", None]),
    ),
    max_size=30,
)


def sale(cents: int, *, ago: timedelta = DAY, channel: str = "retail") -> OrderFact:
    return OrderFact("completed", "in_store", cents, NOW - ago, channel=channel)


def history(facts: Sequence[OrderFact], as_of: datetime = NOW) -> PurchaseHistory:
    gathered = GatheredHistory(as_of)
    for fact in facts:
        gathered.add(fact)
    return gathered.history


def found(*facts: OrderFact) -> CustomerMetrics:
    return metrics_of(history(facts), NOW)


def recomputed(facts: Sequence[OrderFact], now: datetime) -> dict[str, object]:
    """The rules once more, order by order in dollars, without anything of the product's."""
    taken = [
        (
            Decimal(f.total_cents) / 100,
            (now - f.created_at).total_seconds(),
            f.channel == "ecom",
            f.created_at,
        )
        for f in facts
        if f.status in ("completed", "ready") or (not f.status and f.type == "in_store")
    ]
    placed = [t for t in taken if t[0] >= 0]
    late = [t for t in taken if t[1] < 90 * 86_400]
    total, rolling = sum((t[0] for t in taken), Decimal(0)), sum((t[0] for t in late), Decimal(0))
    days = max(0, int(min(t[1] for t in placed) // 86_400)) if placed else None
    average = Decimal(0)
    if placed:
        average = (total / len(placed)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    tier = "Seed" if placed else "none"
    for least, name in ((250, "Sprout"), (750, "Bloom"), (1500, "Evergreen")):
        tier = name if rolling >= least else tier
    inactive = "none"
    for line in (30, 60, 90):
        inactive = str(line) if days is not None and days >= line else inactive
    return {
        "total": total,
        "orders": len(placed),
        "average": average,
        "ecom": (sum((t[0] for t in taken if t[2]), Decimal(0)), sum(t[2] for t in placed)),
        "retail": (
            sum((t[0] for t in taken if not t[2]), Decimal(0)),
            sum(not t[2] for t in placed),
        ),
        "first": min((t[3] for t in placed), default=None),
        "last": max((t[3] for t in placed), default=None),
        "rolling": (rolling, sum(t[0] >= 0 for t in late)),
        "days": days,
        "flags": (total >= 1000, total >= 500),
        "inactive": inactive,
        "tier": tier,
    }


def told(metrics: CustomerMetrics) -> dict[str, object]:
    def dollars(cents: int) -> Decimal:
        return Decimal(cents) / 100

    lifetime = metrics.lifetime
    return {
        "total": dollars(lifetime.total_cents),
        "orders": lifetime.order_count,
        "average": dollars(lifetime.average_cents),
        "ecom": (dollars(metrics.ecom.total_cents), metrics.ecom.order_count),
        "retail": (dollars(metrics.retail.total_cents), metrics.retail.order_count),
        "first": lifetime.first_order_at,
        "last": lifetime.last_order_at,
        "rolling": (dollars(metrics.rolling_cents), metrics.rolling_orders),
        "days": metrics.days_since_last,
        "flags": (metrics.is_vip, metrics.is_high_value),
        "inactive": metrics.inactive.value,
        "tier": metrics.tier.value,
    }


@given(orders)
@example([sale(90_000, ago=90 * DAY), sale(60_000, ago=90 * DAY - MOMENT)])
def test_the_metrics_of_any_history_are_those_of_a_plain_recomputation(
    facts: list[OrderFact],
) -> None:
    assert told(found(*facts)) == recomputed(facts, NOW)


@given(orders, st.lists(st.integers(0, 40 * 86_400_000_000), max_size=5))
def test_a_history_that_has_aged_says_what_one_made_anew_says(
    facts: list[OrderFact], steps: list[int]
) -> None:
    """Report after report, each from what the one before has stored."""
    as_of = NOW - 50 * DAY
    kept = history(facts, as_of)
    for step in steps:
        as_of += step * MOMENT
        kept = stored(kept.aged(as_of))
        assert kept == history(facts, as_of)
        assert told(metrics_of(kept, as_of)) == recomputed(facts, as_of)


@given(orders)
def test_spending_and_metrics_agree_on_the_lifetime(facts: list[OrderFact]) -> None:
    assert found(*facts).lifetime == fold(facts)


def stored(kept: PurchaseHistory) -> PurchaseHistory:
    """Read back from Firestore."""
    customer = ReportedCustomer("7", "Ada Lovelace", "ada@example.com", "", kept, ("8",), None)
    part = metrics_store.encoded_part(StatePart([customer]), "")
    [read] = metrics_store.decoded_state(part.state).customers
    assert read == customer
    return read.history


@pytest.mark.parametrize(
    ("cents", "vip", "high"),
    [
        (499_99, False, False),
        (500_00, False, True),
        (999_99, False, True),
        (1000_00, True, True),
    ],
)
def test_vip_and_high_value_begin_at_the_cent(cents: int, vip: bool, high: bool) -> None:
    metrics = found(sale(cents, ago=400 * DAY))
    assert (metrics.is_vip, metrics.is_high_value) == (vip, high)


@pytest.mark.parametrize(
    ("cents", "tier"),
    [
        (249_99, SpendTier.SEED),
        (250_00, SpendTier.SPROUT),
        (749_99, SpendTier.SPROUT),
        (750_00, SpendTier.BLOOM),
        (1499_99, SpendTier.BLOOM),
        (1500_00, SpendTier.EVERGREEN),
    ],
)
def test_a_tier_begins_at_the_cent(cents: int, tier: SpendTier) -> None:
    assert found(sale(cents)).tier is tier


@pytest.mark.parametrize(
    ("ago", "inactive"),
    [
        (30 * DAY - MOMENT, InactiveSegment.NONE),
        (30 * DAY, InactiveSegment.DAYS_30),
        (60 * DAY - MOMENT, InactiveSegment.DAYS_30),
        (60 * DAY, InactiveSegment.DAYS_60),
        (90 * DAY - MOMENT, InactiveSegment.DAYS_60),
        (90 * DAY, InactiveSegment.DAYS_90),
    ],
)
def test_somebody_is_inactive_from_the_moment_on(ago: timedelta, inactive: InactiveSegment) -> None:
    assert found(sale(1, ago=ago)).inactive is inactive


def test_nobody_is_inactive_for_90_days_and_has_an_order_of_the_last_90() -> None:
    metrics = found(sale(2000_00, ago=90 * DAY))
    assert (metrics.rolling_cents, metrics.rolling_orders) == (0, 0)
    assert metrics.tier is SpendTier.SEED
    assert found(sale(2000_00, ago=90 * DAY - MOMENT)).tier is SpendTier.EVERGREEN


def test_who_never_ordered_has_no_tier_and_is_not_inactive() -> None:
    refund = OrderFact("completed", "in_store", -1, NOW - 100 * DAY)
    for metrics in (found(), found(refund)):
        assert metrics.tier is SpendTier.NONE
        assert metrics.inactive is InactiveSegment.NONE
        assert metrics.days_since_last is None


def test_a_refund_lowers_the_value_of_its_channel_and_of_its_days() -> None:
    shop, web = sale(100_00, ago=95 * DAY), sale(50_00, channel="ecom")
    metrics = found(shop, web, sale(-30_00, channel="ecom"))
    assert (metrics.ecom.total_cents, metrics.ecom.order_count) == (20_00, 1)
    assert (metrics.retail.total_cents, metrics.retail.order_count) == (100_00, 1)
    assert (metrics.rolling_cents, metrics.rolling_orders) == (20_00, 1)


def test_the_digest_tells_changes_apart_that_no_figure_shows() -> None:
    first, middle, last = (sale(10_00, ago=days * DAY) for days in (100, 50, 1))
    later = sale(10_00, ago=49 * DAY)
    web = sale(10_00, ago=50 * DAY, channel="ecom")
    spent = [fold([first, other, last]) for other in (middle, later, web)]
    assert spent[0] == spent[1] == spent[2]
    assert len({each.digest for each in spent}) == 3
    assert fold([last, middle, first]).digest == spent[0].digest


def test_somebody_with_too_many_recent_orders_is_kept_without_them() -> None:
    busy = history([sale(1, ago=number * MOMENT) for number in range(MOST_RECENT + 1)])
    customer = ReportedCustomer("7", "Walk-in", "", "", busy)
    part = metrics_store.encoded_part(StatePart([customer], frozenset({"7"})), "")
    read = metrics_store.decoded_state(part.state)
    assert read.unknown == {"7"}
    assert read.customers[0].history.recent == ()
