"""Deliveries from Google's Pub/Sub emulator to an HTTP server in the place of a function."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import pairwise
from pathlib import Path

import pytest

from deploy.local.deliverer import PENDING_SECONDS, Deliverer, PushSubscription
from deploy.local.journal import Journal
from deploy.local.ports import Port
from deploy.local.pubsub import PubSub
from deploy.resources import Subscription
from tests.emulator.local_cloud.collector import Collector, Received, collecting

DEAD_LETTERS = "dead-letters"
AT_ONCE = {"min_backoff_seconds": 0, "max_backoff_seconds": 0}
SOURCE = "CloudPubSubDeadLetterSource"


class Deliveries:
    """Topics with a subscription each, delivered to paths of the collector."""

    def __init__(
        self, pubsub: PubSub, collector: Collector, log: Path, pending_seconds: float
    ) -> None:
        self._pubsub = pubsub
        self._collector = collector
        self._log = log
        self._open = ExitStack()
        journal = self._open.enter_context(closing(Journal(log)))
        self.deliverer = Deliverer(pubsub, journal, pending_seconds)
        self._open.callback(self.deliverer.close)

    def subscribe(
        self, topic: str, path: str, *, slots: int = 4, url: str | None = None, **policy: int
    ) -> None:
        """Create a subscription of a topic and deliver from it."""
        name = f"to-{path}"
        self._pubsub.create_subscription(name, topic)
        self.deliver(name, topic, path, slots=slots, url=url, **policy)

    def deliver(
        self,
        name: str,
        topic: str,
        path: str,
        *,
        slots: int = 4,
        url: str | None = None,
        **policy: int,
    ) -> None:
        """Deliver from a subscription that is there. ``policy`` is what differs from the usual."""
        usual = {"ack_deadline_seconds": 60, **AT_ONCE, "max_delivery_attempts": 5}
        self.deliverer.deliver(
            PushSubscription(
                function=path,
                name=self._pubsub.subscription(name),
                topic=self._pubsub.topic(topic),
                url=url or f"{self._collector.url}/{path}",
                slots=slots,
                timeout_seconds=30,
                policy=Subscription.model_validate(
                    {**usual, "dead_letter_topic": DEAD_LETTERS, **policy}
                ),
            )
        )

    def statuses(self, event_id: str) -> list[int]:
        """Of the deliveries of a message so far."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [line["status"] for line in lines if line.get("event_id") == event_id]

    def close(self) -> None:
        self._open.close()


Start = Callable[..., Deliveries]


@pytest.fixture
def pubsub(pubsub_host: str, project: str) -> Iterator[PubSub]:
    with closing(PubSub(pubsub_host, project)) as pubsub:
        for topic in ("letters", "parcels", DEAD_LETTERS):
            pubsub.create_topic(topic)
        yield pubsub


@pytest.fixture
def start(pubsub: PubSub, collector: Collector, tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as opened:

        def begin(pending_seconds: float = PENDING_SECONDS) -> Deliveries:
            log = tmp_path / f"{secrets.token_hex(4)}.log"
            return opened.enter_context(
                closing(Deliveries(pubsub, collector, log, pending_seconds))
            )

        yield begin


def marks(received: list[Received]) -> list[str]:
    return [each.json["message"]["attributes"]["mark"] for each in received]


def publish(pubsub: PubSub, topic: str, count: int) -> list[str]:
    """Publish so many messages; the mark of each."""
    names = [secrets.token_hex(8) for _ in range(count)]
    pubsub.publish_encoded(topic, [{"attributes": {"mark": name}} for name in names])
    return names


def test_as_many_are_delivered_at_once_as_the_function_has_slots(
    start: Start, pubsub: PubSub, collector: Collector, token: str
) -> None:
    # Given
    start().subscribe("letters", token, slots=6)
    collector.delay(token, 0.4)
    collector.busiest = 0
    # When
    names = publish(pubsub, "letters", 20)
    # Then
    received = collector.wait(token, 20)
    assert collector.busiest == 6
    assert sorted(marks(received)) == sorted(names)


def test_a_backlog_is_delivered_once_and_whole(
    start: Start, pubsub: PubSub, collector: Collector, token: str
) -> None:
    # Given
    pubsub.create_subscription(f"to-{token}", "letters")
    names = publish(pubsub, "letters", 400)
    # When
    start().deliver(f"to-{token}", "letters", token, slots=3)
    # Then
    collector.wait(token, 400)
    time.sleep(1)
    assert sorted(marks(collector.got(token))) == sorted(names)


def test_a_message_that_fails_comes_again_after_pauses_that_grow(
    start: Start, pubsub: PubSub, collector: Collector, token: str
) -> None:
    # Given
    start().subscribe("letters", token, min_backoff_seconds=1, max_backoff_seconds=4)
    collector.fail(token, times=3)
    # When
    [name] = publish(pubsub, "letters", 1)
    # Then
    received = collector.wait(token, 4)
    pauses = [later.at - earlier.at for earlier, later in pairwise(received)]
    assert [int(pause) for pause in pauses] == [1, 2, 4]
    time.sleep(1)
    assert marks(collector.got(token)) == [name] * 4


def test_a_message_that_always_fails_becomes_a_dead_letter_after_its_last_delivery(
    start: Start, pubsub: PubSub, collector: Collector, project: str, token: str
) -> None:
    # Given
    deliveries, ends = start(), f"{token}-ends"
    deliveries.subscribe("letters", f"{token}-fails", max_delivery_attempts=6)
    deliveries.subscribe(DEAD_LETTERS, ends)
    collector.fail(f"/{token}-fails", times=100)
    # When
    pubsub.publish("letters", {"hello": 1}, {"mark": token})
    # Then
    [letter] = collector.wait(f"/{ends}")
    attributes = letter.json["message"]["attributes"]
    assert letter.json["message"]["data"]
    assert attributes.pop(f"{SOURCE}TopicPublishTime") <= letter.json["message"]["publishTime"]
    assert attributes == {
        "mark": token,
        f"{SOURCE}DeliveryCount": "6",
        f"{SOURCE}Subscription": f"to-{token}-fails",
        f"{SOURCE}SubscriptionProject": project,
    }
    time.sleep(1)
    assert len(collector.got(f"/{token}-fails")) == 6
    assert len(collector.got(f"/{ends}")) == 1


def test_a_delivery_that_finds_no_slot_in_time_has_failed(
    start: Start, pubsub: PubSub, collector: Collector, token: str
) -> None:
    # Given: a function that is busy for longer than five deliveries wait
    deliveries, ends = start(pending_seconds=0.2), f"{token}-ends"
    deliveries.subscribe("letters", f"{token}-busy", slots=1)
    deliveries.subscribe(DEAD_LETTERS, ends)
    collector.delay(f"/{token}-busy", 4)
    pubsub.publish("letters", {}, {"mark": f"{token}-first"})
    collector.wait(f"/{token}-busy")
    # When
    refused = pubsub.publish("letters", {}, {"mark": f"{token}-second"})
    # Then
    [letter] = collector.wait(f"/{ends}")
    assert letter.json["message"]["attributes"]["mark"] == f"{token}-second"
    assert letter.json["message"]["attributes"][f"{SOURCE}DeliveryCount"] == "5"
    assert deliveries.statuses(refused) == [429] * 5
    assert marks(collector.got(f"/{token}-busy")) == [f"{token}-first"]


def test_a_flood_in_one_topic_delays_no_other(
    start: Start, pubsub: PubSub, collector: Collector, token: str
) -> None:
    # Given
    deliveries, slow, quick = start(), f"{token}-slow", f"{token}-quick"
    deliveries.subscribe("letters", slow, slots=2)
    deliveries.subscribe("parcels", quick, slots=2)
    collector.delay(f"/{slow}", 0.5)
    publish(pubsub, "letters", 200)
    collector.wait(f"/{slow}", 2)
    # When
    began = time.time()
    publish(pubsub, "parcels", 1)
    # Then
    [received] = collector.wait(f"/{quick}")
    assert received.at - began < 2
    assert len(collector.got(f"/{slow}")) < 50


def test_what_is_under_way_when_the_cloud_stops_is_not_lost(
    start: Start, pubsub: PubSub, collector: Collector, token: str
) -> None:
    # Given: some under way for longer than the stop waits, and more in the queue
    first, again = start(), f"{token}-again"
    first.subscribe("letters", f"{token}-first", slots=2)
    collector.delay(f"/{token}-first", 6)
    names = publish(pubsub, "letters", 8)
    collector.wait(f"/{token}-first", 2)
    # When
    began = time.monotonic()
    first.deliverer.close()
    assert time.monotonic() - began < 5
    start().deliver(f"to-{token}-first", "letters", again)
    # Then
    collector.wait(f"/{again}", 8)
    assert sorted(marks(collector.got(f"/{again}"))) == sorted(names)


def test_what_ends_while_the_cloud_stops_is_acknowledged(
    start: Start, pubsub: PubSub, collector: Collector, token: str
) -> None:
    # Given
    first, again = start(), f"{token}-again"
    first.subscribe("letters", f"{token}-first", slots=1)
    collector.delay(f"/{token}-first", 0.5)
    names = publish(pubsub, "letters", 3)
    [delivered] = marks(collector.wait(f"/{token}-first"))
    # When
    first.deliverer.close()
    start().deliver(f"to-{token}-first", "letters", again)
    # Then
    collector.wait(f"/{again}", 2)
    time.sleep(1)
    assert sorted(marks(collector.got(f"/{again}"))) == sorted({*names} - {delivered})


def test_a_function_that_is_gone_has_not_been_delivered_to(
    start: Start, pubsub: PubSub, token: str
) -> None:
    # Given a function whose process has ended, and messages for it
    with closing(Port()) as port:
        url = f"http://{port.host}/{token}"
        start().subscribe("letters", token, url=url)
        names = publish(pubsub, "letters", 2)
        time.sleep(1.5)
    # When it is there again
    with collecting(port.number) as collector:
        found = collector.wait(f"/{token}", 2)
    # Then it gets them
    assert sorted(marks(found)) == sorted(names)
