"""Messages for later: what the tasks hold that publish them."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from google.api_core.exceptions import AlreadyExists
from google.cloud import tasks_v2

from shared.bus.later import LATER_BYTES, LaterPublisher, later_bytes
from shared.bus.messages import PosSync
from shared.domain.spread import SLICES, spread

AT = datetime(2026, 3, 18, 15, 0, tzinfo=UTC)


class NameTaken(AlreadyExists):
    """What Cloud Tasks answers to a name that was used before."""

    def __init__(self) -> None:
        Exception.__init__(self, "taken")


class Queue(tasks_v2.CloudTasksClient):
    """A queue as Cloud Tasks has it: the name of a task is taken for good."""

    def __init__(self) -> None:
        self.tasks: dict[str, tasks_v2.Task] = {}

    def create_task(self, *_: Any, **request: Any) -> tasks_v2.Task:
        task: tasks_v2.Task = request["task"]
        if task.name in self.tasks:
            raise NameTaken
        self.tasks[task.name] = task
        return task

    def texts(self) -> list[list[Any]]:
        """The decoded messages of each task."""
        bodies = [json.loads(task.http_request.body) for task in self.tasks.values()]
        return [
            [json.loads(base64.b64decode(message["data"])) for message in body["messages"]]
            for body in bodies
        ]


def later(queue: Queue) -> LaterPublisher:
    return LaterPublisher(
        queue, "projects/p/queues/later", "projects/p/topics/pos-sync", "http://h"
    )


def syncs(org_ids: Sequence[str]) -> list[PosSync]:
    return [PosSync(org_id=org, run_id=f"run-{org}", trigger="cron") for org in org_ids]


def test_messages_that_fit_are_published_by_one_task_which_is_made_once() -> None:
    # Given
    queue, messages = Queue(), syncs([f"org_{number}" for number in range(70)])
    # When
    made = [later(queue).publish_all(messages, at=AT, once="tick/1") for _ in range(2)]
    # Then
    assert made == [1, 0]
    assert queue.texts() == [[message.to_json() for message in messages]]
    # and other messages, or another occasion, are other tasks
    assert later(queue).publish_all(messages[1:], at=AT, once="tick/1") == 1
    assert later(queue).publish_all(messages, at=AT, once="tick/2") == 1


def test_a_tick_of_ten_thousand_orgs_is_a_hundred_and_fifty_tasks() -> None:
    # Given
    queue, orgs = Queue(), [f"org_of_some_dispensary_{number}" for number in range(10_000)]
    # When
    for _, some in spread(orgs, 1500):
        later(queue).publish_all(syncs(some), at=AT, once="tick/1")
    # Then
    assert len(queue.tasks) == SLICES == 150
    assert sorted(text["orgId"] for texts in queue.texts() for text in texts) == sorted(orgs)


def test_messages_that_do_not_fit_are_divided_and_none_is_lost() -> None:
    # Given: ids of the greatest length, in a script that JSON escapes
    queue, messages = Queue(), syncs([f"{number:04}{'ü' * 190}" for number in range(300)])
    # When
    made = later(queue).publish_all(messages, at=AT, once="tick/1")
    # Then
    assert made == len(queue.tasks) > 1
    assert all(len(task.http_request.body) <= 100_000 for task in queue.tasks.values())
    together = [text for texts in queue.texts() for text in texts]
    assert together == [message.to_json() for message in messages]


def test_no_more_are_published_at_once_than_pubsub_takes() -> None:
    assert later_bytes("") * 1_000 > LATER_BYTES


def test_nothing_is_no_task() -> None:
    queue = Queue()
    assert later(queue).publish_all([], at=AT, once="tick/1") == 0
    assert queue.tasks == {}


def test_a_text_keeps_its_attributes() -> None:
    # Given
    queue = Queue()
    # When
    made = later(queue).publish_text('{"orgId": "org_a"}', {"replayOf": "71"}, at=AT, once="a")
    # Then
    assert made
    (task,) = queue.tasks.values()
    assert task.schedule_time == AT
    (message,) = json.loads(task.http_request.body)["messages"]
    assert message["attributes"] == {"replayOf": "71"}
    assert base64.b64decode(message["data"]) == b'{"orgId": "org_a"}'
