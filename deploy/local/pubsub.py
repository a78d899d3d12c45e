"""What the local cloud asks of the Pub/Sub emulator, over its REST interface."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import requests

TIMEOUT_SECONDS = 30.0
# The longest that Pub/Sub has.
LEASE_SECONDS = 600


class PubSub:
    """One project on the emulator at ``host``. Raises requests' errors."""

    def __init__(self, host: str, project: str) -> None:
        self.host = host
        self.rest_url = f"http://{host}/v1"
        self._project = f"projects/{project}"
        self._session = requests.Session()
        self._session.trust_env = False

    def topic(self, topic: str) -> str:
        """The full name of a topic."""
        return f"{self._project}/topics/{topic}"

    def subscription(self, name: str) -> str:
        """The full name of a subscription."""
        return f"{self._project}/subscriptions/{name}"

    def create_topic(self, topic: str) -> None:
        self._call("PUT", self.topic(topic), {})

    def create_subscription(self, name: str, topic: str) -> None:
        """A subscription to pull from. What is pulled stays away for LEASE_SECONDS unless it is
        acknowledged or given back before."""
        body = {"topic": self.topic(topic), "ackDeadlineSeconds": LEASE_SECONDS}
        self._call("PUT", self.subscription(name), body)

    def delete_subscription(self, name: str) -> None:
        """The emulator keeps a thread for each subscription until it is deleted."""
        self._call("DELETE", self.subscription(name), None)

    def publish(
        self, topic: str, message: object, attributes: Mapping[str, str] | None = None
    ) -> str:
        """Publish a JSON message; returns its id."""
        data = base64.b64encode(json.dumps(message).encode()).decode()
        [message_id] = self.publish_encoded(
            topic, [{"data": data, "attributes": dict(attributes or {})}]
        )
        return message_id

    def publish_encoded(self, topic: str, messages: Sequence[Mapping[str, object]]) -> list[str]:
        """Publish messages in the form of the REST interface; returns their ids."""
        reply = self._call("POST", f"{self.topic(topic)}:publish", {"messages": list(messages)})
        return list(reply["messageIds"])

    def close(self) -> None:
        self._session.close()

    def _call(self, method: str, path: str, body: object) -> Any:
        reply = self._session.request(
            method, f"{self.rest_url}/{path}", json=body, timeout=TIMEOUT_SECONDS
        )
        reply.raise_for_status()
        return reply.json()
