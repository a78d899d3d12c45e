"""How messages are published later."""

from functools import cache

import grpc
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from pydantic import Field, ValidationInfo, field_validator

from shared.bootstrap.settings import FunctionSettings
from shared.bus.later import LaterPublisher


class LaterSettings(FunctionSettings):
    """How messages are published later. Only an emulator does without an account: Pub/Sub refuses a
    task that nobody answers for, and the task's messages are lost when it is given up."""

    later_queue: str = Field(
        description="Full name of the queue of messages that are published later."
    )
    pubsub_rest_url: str = Field(description="Address of Pub/Sub's REST API, which tasks call.")
    cloud_tasks_emulator_host: str = Field(
        default="",
        description="Where tasks are made in the local cloud. A deployed function refuses it.",
    )
    task_service_account: str = Field(
        default="",
        validate_default=True,
        description="Service account that tasks call Pub/Sub as; needed in the cloud.",
    )

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
