"""How messages are published later."""

from functools import cache
from typing import Annotated

import grpc
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from pydantic import Field, ValidationInfo, field_validator

from shared.bootstrap.settings import FunctionSettings
from shared.bus.later import LaterPublisher


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
