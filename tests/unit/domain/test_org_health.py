"""Freshness of streams, and when the schedule comes next."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from deploy.manifest import Manifest
from shared.domain.org_health import (
    METADATA_EVERY,
    SCHEDULED_EVERY,
    SCHEDULED_WITHIN,
    Freshness,
    freshness,
    next_scheduled,
)
from shared.domain.spread import spread

NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("age", "found"),
    [
        (timedelta(0), Freshness.LIVE),
        (35 * MINUTE - timedelta(seconds=1), Freshness.LIVE),
        (35 * MINUTE, Freshness.RECENT),
        (120 * MINUTE - timedelta(seconds=1), Freshness.RECENT),
        (120 * MINUTE, Freshness.STALE),
        (timedelta(days=9), Freshness.STALE),
    ],
)
def test_a_stream_is_as_fresh_as_its_last_success(age: timedelta, found: Freshness) -> None:
    plain = partial(freshness, paused=False, failed=False, held=False)
    daily = age + METADATA_EVERY - SCHEDULED_EVERY

    assert plain(NOW - age, NOW) is found
    assert plain(NOW - daily, NOW, every=METADATA_EVERY) is found


def test_a_stream_that_never_succeeded_is_stale() -> None:
    assert freshness(None, NOW, paused=False, failed=False, held=False) is Freshness.STALE


@pytest.mark.parametrize(
    ("paused", "failed", "held", "found"),
    [
        (True, True, True, Freshness.PAUSED),
        (False, True, True, Freshness.FAILED),
        (False, False, True, Freshness.HELD),
    ],
)
def test_what_somebody_must_act_on_goes_before_age(
    paused: bool, failed: bool, held: bool, found: Freshness
) -> None:
    assert freshness(NOW, NOW, paused=paused, failed=failed, held=held) is found


def test_the_next_run_is_at_the_orgs_own_moment_of_a_tick_to_come() -> None:
    orgs = [f"org_{number}" for number in range(300)]
    seconds = SCHEDULED_WITHIN.total_seconds()
    offsets = {org: offset for offset, some in spread(orgs, seconds) for org in some}
    ticked_at = NOW - timedelta(minutes=10)

    for org in orgs:
        at = next_scheduled(org, ticked_at, NOW)
        assert at is not None
        assert NOW < at <= NOW + SCHEDULED_EVERY
        since = (at - ticked_at).total_seconds() % SCHEDULED_EVERY.total_seconds()
        assert since == pytest.approx(offsets[org])


def test_an_org_that_rests_is_next_synced_at_its_own_moment_after_that() -> None:
    until = NOW + timedelta(hours=20)

    at = next_scheduled("org_harbor", NOW, NOW, until)
    plain = next_scheduled("org_harbor", NOW, NOW)

    assert at is not None
    assert plain is not None
    assert until < at <= until + SCHEDULED_EVERY
    assert (at - plain) % SCHEDULED_EVERY == timedelta(0)


@pytest.mark.parametrize("ticked_at", [None, NOW - timedelta(hours=2, seconds=1)])
def test_without_a_schedule_no_next_run_is_known(ticked_at: datetime | None) -> None:
    assert next_scheduled("org_harbor", ticked_at, NOW) is None


def test_the_schedule_is_that_of_the_manifest() -> None:
    schedule = Manifest.read().schedules["pos-sync"]

    assert schedule.cron == f"*/{SCHEDULED_EVERY // MINUTE} * * * *"
    assert schedule.message["spreadSeconds"] == SCHEDULED_WITHIN.total_seconds()
