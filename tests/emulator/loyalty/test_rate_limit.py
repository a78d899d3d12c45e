"""The rate limit of an account is kept by all instances together."""

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.firestore import Client

from shared.clock import utc_now
from shared.domain.rate_limit import Limit
from shared.services.permits import OutOfPermits, Permits
from shared.store.database import Database
from tests.emulator.loyalty.runner import LoyaltyRunner
from tests.fakes import FastClock, OffsetClock
from tests.stored import StoredDocuments

ORG = "org_test"
SPEED = 20.0


def most_within(moments: Sequence[float], seconds: float) -> int:
    """The most calls within any window of so many seconds."""
    ordered = sorted(moments)
    return max(
        place + 1 - bisect_left(ordered, at - seconds + 1e-6) for place, at in enumerate(ordered)
    )


def permits(
    client: Client, limits: Sequence[Limit], *, seconds: float = 60, clock: FastClock | None = None
) -> Permits:
    now: Callable[[], datetime] = clock.now if clock else utc_now
    return Permits(
        Database(client),
        "alpine_iq-test",
        limits,
        until=now() + timedelta(seconds=seconds),
        clock=now,
        sleep=clock.sleep if clock else time.sleep,
    )


def test_instances_that_call_at_once_keep_the_limit_together(client: Client) -> None:
    # Given three instances of four threads each, and 10 calls a second, 25 in three
    limits = (Limit(10, 1), Limit(25, 3))
    permits(client, limits).expect(1)
    instances = [permits(client, limits, seconds=4) for _ in range(3)]
    called: list[float] = []
    lock = threading.Lock()

    def call(instance: Permits) -> None:
        try:
            while True:
                instance.take()
                with lock:
                    called.append(time.time())
        except OutOfPermits:
            return

    # When all call for as long as they may
    with ThreadPoolExecutor(12) as pool:
        for future in [pool.submit(call, instance) for instance in instances * 4]:
            future.result()

    # Then no window ever had more than its limit (it is a little longer than the one looked at:
    # on a busy machine a call is noted late), and there were as many as may be
    assert most_within(called, 0.8) <= 10
    assert most_within(called, 2.6) <= 25
    assert 15 <= len(called) <= 50


def test_a_block_of_calls_costs_one_write(client: Client) -> None:
    # Given
    account = permits(client, (Limit(1_000, 1),))
    # When
    assert account.expect(50) == 50
    for _ in range(50):
        account.take()
    # Then
    assert account.expect(1) == 1
    document = client.document("rate_limits/alpine_iq-test").get().to_dict() or {}
    assert len(document["taken"]) < 200


def test_without_a_limit_nothing_is_reserved(client: Client) -> None:
    account = permits(client, ())
    assert account.expect(1_000) == 1_000
    account.take()
    assert not client.document("rate_limits/alpine_iq-test").get().exists


def test_calls_that_do_not_fit_into_the_invocation_are_for_another(client: Client) -> None:
    # Given 3 calls an hour, all made
    account = permits(client, (Limit(3, 3600),), seconds=30)
    assert account.expect(50) == 3
    for _ in range(3):
        account.take()
    # When
    with pytest.raises(OutOfPermits) as raised:
        account.take()
    # Then
    wait = raised.value.free_at - datetime.now(UTC)
    assert 3_600 < wait.total_seconds() < 3_800


def test_a_run_within_a_limit_takes_as_long_as_the_limit_asks_for(
    client: Client, loyalty: LoyaltyRunner
) -> None:
    # Given 120 customers and 60 calls a minute
    limit = {"perSecond": None, "perMinute": 60, "perHour": None}
    client.document(f"tenants/{ORG}").update({"alpineIq.rateLimit": limit})
    calls = loyalty.calls_of_one_pass(ORG)
    fast = FastClock(SPEED)

    # When
    began = fast.now()
    loyalty.reconcile(ORG, seconds=3_000, clock=fast.now, sleep=fast.sleep)

    # Then
    fastest = (calls - 1) // 60 * 60
    took = (fast.now() - began).total_seconds()
    assert len(loyalty.look_ups(ORG)) == calls
    called = [call["at"] * SPEED for call in loyalty.look_ups(ORG)]
    assert most_within(called, 55) <= 60
    assert fastest <= took
    emulators = 8 * SPEED
    assert took < fastest * 1.1 + emulators


def test_a_run_out_of_calls_goes_on_when_there_are_some(
    client: Client, store: StoredDocuments, clock: OffsetClock, loyalty: LoyaltyRunner
) -> None:
    # Given an hour's calls that do not suffice
    limit = {"perSecond": None, "perMinute": None, "perHour": 60}
    client.document(f"tenants/{ORG}").update({"alpineIq.rateLimit": limit})

    # When
    loyalty.run(ORG, "run-1")

    # Then the rest is asked for in an hour
    ((at, _),) = loyalty.scheduled.scheduled
    assert timedelta(minutes=59) < at - utc_now() < timedelta(minutes=64)
    assert len(loyalty.look_ups(ORG)) <= 60
    # and nobody is asked twice
    while waiting := loyalty.take_scheduled():
        clock.later += timedelta(minutes=64)
        loyalty.deliver(*waiting)
    run = store.document(f"tenants/{ORG}/loyalty_runs/run-1")
    assert (run["state"], run["counts"]["asked"]) == ("succeeded", 120)
    assert len(loyalty.look_ups(ORG)) == loyalty.calls_of_one_pass(ORG)
