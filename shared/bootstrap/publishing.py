"""How messages are published at once. The client, one per instance, finds an emulator by its own
variable."""

from functools import cache

from google.cloud.pubsub_v1 import PublisherClient

from shared.bus.publisher import Publisher


def publisher(topic: str) -> Publisher:
    """A publisher to the topic of that full name."""
    return Publisher(_client(), topic)


@cache
def _client() -> PublisherClient:
    return PublisherClient()
