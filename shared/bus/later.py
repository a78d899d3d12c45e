"""Publishing messages later: through a Cloud Task that calls Pub/Sub's own REST method. So every
function is reached in one way, by a message, which carries on the trace that it was published in.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from google.api_core.exceptions import AlreadyExists
from google.cloud import tasks_v2

from shared import tracing
from shared.batches import batched
from shared.bus.messages import Message

TIMEOUT_SECONDS = 30.0
SCOPE = "https://www.googleapis.com/auth/pubsub"
LATER_BYTES = 90_000
"""Of the messages that one task publishes, encoded. Cloud Tasks takes tasks of 100 KB."""
ENVELOPE_BYTES = 200
"""What surrounds a message's data there, generously: so no task has more than the 1,000 messages
that Pub/Sub takes in one request."""


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
        return self.publish_text(json.dumps(message.to_json()), {}, at=at, once=once)

    def publish_text(
        self, text: str, attributes: Mapping[str, str], *, at: datetime, once: str
    ) -> bool:
        """The same for an encoded message with attributes."""
        return self._create([_encoded(text, attributes)], at, once)

    def publish_all(self, messages: Iterable[Message], *, at: datetime, once: str) -> int:
        """The same for several messages, by as few tasks as they fit in; how many tasks are new.
        A task's name also stands for its messages: other messages are another task."""
        created = 0
        all_texts = (json.dumps(message.to_json()) for message in messages)
        for texts in batched(all_texts, LATER_BYTES, later_bytes):
            digest = hashlib.blake2b("\n".join(texts).encode(), digest_size=16).hexdigest()
            encoded = [_encoded(text, {}) for text in texts]
            created += self._create(encoded, at, f"{once}/{digest}")
        return created

    def _create(self, encoded: Sequence[Mapping[str, object]], at: datetime, once: str) -> bool:
        # Hashed: sequential ids would slow the queue down.
        task_id = hashlib.blake2b(once.encode(), digest_size=16).hexdigest()
        task = tasks_v2.Task(
            name=f"{self.queue}/tasks/{task_id}",
            schedule_time=at,
            http_request=self._request(encoded),
        )
        try:
            self.client.create_task(parent=self.queue, task=task, timeout=TIMEOUT_SECONDS)
        except AlreadyExists:
            return False
        return True

    def _request(self, encoded: Sequence[Mapping[str, object]]) -> tasks_v2.HttpRequest:
        request = tasks_v2.HttpRequest(
            url=f"{self.rest_url.rstrip('/')}/{self.topic}:publish",
            http_method=tasks_v2.HttpMethod.POST,
            headers={"Content-Type": "application/json"},
            body=json.dumps({"messages": encoded}).encode(),
        )
        if self.service_account:
            request.oauth_token = tasks_v2.OAuthToken(
                service_account_email=self.service_account, scope=SCOPE
            )
        return request


def _encoded(text: str, attributes: Mapping[str, str]) -> dict[str, object]:
    """A message in the form of Pub/Sub's REST interface."""
    data = base64.b64encode(text.encode()).decode()
    return {"data": data, "attributes": {**tracing.carried(), **attributes}}


def later_bytes(text: str) -> int:
    """What a message comes to in a task, its attributes included."""
    return 4 * (len(text.encode()) // 3 + 1) + ENVELOPE_BYTES
