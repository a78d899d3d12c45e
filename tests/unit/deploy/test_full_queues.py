"""Messages outlive full instances and outages, by the numbers of the project's own manifest.

Deliveries are simulated on a clock of their own, as Pub/Sub and Cloud Run do them: a message comes
when its pause is over, more or less. Where every slot of every instance is taken it is refused, and
each refusal is a delivery of those that the subscription allows.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

import pytest

from deploy.manifest import Function, Manifest
from deploy.resources import Subscription
from shared.domain.spread import spread

MANIFEST = Manifest.read()
ORGS = [f"org_{number}" for number in range(10_000)]
MINUTE, HOUR = 60.0, 3_600.0
RUN_SECONDS = 1.5
ON_TOPICS = sorted(MANIFEST.topics_of_functions)


@dataclass(slots=True)
class Outcome:
    """What became of messages: when the last was done, deliveries of the one that took most, and
    how many were given up."""

    over_at: float = 0.0
    most_deliveries: int = 0
    dead: int = 0
    done: int = 0


@dataclass(slots=True)
class Cloud:
    """One subscription and the instances behind it. Until ``busy_until`` every slot is taken, or
    whatever is delivered fails. ``jitter``: how much longer a pause may be, as a part of it."""

    policy: Subscription
    slots: int
    busy_until: float
    jitter: float
    run_seconds: float = RUN_SECONDS
    _free_at: list[float] = field(default_factory=list)

    def deliver(self, published: Mapping[str, float]) -> Outcome:
        """Deliver messages that were published at these times until each is done or dead."""
        outcome = Outcome()
        due = [(at, 1, name) for name, at in published.items()]
        heapq.heapify(due)
        dice = Random(1)
        while due:
            now, delivery, name = heapq.heappop(due)
            outcome.most_deliveries = max(outcome.most_deliveries, delivery)
            if self._takes(now):
                outcome.done += 1
                outcome.over_at = max(outcome.over_at, now + self.run_seconds)
            elif delivery == self.policy.max_delivery_attempts:
                outcome.dead += 1
            else:
                pause = self.policy.pause_seconds(delivery) * (1 + dice.random() * self.jitter)
                heapq.heappush(due, (now + pause, delivery + 1, name))
        return outcome

    def _takes(self, now: float) -> bool:
        while self._free_at and self._free_at[0] <= now:
            heapq.heappop(self._free_at)
        if now < self.busy_until or len(self._free_at) >= self.slots:
            return False
        heapq.heappush(self._free_at, now + self.run_seconds)
        return True


def policy_of(function: Function) -> Subscription:
    assert function.subscription is not None
    return function.subscription


def cloud_of(
    name: str, manifest: Manifest = MANIFEST, *, busy_until: float = 0.0, jitter: float = 0.2
) -> Cloud:
    function = manifest.functions[name]
    slots = function.max_instances * function.concurrency
    return Cloud(policy_of(function), slots, busy_until, jitter)


def published(seconds: float) -> dict[str, float]:
    """When each org's message is published, in a tick spread over so many seconds."""
    return {org: offset for offset, orgs in spread(ORGS, seconds) for org in orgs}


def scheduled_spread(schedule: str) -> int:
    return int(MANIFEST.schedules[schedule].message["spreadSeconds"])


AT_ONCE, SPREAD = 0.0, float(scheduled_spread("pos-sync"))


@pytest.mark.parametrize("seconds", [AT_ONCE, SPREAD])
@pytest.mark.parametrize("jitter", [0.0, 0.2])
def test_all_instances_busy_for_half_an_hour_is_no_dead_letter(
    seconds: float, jitter: float
) -> None:
    # Given
    cloud = cloud_of("org_sync", busy_until=30 * MINUTE, jitter=jitter)
    # When
    outcome = cloud.deliver(published(seconds))
    # Then
    assert (outcome.done, outcome.dead) == (len(ORGS), 0)


def test_after_half_an_hour_of_busy_instances_a_spread_tick_is_done_soon() -> None:
    outcome = cloud_of("org_sync", busy_until=30 * MINUTE).deliver(published(SPREAD))
    assert outcome.over_at < HOUR


def test_the_same_with_five_deliveries_would_lose_them() -> None:
    # Given
    five = MANIFEST.with_policy(max_delivery_attempts=5)
    cloud = cloud_of("org_sync", five, busy_until=30 * MINUTE)
    # When
    outcome = cloud.deliver(published(AT_ONCE))
    # Then
    assert outcome.dead == len(ORGS)


def test_a_spread_tick_never_fills_the_instances() -> None:
    # When
    spread_out = cloud_of("org_sync").deliver(published(SPREAD))
    at_once = cloud_of("org_sync").deliver(published(AT_ONCE))
    # Then
    assert spread_out.most_deliveries == 1
    assert spread_out.over_at < 30 * MINUTE
    assert at_once.most_deliveries > 1


def test_the_nights_look_ups_of_all_customers_find_room() -> None:
    # Given accounts with the default rate limit, and 1,641 customers of each org
    allowed_seconds = 1_641 / 120 * MINUTE
    cloud = cloud_of("loyalty_reconcile")
    cloud.run_seconds = allowed_seconds
    # When
    outcome = cloud.deliver(published(scheduled_spread("loyalty")))
    # Then
    assert (outcome.done, outcome.dead, outcome.most_deliveries) == (len(ORGS), 0, 1)


@pytest.mark.parametrize("function", ON_TOPICS)
def test_an_outage_of_two_hours_loses_nothing(function: str) -> None:
    # Given
    cloud = cloud_of(function, busy_until=2 * HOUR)
    # When
    outcome = cloud.deliver(published(AT_ONCE))
    # Then
    assert (outcome.done, outcome.dead) == (len(ORGS), 0)


def test_a_sync_outlives_an_outage_of_five_hours() -> None:
    outcome = cloud_of("org_sync", busy_until=5 * HOUR).deliver(published(SPREAD))
    assert (outcome.done, outcome.dead) == (len(ORGS), 0)


@pytest.mark.parametrize(("function", "seconds"), [("org_sync", 20_430), ("spending", 8_430)])
def test_a_message_is_delivered_for_as_long_as_the_manifest_says(
    function: str, seconds: int
) -> None:
    assert policy_of(MANIFEST.functions[function]).delivered_for_seconds == seconds


@pytest.mark.parametrize("name", ON_TOPICS)
def test_pubsub_keeps_a_message_longer_than_it_delivers_it(name: str) -> None:
    policy = policy_of(MANIFEST.functions[name])
    assert policy.delivered_for_seconds <= policy.retention_seconds


@pytest.mark.parametrize(
    ("schedule", "period"),
    [
        ("pos-sync", HOUR / 2),
        ("loyalty", 24 * HOUR),
        ("segments", 24 * HOUR),
        ("weekly-metrics", 7 * 24 * HOUR),
        ("verify", 24 * HOUR),
    ],
)
def test_a_tick_is_over_before_the_next_one(schedule: str, period: float) -> None:
    assert 0 < scheduled_spread(schedule) < period


def test_a_message_for_later_is_never_given_up_within_a_day() -> None:
    retry = MANIFEST.queues["later"].retry
    assert retry.max_attempts == -1
    assert retry.max_retry_seconds >= 24 * HOUR
