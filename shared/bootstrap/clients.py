"""Google's clients, one of each per instance. They find emulators by their own variables."""

from functools import cache

from google.cloud.firestore import Client
from google.cloud.pubsub_v1 import PublisherClient

from shared.bus.publisher import Publisher
from shared.store.database import Database


@cache
def database(project: str) -> Database:
    """The project's Firestore database."""
    return Database(Client(project=project))


def publisher(topic: str) -> Publisher:
    """A publisher to the topic of that full name."""
    return Publisher(_publisher_client(), topic)


@cache
def _publisher_client() -> PublisherClient:
    return PublisherClient()
