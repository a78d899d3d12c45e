"""The clients of Firestore and Pub/Sub, one of each per instance. They find emulators by their own
variables. What only some functions need is built beside them, so that the others need not load it:
``later.py``, ``alerts.py``."""

from functools import cache

from google.cloud.firestore import Client
from google.cloud.pubsub_v1 import PublisherClient

from shared.bootstrap.settings import FunctionSettings
from shared.bus.publisher import Publisher
from shared.store.database import Database


def database(settings: FunctionSettings) -> Database:
    """The function's Firestore database."""
    return _database(settings.google_cloud_project, settings.firestore_database)


@cache
def _database(project: str, name: str) -> Database:
    return Database(Client(project=project, database=name), name=name)


def publisher(topic: str) -> Publisher:
    """A publisher to the topic of that full name."""
    return Publisher(_publisher_client(), topic)


@cache
def _publisher_client() -> PublisherClient:
    return PublisherClient()
