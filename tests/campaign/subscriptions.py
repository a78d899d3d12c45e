"""The Pub/Sub emulator as the campaign uses it: the harness pulls, and delivers as it likes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from deploy.local.cloudevents import Event, from_push
from deploy.local.pubsub import PubSub
from deploy.manifest import Manifest
from deploy.resources import TopicTrigger

MOST_PULLED = 500
MARKER = "campaign-marker"


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


class PullSubscriptions(PubSub):
    """A project's topics, with one pull subscription for each of the functions.

    A pull may bring nothing although something is there. So that silence can be believed, markers
    are sent after the messages: where all have come back, so has everything before them.
    """

    def __init__(self, host: str, project: str, manifest: Manifest, functions: list[str]) -> None:
        super().__init__(host, project)
        self._topics = {name: _topic(manifest, name) for name in functions}
        self._pulled = dict.fromkeys(functions, 0)
        self._markers: set[tuple[str, str]] = set()
        for topic in manifest.topics:
            self.create_topic(topic)
        for name, topic in self._topics.items():
            body = {"topic": self.topic(topic), "ackDeadlineSeconds": 600}
            self._call("PUT", self._subscription(name), body)

    def pull(self) -> Iterator[Message]:
        """What has arrived since the last look. It is acknowledged at once: from here on the
        campaign itself is the queue."""
        for name, topic in self._topics.items():
            where = self._subscription(name)
            body = {"maxMessages": MOST_PULLED, "returnImmediately": True}
            received = self._call("POST", f"{where}:pull", body).get("receivedMessages", [])
            if not received:
                continue
            acks = {"ackIds": [each["ackId"] for each in received]}
            self._call("POST", f"{where}:acknowledge", acks)
            for each in received:
                marker = each["message"].get("attributes", {}).get(MARKER)
                if marker:
                    self._markers.discard((name, marker))
                    continue
                self._pulled[name] += 1
                push = {"message": each["message"], "subscription": where}
                event = from_push(push, self.topic(topic))
                yield Message(name, self._pulled[name], event, push)

    def send_markers(self) -> None:
        """Send one after what each subscription was sent so far."""
        mark = token_hex(4)
        self._markers = {(name, mark) for name in self._topics}
        for topic in self._topics.values():
            self.publish(topic, {}, {MARKER: mark})

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

    def _subscription(self, function: str) -> str:
        return f"{self._project}/subscriptions/{function}"


def _topic(manifest: Manifest, function: str) -> str:
    trigger = manifest.functions[function].trigger
    assert isinstance(trigger, TopicTrigger)
    return trigger.topic
