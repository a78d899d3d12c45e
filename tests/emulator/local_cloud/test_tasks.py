"""The Cloud Tasks server, spoken to by Google's client over gRPC."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

from deploy.local.journal import Journal
from deploy.local.ports import Port
from deploy.local.tasks.server import CloudTasks
from deploy.resources import Queue, RateLimits, Retry
from tests.emulator.local_cloud.collector import Collector

LOCATION = "projects/demo-tasks/locations/us-east1"
QUICK = Queue(retry=Retry(min_backoff_seconds=0.2, max_backoff_seconds=0.4, max_attempts=3))


class Queues:
    """A queue of the test's own on the server, and a client of it."""

    def __init__(self, server: CloudTasks, client: Any, collector: Collector, token: str) -> None:
        self.server, self.client, self.token = server, client, token
        self.queue = f"{LOCATION}/queues/{token}"
        self._url = f"{collector.url}/{token}"

    def make(self, settings: Queue = QUICK) -> None:
        self.server.create_queue(self.queue, settings)

    def add(self, name: str | None = None, **fields: Any) -> Any:
        """A task that posts to the collector. ``after`` delays it by so many seconds."""
        if "after" in fields:
            fields["schedule_time"] = datetime.now(UTC) + timedelta(seconds=fields.pop("after"))
        request = {"url": self._url, "body": b"hello", "headers": {"Content-Type": "text/plain"}}
        task = {"http_request": {**request, **fields.pop("http", {})}, **fields}
        if name:
            task["name"] = self.path(name)
        return self.client.create_task(parent=self.queue, task=task, timeout=10)

    def path(self, name: str) -> str:
        return f"{self.queue}/tasks/{name}"

    def gone(self, name: str) -> bool:
        """Whether the task has ended, waiting a little for it."""
        for _ in range(100):
            try:
                self.client.get_task(name=name, timeout=10)
            except exceptions.NotFound:
                return True
            time.sleep(0.02)
        return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudTasks]:
    log = tmp_path_factory.mktemp("tasks") / "tasks.log"
    with closing(Journal(log)) as journal, closing(CloudTasks(journal)) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: CloudTasks) -> Iterator[Any]:
    with grpc.insecure_channel(server.host) as channel:
        yield tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))


@pytest.fixture
def queues(server: CloudTasks, client: Any, collector: Collector, token: str) -> Queues:
    return Queues(server, client, collector, token)


def test_a_task_is_sent_at_once_with_the_headers_of_cloud_tasks(
    queues: Queues, collector: Collector, token: str
) -> None:
    # Given
    queues.make()
    # When
    queues.add("first")
    # Then
    [request] = collector.wait(token)
    assert (request.method, request.body) == ("POST", b"hello")
    expected = {
        "content-type": "text/plain",
        "user-agent": "Google-Cloud-Tasks",
        "x-cloudtasks-queuename": token,
        "x-cloudtasks-taskname": "first",
        "x-cloudtasks-taskretrycount": "0",
        "x-cloudtasks-taskexecutioncount": "0",
    }
    assert {name: request.headers.get(name) for name in expected} == expected


def test_a_task_waits_for_its_time(queues: Queues, collector: Collector, token: str) -> None:
    # Given
    queues.make()
    # When
    later = queues.add(after=0.7)
    queues.add()
    # Then
    first, second = collector.wait(token, 2)
    assert first.at < later.schedule_time.timestamp() <= second.at
    assert second.at - first.at < 2


def test_a_name_is_taken_while_its_task_lives_and_after(
    queues: Queues, collector: Collector, token: str
) -> None:
    # Given
    queues.make()
    task = queues.add("same", after=0.5)
    # When
    with pytest.raises(exceptions.AlreadyExists):
        queues.add("same")
    collector.wait(token)
    assert queues.gone(task.name)
    # Then
    with pytest.raises(exceptions.AlreadyExists):
        queues.add("same")
    assert len(collector.got(token)) == 1


def test_a_deleted_task_is_never_sent_and_its_name_stays_taken(
    queues: Queues, collector: Collector, token: str
) -> None:
    # Given
    queues.make()
    task = queues.add("unwanted", after=0.3)
    # When
    queues.client.delete_task(name=task.name, timeout=10)
    # Then
    with pytest.raises(exceptions.NotFound):
        queues.client.get_task(name=task.name, timeout=10)
    with pytest.raises(exceptions.AlreadyExists):
        queues.add("unwanted")
    queues.add("other", after=0.4)
    [request] = collector.wait(token)
    assert request.headers["x-cloudtasks-taskname"] == "other"


def test_a_task_that_fails_is_sent_again_with_growing_pauses(
    queues: Queues, collector: Collector, token: str
) -> None:
    # Given
    queues.make()
    collector.fail(token, times=2)
    # When
    task = queues.add()
    # Then
    requests = collector.wait(token, 3)
    pauses = [after.at - before.at for before, after in pairwise(requests)]
    assert pauses[0] >= 0.2
    assert pauses[1] >= 0.4
    counts = [each.headers["x-cloudtasks-taskretrycount"] for each in requests]
    assert counts == ["0", "1", "2"]
    assert queues.gone(task.name)


def test_a_task_is_given_up_after_its_last_attempt(
    queues: Queues, collector: Collector, token: str
) -> None:
    # Given
    queues.make()
    collector.fail(token, times=99)
    # When
    task = queues.add()
    collector.wait(token, 3)
    # Then
    assert queues.gone(task.name)
    time.sleep(0.5)
    assert len(collector.got(token)) == 3


def test_a_target_that_is_not_there_counts_as_a_failed_attempt(queues: Queues) -> None:
    # Given
    queues.make()
    with closing(Port()) as nobody:
        # When
        task = queues.add(http={"url": f"http://{nobody.host}/"})
        # Then
        assert queues.gone(task.name)


def test_no_more_tasks_are_under_way_than_the_queue_allows(
    queues: Queues, collector: Collector, token: str
) -> None:
    # Given
    queues.make(Queue(rate_limits=RateLimits(max_concurrent_dispatches=2)))
    collector.delay(token, 0.15)
    collector.busiest = 0
    # When
    for _ in range(6):
        queues.add()
    # Then
    collector.wait(token, 6)
    assert collector.busiest == 2


def test_tasks_are_sent_no_faster_than_the_queue_allows(
    queues: Queues, collector: Collector, token: str
) -> None:
    # Given
    queues.make(Queue(rate_limits=RateLimits(max_dispatches_per_second=10)))
    # When
    for _ in range(8):
        queues.add()
    # Then
    requests = collector.wait(token, 8)
    # Two at once (a fifth of the rate), the other six a tenth of a second apart.
    assert 0.5 <= requests[-1].at - requests[0].at < 2


@pytest.mark.parametrize(
    "fields",
    [
        {"http": {"url": "ftp://example.test/"}},
        {"http": {"http_method": tasks_v2.HttpMethod.GET}},
        {"http": {"body": b"x" * 200_000}},
        {"after": 31 * 86_400},
        {"dispatch_deadline": timedelta(seconds=5)},
        {"name": "no spaces"},
    ],
)
def test_what_cloud_tasks_refuses_is_refused(queues: Queues, fields: dict[str, Any]) -> None:
    queues.make()
    with pytest.raises(exceptions.InvalidArgument):
        queues.add(**fields)


def test_an_unknown_queue_is_not_found(queues: Queues) -> None:
    with pytest.raises(exceptions.NotFound):
        queues.add()


def test_a_queue_made_over_the_wire_keeps_its_settings(queues: Queues) -> None:
    # Given
    settings = {"name": queues.queue, "rate_limits": {"max_dispatches_per_second": 5}}
    # When
    queues.client.create_queue(parent=LOCATION, queue=settings, timeout=10)
    # Then
    found = queues.client.get_queue(name=queues.queue, timeout=10)
    assert found.rate_limits.max_dispatches_per_second == 5
    assert found.retry_config.max_attempts == 100
    with pytest.raises(exceptions.AlreadyExists):
        queues.client.create_queue(parent=LOCATION, queue=settings, timeout=10)
