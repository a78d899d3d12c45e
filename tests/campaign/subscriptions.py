"""The Pub/Sub emulator as the campaign uses it: the harness pulls, and delivers as it likes."""

import base64
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import Pipe
from queue import SimpleQueue
from secrets import token_hex
from threading import Lock, Thread
from typing import Any

import grpc
from google.api_core.exceptions import GoogleAPICallError
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1.types import PubsubMessage, ReceivedMessage, StreamingPullRequest

from deploy.local.cloudevents import Event, from_push
from deploy.local.pubsub import PubSub
from deploy.manifest import Manifest
from deploy.resources import TopicTrigger

MARKER = "campaign-marker"
HOSTILE = "campaign-hostile"
"""Attribute of a message that no function need be able to process."""
_MOST_BYTES = 64 << 20


@dataclass(slots=True)
class Message:
    """A message of the function's subscription. ``ordinal`` counts the function's messages."""

    function: str
    ordinal: int
    event: Event
    push: dict[str, Any] = field(repr=False)
    failures: int = 0
    acknowledged: bool = False

    @property
    def name(self) -> str:
        return f"{self.function} #{self.ordinal}"

    @property
    def hostile(self) -> bool:
        return HOSTILE in self.push["message"]["attributes"]


class PullSubscriptions(PubSub):
    """A project's topics, with one pull subscription for each of the functions.

    ``arrived`` has something to read when messages are there. Messages take their time to arrive.
    So that silence can be believed, markers are sent after them: where all have come back, so has
    everything before them.
    """

    def __init__(self, host: str, project: str, manifest: Manifest, functions: list[str]) -> None:
        super().__init__(host, project)
        self._topics = {name: _topic(manifest, name) for name in functions}
        self._pulled = dict.fromkeys(functions, 0)
        self._markers: set[tuple[str, str]] = set()
        for topic in manifest.topics:
            self.create_topic(topic)
        for name, topic in self._topics.items():
            self.create_subscription(name, topic)
        sizes = [
            ("grpc.max_receive_message_length", _MOST_BYTES),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        self._channel = grpc.insecure_channel(host, options=sizes)
        transport = PublisherGrpcTransport(channel=self._channel)
        self._publisher = PublisherClient(transport=transport)
        self.arrived, self._inbox = Pipe(duplex=False)
        self._lock = Lock()
        self._streams = [self._open(name) for name in functions]

    def pull(self) -> Iterator[Message]:
        """What has arrived since the last look. It is acknowledged at once: from here on the
        campaign itself is the queue."""
        while self.arrived.poll():
            name, message = self.arrived.recv()
            marker = message["attributes"].get(MARKER)
            if marker:
                self._markers.discard((name, marker))
                continue
            self._pulled[name] += 1
            push = {"message": message, "subscription": self.subscription(name)}
            event = from_push(push, self.topic(self._topics[name]))
            yield Message(name, self._pulled[name], event, push)

    def send_markers(self) -> None:
        """Send one after what each subscription was sent so far."""
        mark = token_hex(4)
        self._markers = {(name, mark) for name in self._topics}
        for topic in self._topics.values():
            marker = PubsubMessage(data=b"{}", attributes={MARKER: mark})
            self._publisher.publish(topic=self.topic(topic), messages=[marker])

    @property
    def markers_are_back(self) -> bool:
        return not self._markers

    def bury(self, message: Message) -> None:
        """Do what Pub/Sub does with a message whose deliveries all failed."""
        attributes = {
            "CloudPubSubDeadLetterSourceSubscription": message.function.replace("_", "-"),
            "CloudPubSubDeadLetterSourceDeliveryCount": str(message.failures),
        }
        buried = {"data": message.push["message"]["data"], "attributes": attributes}
        self._call("POST", f"{self.topic('dead-letters')}:publish", {"messages": [buried]})

    def close(self) -> None:
        for stream in self._streams:
            stream.close()
        self._channel.close()
        for name in self._topics:
            self.delete_subscription(name)
        super().close()

    def _open(self, name: str) -> "_Stream":
        def put(message: ReceivedMessage) -> None:
            with self._lock:
                self._inbox.send((name, _as_json(message)))

        return _Stream(self._channel, self.subscription(name), put)


class _Stream:
    """An open pull: what comes is acknowledged, then handed over by a thread of its own."""

    def __init__(
        self, channel: grpc.Channel, subscription: str, put: Callable[[ReceivedMessage], None]
    ) -> None:
        self._requests: SimpleQueue[StreamingPullRequest | None] = SimpleQueue()
        self._requests.put(
            StreamingPullRequest(subscription=subscription, stream_ack_deadline_seconds=600)
        )
        client = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        self._call: Any = client.streaming_pull(requests=iter(self._requests.get, None))
        self._put = put
        self._thread = Thread(target=self._receive, name="pull", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._call.cancel()
        self._requests.put(None)
        self._thread.join()

    def _receive(self) -> None:
        with contextlib.suppress(GoogleAPICallError):  # it was cancelled
            for response in self._call:
                ids = [each.ack_id for each in response.received_messages]
                self._requests.put(StreamingPullRequest(ack_ids=ids))
                for each in response.received_messages:
                    self._put(each)


def _as_json(received: ReceivedMessage) -> dict[str, Any]:
    """The message as a push subscription delivers it."""
    message = received.message
    return {
        "data": base64.b64encode(message.data).decode(),
        "attributes": dict(message.attributes),
        "messageId": message.message_id,
        "publishTime": PubsubMessage.pb(message).publish_time.ToJsonString(),
    }


def _topic(manifest: Manifest, function: str) -> str:
    trigger = manifest.functions[function].trigger
    assert isinstance(trigger, TopicTrigger)
    return trigger.topic
