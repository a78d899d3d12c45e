"""Connects what has been started as the manifest says: topics, subscriptions, triggers, queues."""

from collections.abc import Mapping, Sequence

import requests

from deploy.local.deliverer import Deliverer, PushSubscription
from deploy.local.environment import slots
from deploy.local.pubsub import PubSub
from deploy.local.relay import transport_topic
from deploy.local.tasks.server import CloudTasks
from deploy.manifest import Function, Manifest
from deploy.resources import DocumentPattern, FirestoreTrigger, TopicTrigger

TIMEOUT_SECONDS = 30.0
EVENT_TYPE = "google.cloud.firestore.document.v1."


def create_queues(manifest: Manifest, project: str, tasks: CloudTasks) -> None:
    """All queues of the manifest."""
    for name, queue in manifest.queues.items():
        where = f"projects/{project}/locations/{manifest.defaults.region}"
        tasks.create_queue(f"{where}/queues/{name}", queue)


def create_topics(manifest: Manifest, pubsub: PubSub) -> None:
    """All topics of the manifest: those that nobody here listens to as well."""
    for topic in manifest.topics:
        pubsub.create_topic(topic)


def subscribe(
    functions: Sequence[Function],
    urls: Mapping[str, str],
    pubsub: PubSub,
    deliverer: Deliverer,
    instances: int,
) -> None:
    """A subscription for every function with an event trigger, and deliveries from it."""
    for function in functions:
        if function.subscription is None:
            continue
        if isinstance(function.trigger, TopicTrigger):
            topic = function.trigger.topic
        else:
            topic = transport_topic(function.name)
            pubsub.create_topic(topic)
        pubsub.create_subscription(function.subscription_id, topic)
        deliverer.deliver(
            PushSubscription(
                function=function.name,
                name=pubsub.subscription(function.subscription_id),
                topic=pubsub.topic(topic),
                url=urls[function.name],
                slots=slots(function, instances),
                timeout_seconds=function.timeout_seconds,
                policy=function.subscription,
            )
        )


def register_triggers(functions: Sequence[Function], project: str, firestore: str) -> None:
    """Have the Firestore emulator at this host report the documents that functions wait for."""
    for function in functions:
        if isinstance(function.trigger, FirestoreTrigger):
            _register(function.name, function.trigger.firestore, project, firestore)


def _register(function: str, pattern: DocumentPattern, project: str, firestore: str) -> None:
    reply = requests.post(
        f"http://{firestore}/emulator/v1/projects/{project}/eventarcTrigger",
        params={"eventarcTriggerId": function},
        json={
            "eventType": f"{EVENT_TYPE}{pattern.event}",
            "database": "(default)",
            "namespace": "(default)",
            "document": {"value": pattern.document, "matchType": "PATH_PATTERN"},
        },
        timeout=TIMEOUT_SECONDS,
    )
    reply.raise_for_status()
