"""Publishing messages to topics."""

import json
from collections.abc import Iterable

from google.cloud.pubsub_v1 import PublisherClient

from shared.bus.messages import Message

TIMEOUT_SECONDS = 30.0


class Publisher:
    """Publishes to one topic, given by its full name ``projects/P/topics/T``."""

    def __init__(self, client: PublisherClient, topic: str) -> None:
        self._client = client
        self._topic = topic

    def publish(self, messages: Iterable[Message]) -> int:
        """Publish all and wait until Pub/Sub has them; returns how many. Raises on the first
        that it does not take: the caller's own message is then delivered again."""
        return self.publish_text(json.dumps(message.to_json()) for message in messages)

    def publish_text(self, texts: Iterable[str]) -> int:
        """The same for messages that stand as text."""
        futures = [self._client.publish(self._topic, text.encode()) for text in texts]
        for future in futures:
            future.result(timeout=TIMEOUT_SECONDS)
        return len(futures)
