"""Everybody is looked up each night, within the rate limit and the night's window."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

from shared.domain.runs import RunState
from shared.errors import ProviderFailed
from shared.store import paths
from tests.unit.services.loyalty_in_memory import BEGAN, ORG, Night

SIX_HOURS = timedelta(hours=6)


def test_all_are_looked_up_each_night_by_continuations_within_the_window() -> None:
    # Given 330 customers and 100 calls an hour
    org = Night(330, per_hour=100)
    for night in range(2):
        org.now = BEGAN + timedelta(days=night)
        # When
        run = org.reconcile(f"night-{night}", window=SIX_HOURS)
        # Then it took hours, by messages for later, and nobody was asked about twice
        assert (run.state, run.counts.asked, run.counts.postponed) == (RunState.SUCCEEDED, 330, 0)
        assert timedelta(hours=3) <= org.now - run.started_at < timedelta(hours=4)
        assert run.invocations >= 4
        assert set(Counter(org.calls).values()) == {night + 1}


def test_what_the_window_does_not_hold_comes_in_turn_on_later_nights() -> None:
    # Given calls for 200 of 330 customers in two hours
    org = Night(330, per_hour=100)
    asked: list[set[str]] = []
    for night in range(4):
        org.now = BEGAN + timedelta(days=night)
        before = len(org.calls)
        # When
        run = org.reconcile(f"night-{night}", window=timedelta(hours=2))
        # Then the run ends when the next call would be too late
        asked.append(set(org.calls[before:]))
        assert (run.state, run.counts.asked, run.counts.postponed) == (RunState.SUCCEEDED, 200, 130)
        assert org.now - run.started_at < timedelta(hours=2)
    # and two nights together always have everybody
    for first, second in pairwise(asked):
        assert len(first | second) == 330


def test_who_is_new_or_has_spent_goes_before_all_others() -> None:
    # Given a night in which everybody had a call, and one with a single batch of calls
    org = Night(330, per_hour=1_000)
    org.reconcile("night-0", window=SIX_HOURS)
    org.now = BEGAN + timedelta(days=1)
    org.database.documents[paths.tenant(ORG)]["alpineIq"]["rateLimit"]["perHour"] = 20
    org.spend("77", 500.0)
    org.add("400")
    org.calls.clear()
    # When
    run = org.reconcile("night-1", window=timedelta(minutes=30))
    # Then
    assert {"+15181000077", "+15181000400"} <= set(org.calls)
    assert len(org.calls) == 20
    assert run.counts.postponed == 311
    assert org.customer("77")["pointsFromOrders"] == 500
    assert org.customer("400")["points"] == 120


def test_an_unchanged_customer_costs_one_read_and_one_write() -> None:
    # Given
    org = Night(330, per_hour=None)
    org.reconcile("night-0", window=SIX_HOURS)
    org.now = BEGAN + timedelta(days=1)
    org.database.written.clear()
    reads = org.database.meter.reads
    # When
    run = org.reconcile("night-1", window=SIX_HOURS)
    # Then, beside the seventh of them whose ledger is compared with their orders
    assert (run.counts.unchanged, run.counts.updated) == (330, 0)
    written = Counter(path.startswith(paths.customers(ORG)) for path in org.database.written)
    assert written[True] == 330
    assert written[False] < 70
    assert org.database.meter.reads - reads < 330 * (1 + 1 / 4) + 50
    assert all(
        org.customer(str(n))["pointsLastCalculated"] >= BEGAN + timedelta(days=1)
        for n in range(330)
    )


def test_points_that_change_at_alpine_iq_alone_are_seen_the_next_night() -> None:
    # Given
    org = Night(60, per_hour=None)
    org.reconcile("night-0", window=SIX_HOURS)
    org.points["+15181000005"] = 180
    org.now = BEGAN + timedelta(days=1)
    # When
    run = org.reconcile("night-1", window=SIX_HOURS)
    # Then
    assert org.customer("5")["points"] == 180
    assert (run.counts.updated, run.counts.needs_review) == (1, 1)
    assert run.average_discrepancy == 1.0
    assert len(org.notifier.bodies) == 1


def test_another_account_leaves_no_figure_of_the_one_before() -> None:
    # Given
    org = Night(60, per_hour=None)
    org.reconcile("night-0", window=SIX_HOURS)
    org.database.documents[paths.tenant(ORG)]["alpineIq"]["userId"] = "9876"
    org.now = BEGAN + timedelta(days=1)
    # When the window is over before the first call
    run = org.reconcile("night-1", window=timedelta(0))
    # Then
    assert run.counts.postponed == 60
    assert "pointsFromAlpine" not in org.customer("5")
    assert org.customer("5")["tierSource"] == "calculated"


def test_an_outage_of_alpine_iq_is_notified_once_and_over_with_the_next_good_run() -> None:
    # Given
    org = Night(60, per_hour=None)
    org.reconcile("night-0", window=SIX_HOURS)
    org.fails = ProviderFailed("Alpine IQ answered 503")
    # When
    for night in (1, 2):
        org.now = BEGAN + timedelta(days=night)
        run = org.reconcile(f"night-{night}", window=SIX_HOURS)
        assert (run.state, run.success_rate) == (RunState.PARTIAL, 0.0)
        assert 0 < run.provider_errors <= 60
    # Then
    assert len(org.notifier.bodies) == 1
    assert org.customer("5")["points"] == 120
    incident = f"tenants/{ORG}/incidents/loyalty_failing"
    assert org.database.documents[incident]["state"] == "open"
    org.fails, org.now = None, BEGAN + timedelta(days=3)
    assert org.reconcile("night-3", window=SIX_HOURS).success_rate == 1.0
    assert org.database.documents[incident]["state"] == "resolved"
