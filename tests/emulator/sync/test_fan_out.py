"""A tick reaches every active org once, each at its own moment, however often it is delivered."""

import base64
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests
from google.cloud import tasks_v2
from google.cloud.firestore import Client
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from structlog.testing import capture_logs

from deploy.local.journal import Journal
from deploy.local.tasks.server import CloudTasks
from deploy.resources import Queue
from shared.bootstrap import cron_fanout
from shared.bus.later import LaterPublisher
from shared.bus.messages import AgeSegments, CronTick, ReportMetrics
from shared.services.fan_out import (
    FanOut,
    SyncFanOut,
    metrics_message,
    run_id,
    segments_message,
    sync_message,
)
from shared.store.database import Database
from tests.emulator.functions import InProcess, pubsub_event
from tests.fakes import (
    OffsetClock,
    RecordingLaterPublisher,
    RecordingPublisher,
    SteppingClock,
)

ORGS = [f"org_{number:02}" for number in range(50)]
QUEUE = "projects/demo-tasks/locations/us-east1/queues/later"


@pytest.fixture(autouse=True)
def _orgs(client: Client) -> None:
    """Fifty active orgs, an inactive one, and one that no message can name."""
    statuses = dict.fromkeys(ORGS, "active") | {"org_closed": "inactive", "a/b": "active"}
    for number, (org_id, status) in enumerate(statuses.items()):
        location = {"orgId": org_id, "posConfig": {"status": status}}
        client.document(f"locations/{number}").set(location)


@pytest.fixture
def tasks(tmp_path: Path) -> Iterator[tasks_v2.CloudTasksClient]:
    """A client of a Cloud Tasks server with the queue."""
    with (
        closing(Journal(tmp_path / "tasks.log")) as journal,
        closing(CloudTasks(journal)) as server,
    ):
        server.create_queue(QUEUE, Queue())
        with grpc.insecure_channel(server.host) as channel:
            yield tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))


class Topic:
    """A topic on the emulator, with a subscription from which the test pulls."""

    def __init__(self, host: str, project: str) -> None:
        self.rest_url = f"http://{host}/v1"
        self.name = f"projects/{project}/topics/pos-sync"
        self._subscription = f"{self.rest_url}/projects/{project}/subscriptions/all"
        for url, body in (
            (f"{self.rest_url}/{self.name}", {}),
            (self._subscription, {"topic": self.name}),
        ):
            requests.put(url, json=body, timeout=20).raise_for_status()

    def take(self) -> list[dict[str, Any]]:
        """What has been published since the last call."""
        body = {"maxMessages": 100, "returnImmediately": True}
        reply = requests.post(f"{self._subscription}:pull", json=body, timeout=20).json()
        received = reply.get("receivedMessages", [])
        if received:
            ids = {"ackIds": [each["ackId"] for each in received]}
            requests.post(f"{self._subscription}:acknowledge", json=ids, timeout=20)
        return [json.loads(base64.b64decode(each["message"]["data"])) for each in received]


def test_a_spread_tick_that_comes_twice_asks_once_for_each_org(
    database: Database,
    clock: OffsetClock,
    tasks: tasks_v2.CloudTasksClient,
    pubsub_host: str,
    project: str,
) -> None:
    # Given a tick that is to be spread over three seconds
    topic, at_once = Topic(pubsub_host, project), RecordingPublisher()
    later = LaterPublisher(tasks, QUEUE, topic.name, topic.rest_url)
    fan_out = FanOut(database, at_once, later, clock.now, sync_message)
    tick = CronTick(job="pos-sync", spread_seconds=3)
    began = time.monotonic()

    # When it is delivered twice
    for _ in range(2):
        SyncFanOut(database, fan_out, clock.now)(tick, "4711")

    # Then nothing is published at once
    assert at_once.messages == []
    # and, bit by bit, one message for each active org and no other
    got: list[dict[str, Any]] = []
    instalments = 0
    while time.monotonic() - began < 6:
        some = topic.take()
        instalments += bool(some)
        got += some
        time.sleep(0.1)
    assert Counter(each["orgId"] for each in got) == Counter(ORGS)
    assert {each["runId"] for each in got} == {run_id("4711", org) for org in ORGS}
    assert all(each["ifActive"] for each in got)
    assert instalments > 3


def test_an_org_that_is_added_between_two_deliveries_is_not_left_out(
    client: Client, database: Database, clock: OffsetClock
) -> None:
    # Given a spread tick
    later = RecordingLaterPublisher()
    fan_out = FanOut(database, RecordingPublisher(), later, clock.now, sync_message)
    tick = CronTick(job="pos-sync", spread_seconds=1500)
    fan_out(tick, "4711")

    # When an org is opened before its second delivery
    location = {"orgId": "org_new", "posConfig": {"status": "active"}}
    client.document("locations/new").set(location)
    fan_out(tick, "4711")

    # Then it is asked for too, and no message asks for a second run of an org
    asked = [message.to_json() for message in later.take()]
    assert {each["orgId"] for each in asked} == {*ORGS, "org_new"}
    assert len({each["runId"] for each in asked}) == len(ORGS) + 1


def test_orgs_of_a_tick_that_is_not_spread_are_asked_for_at_once(
    database: Database, clock: OffsetClock
) -> None:
    # Given
    topic, later = RecordingPublisher(), RecordingLaterPublisher()
    fan_out = FanOut(database, topic, later, clock.now, sync_message)
    # When: one without, and one for a single org
    fan_out(CronTick(job="pos-sync"), "1")
    fan_out(CronTick(job="pos-sync", org_id="org_07", spread_seconds=1500), "2")
    # Then
    asked = [message.to_json()["orgId"] for message in topic.messages]
    assert asked == [*ORGS, "org_07"]
    assert later.take() == []


def test_a_tick_for_an_org_that_it_does_not_reach_is_noted(
    database: Database, clock: OffsetClock
) -> None:
    topic, later = RecordingPublisher(), RecordingLaterPublisher()

    with capture_logs() as logs:
        fan_out = FanOut(database, topic, later, clock.now, segments_message)
        fan_out(CronTick(job="segments", org_id="org_closed"), "1")

    assert topic.messages == []
    (noted,) = [each for each in logs if each["event"] == "tick_reaches_nobody"]
    assert (noted["org_id"], noted["job"]) == ("org_closed", "segments")


def test_a_report_of_metrics_is_asked_for_by_the_same_message_each_time(
    database: Database,
) -> None:
    # Given
    clock, topic = SteppingClock(), RecordingPublisher()
    later = RecordingLaterPublisher()
    fan_out = FanOut(database, topic, later, clock.now, metrics_message(clock.now))
    # When a tick is delivered again some minutes later
    fan_out(CronTick(job="weekly-metrics"), "1")
    clock.advance(timedelta(minutes=20))
    fan_out(CronTick(job="weekly-metrics"), "1")
    # Then
    assert topic.messages[: len(ORGS)] == topic.messages[len(ORGS) :]


@pytest.mark.parametrize("spread_seconds", [0, 3600])
@pytest.mark.parametrize(
    ("job", "its_topic", "kind"),
    [("segments", "segments", AgeSegments), ("weekly-metrics", "metrics", ReportMetrics)],
)
def test_segments_and_metrics_are_asked_for_on_topics_of_their_own(
    client: Client,
    database: Database,
    spread_seconds: int,
    job: str,
    its_topic: str,
    kind: type[AgeSegments | ReportMetrics],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        functions = InProcess(client.project, database, patch)
        tick = {"job": job, "spreadSeconds": spread_seconds}

        functions.consumer(cron_fanout)(pubsub_event("m1", json.dumps(tick)))

        expected = sorted((its_topic, org) for org in ORGS)
        asked = [(topic, m.org_id) for topic, m in functions.published if isinstance(m, kind)]
        assert sorted(asked) == expected
        assert len(functions.published) == len(expected)
