"""Carries Firestore events to their functions' transport topics, many in one request.

The Firestore emulator reports changes one after the other and waits for each answer: answering
at once and publishing in the background keeps a sync of thousands of orders from queueing here.
"""

import threading
from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from queue import Empty, Queue

import requests

from deploy.local.journal import Journal
from deploy.local.pubsub import PubSub

BATCH = 100
# So many may wait; the emulator then waits for its answers.
MOST_WAITING = 10_000
STOP_SECONDS = 10.0

# The topic, and the message as the REST interface takes it.
Carried = tuple[str, Mapping[str, object]]


def transport_topic(function: str) -> str:
    """The topic on which a function's Firestore events travel."""
    return f"eventarc-{function.replace('_', '-')}"


class Relay:
    """``carry`` may be called from any thread; it returns at once unless MOST_WAITING wait."""

    def __init__(self, pubsub: PubSub, journal: Journal) -> None:
        self._pubsub = pubsub
        self._journal = journal
        self._queue: Queue[Carried | None] = Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def carry(self, function: str, data: str, attributes: Mapping[str, str]) -> None:
        """Publish an event's base64 data and its attributes for a function, soon."""
        self._queue.put((transport_topic(function), {"data": data, "attributes": attributes}))

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while batch := self._next():
            for topic, carried in groupby(sorted(batch, key=itemgetter(0)), itemgetter(0)):
                self._publish(topic, [message for _, message in carried])

    def _publish(self, topic: str, messages: list[Mapping[str, object]]) -> None:
        try:
            self._pubsub.publish_encoded(topic, messages)
        except requests.RequestException as error:
            lost = {"topic": topic, "count": len(messages), "error": type(error).__name__}
            self._journal.write("events_lost", **lost)

    def _next(self) -> list[Carried]:
        """What waits, up to BATCH and at least one; nothing when the relay closes."""
        following = self._queue.get()
        batch: list[Carried] = []
        while following is not None:
            batch.append(following)
            if len(batch) == BATCH:
                return batch
            try:
                following = self._queue.get_nowait()
            except Empty:
                return batch
        self._queue.put(None)
        return batch
