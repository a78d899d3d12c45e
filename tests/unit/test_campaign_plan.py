"""What the campaign's seeds draw."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from google.api_core.exceptions import Aborted, FailedPrecondition

from deploy.local.simulator.lightspeed.retailer import LightspeedSimulation
from deploy.local.simulator.lightspeed.spec import RetailerSpec
from shared.store.database import Conflict
from tests.campaign.firestore_weather import FAIR, NO_CONTENTION, is_to_blame
from tests.campaign.plan import draw
from tests.campaign.retail_activity import RetailActivity, Unheard

SEEDS = range(1, 61)


def test_firestore_is_contended_for_at_every_tick_of_every_seed() -> None:
    ticks = [tick for seed in SEEDS for tick in draw(seed).ticks]

    assert all(tick.firestore.contention.share > 0 for tick in ticks)
    statuses = {fault.status for tick in ticks for fault in tick.firestore.faults}
    assert {"ABORTED", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED"} == statuses
    assert 0 < sum(bool(tick.firestore.faults) for tick in ticks) < len(ticks)


def test_what_is_left_out_leaves_all_else_as_it_was() -> None:
    for seed in SEEDS:
        plan = draw(seed)
        fair = draw(seed, ("contention", "firestore-faults"))

        assert {tick.firestore for tick in fair.ticks} == {FAIR}
        ticks = tuple(replace(tick, firestore=FAIR) for tick in plan.ticks)
        assert replace(plan, ticks=ticks) == fair
        for without, faults in (
            (("contention",), [tick.firestore.faults for tick in plan.ticks]),
            (("firestore-faults",), [()] * len(plan.ticks)),
        ):
            left = [tick.firestore for tick in draw(seed, without).ticks]
            assert [each.faults for each in left] == faults
            assert all(
                (each.contention == NO_CONTENTION) == ("contention" in without) for each in left
            )


def test_what_contention_caused_is_told_from_what_a_precondition_did() -> None:
    def conflict(cause: Exception) -> Conflict:
        found = Conflict("of a version")
        found.__cause__ = cause
        return found

    assert is_to_blame(conflict(Aborted("contention")))  # type: ignore[no-untyped-call]
    assert not is_to_blame(conflict(FailedPrecondition("not of that version")))  # type: ignore[no-untyped-call]
    assert not is_to_blame(None)


def test_about_a_third_of_the_orgs_is_at_x_series_or_at_both() -> None:
    plans = [draw(seed) for seed in range(1, 301)]
    at_alleaves = sum(len(plan.orgs) for plan in plans)
    retailers = [each for plan in plans for each in plan.retailers]
    both = sum(
        bool({org.id for org in plan.orgs} & {each.org_id for each in plan.retailers})
        for plan in plans
    )
    orgs = sum(len(plan.org_ids) for plan in plans)

    assert 0.25 < len(retailers) / orgs < 0.42
    assert at_alleaves + len(retailers) > orgs
    assert both > 30
    assert any(each.process_fault for plan in plans for each in plan.imports)
    assert any(each.times > 1 for plan in plans for each in plan.imports)
    assert {fault["kind"] for plan in plans for tick in plan.ticks for fault in tick.retail_faults}
    assert all(plan.org_ids for plan in plans)


def test_an_org_that_is_not_at_x_series_is_drawn_as_it_was_without() -> None:
    for seed in SEEDS:
        plan, without = draw(seed), draw(seed, ("lightspeed",))

        assert not without.retailers
        assert not without.imports
        assert plan.org_ids == without.org_ids
        retail = {each.org_id for each in plan.retailers}
        assert [org for org in without.orgs if org.id not in retail] == [
            org for org in plan.orgs if org.id not in retail
        ]
        if not retail:
            assert plan == without


def test_what_is_sold_while_a_day_passes_is_not_of_the_future_to_a_worker_of_the_day_before() -> (
    None
):
    # Given
    till = RetailerSpec(
        id="till_a", customers=9, sales=12, ecom_orders=6, late=1, products=5, seed=3
    )
    [retailer] = LightspeedSimulation([till])
    moment = datetime(2100, 3, 18, 16, 0, tzinfo=UTC)
    activity = RetailActivity(retailer, Random(5), moment, Unheard(), deletions=False)

    # When
    for happens in (activity.sale, activity.shop_order, activity.arrival, activity.returned_sale):
        happens()

    # Then
    sold = [str(sale["sale_date"]) for sale in retailer.data.table("sales")]
    latest = max(datetime.fromisoformat(text) for text in sold if text > "2100")
    placed = max(order.placed for order in retailer.data.ecom.values())
    assert max(latest, placed) <= moment - timedelta(hours=2)
