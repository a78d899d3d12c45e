"""Google's clients, one of each per instance. They find emulators by their own variables."""

import os
from functools import cache

import grpc
from google.cloud.firestore import Client
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

from shared.bootstrap.settings import FunctionSettings
from shared.bus.publisher import LaterPublisher, Publisher
from shared.store.database import Database


@cache
def database(project: str) -> Database:
    """The project's Firestore database."""
    return Database(Client(project=project))


def publisher(topic: str) -> Publisher:
    """A publisher to the topic of that full name."""
    return Publisher(_publisher_client(), topic)


class LaterSettings(FunctionSettings):
    """How messages are published later: the queue's full name, Pub/Sub's REST API, and the
    service account that tasks call it as."""

    later_queue: str
    pubsub_rest_url: str
    task_service_account: str = ""


def later(settings: LaterSettings, topic: str) -> LaterPublisher:
    """A publisher to the topic of that full name, for later."""
    return LaterPublisher(
        _tasks_client(),
        queue=settings.later_queue,
        topic=topic,
        rest_url=settings.pubsub_rest_url,
        service_account=settings.task_service_account,
    )


@cache
def _tasks_client() -> CloudTasksClient:
    """Unlike the others, this library does not look for an emulator by itself."""
    emulator = os.environ.get("CLOUD_TASKS_EMULATOR_HOST")
    if not emulator:
        return CloudTasksClient()
    channel = grpc.insecure_channel(emulator)
    return CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))


@cache
def _publisher_client() -> PublisherClient:
    return PublisherClient()
