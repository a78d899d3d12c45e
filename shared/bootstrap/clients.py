"""Google's clients, one of each per instance, and the channel of alerts. The clients find emulators
by their own variables."""

import os
from functools import cache

import grpc
from google.cloud.firestore import Client
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from pydantic import SecretStr

from shared.bootstrap.settings import FunctionSettings
from shared.bus.notifier import Notifier
from shared.bus.publisher import LaterPublisher, Publisher
from shared.clock import utc_now
from shared.services.alerts import Alerts
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


class AlertSettings(FunctionSettings):
    """``OPERATOR_ALERT_URLS``: notification URLs of Sync Sam's operators, comma separated."""

    operator_alert_urls: SecretStr = SecretStr("")


def alerts(settings: AlertSettings, store: Database) -> Alerts:
    """Alerts to each org's own addresses and to the operator's."""
    listed = settings.operator_alert_urls.get_secret_value().split(",")
    urls = [SecretStr(url.strip()) for url in listed if url.strip()]
    return Alerts(store, Notifier(), urls, utc_now)
