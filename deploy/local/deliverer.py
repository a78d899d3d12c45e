"""Brings the messages of topics to the functions, as Pub/Sub's push subscriptions do.

    topic ── subscription ── pulled here ──┬── delivered, up to the function's slots at once
                                           ├── failed: again after a back-off that doubles
                                           └── failed too often: to the dead-letter topic

Google's emulator is only asked to keep the messages and to lend them out. Its own push delivers two
at a time and was seen to give messages up; its streaming pull sends all it has, whatever the flow
control, and forgets the acknowledgement of what was sent too long before it was read. An ordinary
pull gets as many as asked for, and the longest lease outlasts any delivery, so none is extended.
"""

import contextlib
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
import requests
from google.api_core.exceptions import GoogleAPICallError
from google.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1.types import ReceivedMessage

from deploy.local.cloudevents import from_push, push_of
from deploy.local.journal import Journal
from deploy.local.pubsub import PubSub
from deploy.local.push import Endpoint
from deploy.local.redelivery import backoff_seconds, dead_letter, exhausted
from deploy.resources import Subscription

# Cloud Run's own: how long a request waits where all instances are busy.
PENDING_SECONDS = 10.0
# The emulator answers after 90 s at the latest, with nothing if there is nothing.
PULL_SECONDS = 100.0
CALL_SECONDS = 30.0
PAUSE_SECONDS = 1.0
STOP_SECONDS = 2.0
# The emulator looks every 50 ms whether a pull that waits has been cancelled, later on a busy
# machine: what is given back before goes to that pull, and is away until its lease ends.
CANCEL_SECONDS = 0.6


@dataclass(frozen=True, slots=True)
class PushSubscription:
    """A function's subscription. ``name`` and ``topic`` are full; ``slots`` is how many deliveries
    the function takes at once."""

    function: str
    name: str
    topic: str
    url: str
    slots: int
    timeout_seconds: float
    policy: Subscription

    @property
    def most_pulled(self) -> int:
        """Messages that are held at once: those in the slots, and as many that wait for one."""
        return 2 * self.slots

    @property
    def pulled_at_once(self) -> int:
        """Fewer are not worth a pull: enough others wait to fill the slots meanwhile."""
        return max(1, self.slots // 2)


class Deliverer:
    """Delivers from the emulator of ``pubsub`` until it is closed. ``pending_seconds``: how long a
    delivery waits for a slot before it has failed."""

    def __init__(
        self, pubsub: PubSub, journal: Journal, pending_seconds: float = PENDING_SECONDS
    ) -> None:
        self._pubsub = pubsub
        self._journal = journal
        self._pending_seconds = pending_seconds
        # Two, for closing the first is what ends a pull that waits.
        self._pulls, self._answers = _channel(pubsub.host), _channel(pubsub.host)
        self._lanes: list[_Lane] = []

    def deliver(self, subscription: PushSubscription) -> None:
        """Begin to deliver a subscription's messages, independently of all others."""
        clients = _client(self._pulls), _client(self._answers)
        lane = _Lane(subscription, *clients, self._pubsub, self._journal, self._pending_seconds)
        self._lanes.append(lane)
        lane.start()

    def close(self) -> None:
        """Pull and begin nothing more. A delivery under way has STOP_SECONDS to end; what has not
        been delivered then is given back."""
        lanes, self._lanes = self._lanes, []
        for lane in lanes:
            lane.stop()
        self._pulls.close()
        deadline = time.monotonic() + STOP_SECONDS
        time.sleep(CANCEL_SECONDS)
        for lane in lanes:
            lane.finish(deadline)
        self._answers.close()


class _Lane:
    """One subscription at work: a thread pulls, others deliver."""

    def __init__(
        self,
        subscription: PushSubscription,
        pulls: SubscriberClient,
        answers: SubscriberClient,
        pubsub: PubSub,
        journal: Journal,
        pending_seconds: float,
    ) -> None:
        self._subscription = subscription
        self._pulls = pulls
        self._answers = answers
        self._pubsub = pubsub
        self._journal = journal
        self._endpoint = Endpoint(
            subscription.url, subscription.slots, subscription.timeout_seconds, pending_seconds
        )
        self._failures: dict[str, int] = {}
        self._held: set[str] = set()
        self._changed = threading.Condition()
        self._stopping, self._pulls_ended = threading.Event(), threading.Event()
        self._workers = ThreadPoolExecutor(subscription.most_pulled, f"push-{self._function}")
        self._thread = threading.Thread(
            target=self._run, name=f"pull-{self._function}", daemon=True
        )

    @property
    def _function(self) -> str:
        return self._subscription.function

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._endpoint.close()
        with self._changed:
            self._changed.notify_all()

    def finish(self, deadline: float) -> None:
        self._thread.join()
        self._pulls_ended.set()
        self._workers.shutdown(wait=False)
        with self._changed:
            self._changed.wait_for(lambda: not self._held, max(0.0, deadline - time.monotonic()))
            unfinished = list(self._held)
        if unfinished:
            # Where the emulator is gone there is nobody to give them back to.
            with contextlib.suppress(GoogleAPICallError):
                self._answers.modify_ack_deadline(
                    subscription=self._subscription.name,
                    ack_ids=unfinished,
                    ack_deadline_seconds=0,
                    timeout=STOP_SECONDS,
                    retry=None,
                )

    def _run(self) -> None:
        while room := self._room():
            received = self._pull(room)
            with self._changed:
                self._held.update(each.ack_id for each in received)
            for each in received:
                self._workers.submit(self._handle, each)

    def _room(self) -> int:
        """How many to pull, once it is worth it; 0 when stopping."""
        least, most = self._subscription.pulled_at_once, self._subscription.most_pulled
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopping.is_set() or most - len(self._held) >= least
            )
            return 0 if self._stopping.is_set() else most - len(self._held)

    def _pull(self, most: int) -> Sequence[ReceivedMessage]:
        try:
            reply = self._pulls.pull(
                subscription=self._subscription.name,
                max_messages=most,
                timeout=PULL_SECONDS,
                retry=None,
            )
        except (GoogleAPICallError, ValueError) as error:  # ValueError: the channel is closed
            if not self._stopping.is_set():
                self._journal.write("pull_failed", function=self._function, error=repr(error))
                self._stopping.wait(PAUSE_SECONDS)
            return ()
        return list(reply.received_messages)

    def _handle(self, received: ReceivedMessage) -> None:
        try:
            self._settle(received)
        except Exception as error:
            # It is not acknowledged, so it comes again when its lease ends.
            self._journal.write("delivery_broken", function=self._function, error=repr(error))
        finally:
            with self._changed:
                self._held.discard(received.ack_id)
                self._changed.notify_all()

    def _settle(self, received: ReceivedMessage) -> None:
        message_id, policy = received.message.message_id, self._subscription.policy
        push = push_of(received.message, self._subscription.name)
        failures = self._failures.get(message_id, 0)
        # It had its last delivery where only the dead letter is outstanding.
        if not exhausted(policy, failures):
            status = self._push(push, failures + 1)
            if status is None:
                self._postpone(received, 0)
                return
            if 200 <= status < 300:
                self._acknowledge(received)
                return
            failures = self._failures[message_id] = failures + 1
        if exhausted(policy, failures) and self._bury(push, failures):
            self._acknowledge(received)
        else:
            self._postpone(received, backoff_seconds(policy, failures))

    def _push(self, push: Mapping[str, Any], attempt: int) -> int | None:
        event = from_push(push, self._subscription.topic)
        started = time.monotonic()
        status = self._endpoint.push(event, self._subscription.policy.ack_deadline_seconds)
        self._journal.write(
            "delivered" if status else "not_begun",
            function=self._function,
            event_id=event.id,
            attempt=attempt,
            status=status,
            seconds=round(time.monotonic() - started, 3),
        )
        return status

    def _bury(self, push: Mapping[str, Any], attempts: int) -> bool:
        """Publish it to the dead-letter topic; whether that went well."""
        topic = self._subscription.policy.dead_letter_topic
        assert topic is not None
        try:
            self._pubsub.publish_encoded(topic, [dead_letter(push, attempts)])
        except requests.RequestException as error:
            self._journal.write("dead_letter_failed", function=self._function, error=repr(error))
            return False
        return True

    def _acknowledge(self, received: ReceivedMessage) -> None:
        self._answers.acknowledge(
            subscription=self._subscription.name, ack_ids=[received.ack_id], timeout=CALL_SECONDS
        )
        self._failures.pop(received.message.message_id, None)

    def _postpone(self, received: ReceivedMessage, seconds: int) -> None:
        """Give it back, to be delivered again after so many seconds."""
        if self._stopping.is_set():
            # The emulator would give it to a pull whose answer nobody reads.
            self._pulls_ended.wait()
        self._answers.modify_ack_deadline(
            subscription=self._subscription.name,
            ack_ids=[received.ack_id],
            ack_deadline_seconds=seconds,
            timeout=CALL_SECONDS,
        )


def _channel(host: str) -> grpc.Channel:
    options = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    return grpc.insecure_channel(host, options=options)


def _client(channel: grpc.Channel) -> SubscriberClient:
    return SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
