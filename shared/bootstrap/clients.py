"""Google's clients, one of each per instance, and the channel of alerts. The clients find emulators
by their own variables."""

from functools import cache
from typing import Annotated

import grpc
from google.cloud.firestore import Client
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from pydantic import Field, SecretStr, ValidationInfo, field_validator

from shared.bootstrap.settings import FunctionSettings
from shared.bus.notifier import Notifier
from shared.bus.publisher import LaterPublisher, Publisher
from shared.clock import utc_now
from shared.services.alerts import Alerts
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


class LaterSettings(FunctionSettings):
    """How messages are published later: the queue's full name, Pub/Sub's REST API, and the
    service account that tasks call it as. Only an emulator does without that: Pub/Sub refuses a
    task that nobody answers for, and the task's messages are lost when it is given up."""

    later_queue: str
    pubsub_rest_url: str
    cloud_tasks_emulator_host: str = ""
    task_service_account: Annotated[str, Field(validate_default=True)] = ""

    @field_validator("task_service_account")
    @classmethod
    def _given_in_the_cloud(cls, account: str, info: ValidationInfo) -> str:
        if not account and not info.data.get("cloud_tasks_emulator_host"):
            raise ValueError("tasks need the service account that they call Pub/Sub as")
        return account


def later(settings: LaterSettings, topic: str) -> LaterPublisher:
    """A publisher to the topic of that full name, for later."""
    return LaterPublisher(
        _tasks_client(settings.cloud_tasks_emulator_host),
        queue=settings.later_queue,
        topic=topic,
        rest_url=settings.pubsub_rest_url,
        service_account=settings.task_service_account,
    )


@cache
def _tasks_client(emulator: str) -> CloudTasksClient:
    """Unlike the others, this library does not look for an emulator by itself."""
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
