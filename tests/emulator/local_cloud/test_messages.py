"""From a topic to a function and, failing that, to the dead letters: through Google's Pub/Sub
emulator and real functions-framework processes."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import requests
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

from deploy.local.stack import Stack
from tests.emulator.local_cloud.collector import Collector


def test_a_message_arrives_as_the_cloud_event_that_eventarc_sends(
    stack: Stack, collector: Collector, token: str
) -> None:
    # When
    message_id = stack.publish("letters", {"hello": 1}, {"mark": token})
    # Then
    [report] = collector.wait(token)
    topic = f"projects/{stack.project}/topics/letters"
    event, data = report.json["event"], report.json["data"]
    assert report.path == "/on_message"
    assert event["id"] == message_id
    assert event["source"] == f"//pubsub.googleapis.com/{topic}"
    assert event["type"] == "google.cloud.pubsub.topic.v1.messagePublished"
    assert data["subscription"] == f"projects/{stack.project}/subscriptions/on-message-push"
    assert data["message"]["messageId"] == message_id
    assert data["message"]["attributes"] == {"mark": token}
    assert json.loads(base64.b64decode(data["message"]["data"])) == {"hello": 1}


def test_a_message_with_attributes_alone_arrives(
    stack: Stack, collector: Collector, token: str
) -> None:
    # When
    requests.post(
        f"http://{stack.pubsub}/v1/projects/{stack.project}/topics/letters:publish",
        json={"messages": [{"attributes": {"mark": token}}]},
        timeout=10,
    ).raise_for_status()
    # Then
    [report] = collector.wait(token)
    assert not report.json["data"]["message"].get("data")


def test_a_failed_message_comes_again_with_the_same_id(
    stack: Stack, collector: Collector, token: str
) -> None:
    # Given
    collector.fail(token, times=2)
    # When
    message_id = stack.publish("letters", {}, {"mark": token})
    # Then
    reports = collector.wait(token, 3)
    assert [each.json["event"]["id"] for each in reports] == [message_id] * 3


def test_a_message_that_fails_five_times_ends_among_the_dead_letters(
    stack: Stack, collector: Collector, token: str
) -> None:
    # Given
    collector.fail(token, times=5)
    # When
    stack.publish("letters", {}, {"mark": token})
    # Then
    reports = collector.wait(token, 6)
    assert [each.path for each in reports] == ["/on_message"] * 5 + ["/on_dead_letter"]
    attributes = reports[-1].json["data"]["message"]["attributes"]
    assert attributes["CloudPubSubDeadLetterSourceSubscription"] == "on-message-push"
    assert attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    assert attributes["mark"] == token


def test_a_function_that_dies_is_started_again_and_loses_no_message(
    stack: Stack, collector: Collector, token: str
) -> None:
    # Given
    url, pid = stack.functions["on_message"], stack.pids["on_message"]
    stack.kill("on_message")
    # When
    stack.publish("letters", {}, {"mark": token})
    # Then
    collector.wait(token)
    assert stack.functions["on_message"] == url
    assert stack.pids["on_message"] != pid
    assert stack.failure is None


def test_a_function_that_is_ended_in_the_middle_gets_its_message_again(
    stack: Stack, collector: Collector, token: str
) -> None:
    # Given: more time than it has to stop
    collector.delay(token, 6)
    message_id = stack.publish("letters", {}, {"mark": token})
    collector.wait(token)
    # When
    stack.restart("on_message")
    # Then
    reports = collector.wait(token, 2)
    assert [each.json["event"]["id"] for each in reports] == [message_id] * 2


def test_a_function_is_given_what_the_manifest_says(stack: Stack) -> None:
    # When
    environment = requests.get(stack.functions["on_request"], timeout=10).json()
    # Then
    project = f"projects/{stack.project}"
    expected = {
        "LETTERS_TOPIC": f"{project}/topics/letters",
        "LATER_QUEUE": f"{project}/locations/us-east1/queues/later",
        "PUBSUB_REST_URL": f"http://{stack.pubsub}/v1",
        "CRON_SECRET": stack.secrets["CRON_SECRET"],
        "GOOGLE_CLOUD_PROJECT": stack.project,
        "FIRESTORE_EMULATOR_HOST": stack.firestore,
        "PUBSUB_EMULATOR_HOST": stack.pubsub,
        "CLOUD_TASKS_EMULATOR_HOST": stack.tasks,
        "THREADS": "4",
    }
    assert {name: environment.get(name) for name in expected} == expected


def test_a_task_can_publish_a_message_later(stack: Stack, collector: Collector, token: str) -> None:
    # Given
    project = f"projects/{stack.project}"
    data = base64.b64encode(b"{}").decode()
    publish = {
        "url": f"http://{stack.pubsub}/v1/{project}/topics/letters:publish",
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"messages": [{"data": data, "attributes": {"mark": token}}]}).encode(),
        "oauth_token": {"service_account_email": "sync-sam@example.test"},
    }
    with grpc.insecure_channel(stack.tasks) as channel:
        client: Any = tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
        # When
        task = client.create_task(
            parent=f"{project}/locations/us-east1/queues/later",
            task={
                "http_request": publish,
                "schedule_time": datetime.now(UTC) + timedelta(seconds=0.5),
            },
        )
    # Then
    [report] = collector.wait(token)
    assert report.at >= task.schedule_time.timestamp()
