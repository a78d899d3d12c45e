"""Publishing messages to topics at once."""

import json
from collections.abc import Iterable, Mapping

from google.cloud.pubsub_v1 import PublisherClient

from shared import tracing
from shared.bus.messages import Message

TIMEOUT_SECONDS = 30.0


class Publisher:
    """Publishes to one topic, given by its full name ``projects/P/topics/T``."""

    def __init__(self, client: PublisherClient, topic: str) -> None:
        self._client = client
        self._topic = topic

    def publish(self, messages: Iterable[Message]) -> int:
        """Publish all and wait until Pub/Sub has accepted them; returns how many. Raises where it
        has not: the caller's own message is then delivered again."""
        return self.publish_text(json.dumps(message.to_json()) for message in messages)

    def publish_text(
        self, texts: Iterable[str], attributes: Mapping[str, str] | None = None
    ) -> int:
        """The same for encoded messages, each with these attributes."""
        given = {**tracing.carried(), **(attributes or {})}
        futures = [self._client.publish(self._topic, text.encode(), **given) for text in texts]
        for future in futures:
            future.result(timeout=TIMEOUT_SECONDS)
        return len(futures)
