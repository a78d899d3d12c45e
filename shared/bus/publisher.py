"""Publishing messages to topics: at once, or later through a Cloud Task that calls Pub/Sub's own
REST method. So every function is reached in one way, by a message, which carries on the trace that
it was published in."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from google.api_core.exceptions import AlreadyExists
from google.cloud import tasks_v2
from google.cloud.pubsub_v1 import PublisherClient

from shared import tracing
from shared.bus.messages import Message

TIMEOUT_SECONDS = 30.0
SCOPE = "https://www.googleapis.com/auth/pubsub"


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


@dataclass(slots=True)
class LaterPublisher:
    """Publishes to one topic through one queue, both given by their full names.

    ``rest_url`` is the address of Pub/Sub's REST API with its version, ``service_account`` the
    identity under which the task calls it; an emulator needs none.
    """

    client: tasks_v2.CloudTasksClient
    queue: str
    topic: str
    rest_url: str
    service_account: str = ""

    def publish(self, message: Message, *, at: datetime, once: str) -> bool:
        """Have the message published at a time (aware, at most 30 days ahead). Of several with the
        same ``once`` only the first is, until an hour after its time; whether it was this one."""
        # Hashed: sequential ids would slow the queue down.
        task_id = hashlib.blake2b(once.encode(), digest_size=16).hexdigest()
        task = tasks_v2.Task(
            name=f"{self.queue}/tasks/{task_id}",
            schedule_time=at,
            http_request=self._request(message),
        )
        try:
            self.client.create_task(parent=self.queue, task=task, timeout=TIMEOUT_SECONDS)
        except AlreadyExists:
            return False
        return True

    def _request(self, message: Message) -> tasks_v2.HttpRequest:
        data = base64.b64encode(json.dumps(message.to_json()).encode()).decode()
        request = tasks_v2.HttpRequest(
            url=f"{self.rest_url.rstrip('/')}/{self.topic}:publish",
            http_method=tasks_v2.HttpMethod.POST,
            headers={"Content-Type": "application/json"},
            body=json.dumps(
                {"messages": [{"data": data, "attributes": tracing.carried()}]}
            ).encode(),
        )
        if self.service_account:
            request.oauth_token = tasks_v2.OAuthToken(
                service_account_email=self.service_account, scope=SCOPE
            )
        return request
