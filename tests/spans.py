"""Spans that are recorded in this process, and stand-ins for what carries a trace to a function."""

import base64
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from cloudevents.http import CloudEvent
from google.cloud import tasks_v2
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext

from shared import tracing


class RecordedSpans:
    """The spans that have ended."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()

    @contextmanager
    def recording(self) -> Iterator["RecordedSpans"]:
        """Record them from now on."""
        tracing.record(SimpleSpanProcessor(self._exporter))
        try:
            yield self
        finally:
            tracing.record(None)

    def all(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.all() if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        """The only span of that name."""
        (found,) = self.named(name)
        return found

    def path(self, span: ReadableSpan) -> list[str]:
        """The names from the first span of its trace down to it."""
        by_id = {ids_of(each).span_id: each for each in self.all()}
        names = [span.name]
        while span.parent is not None:
            span = by_id[span.parent.span_id]
            names.insert(0, span.name)
        return names


def ids_of(span: ReadableSpan) -> SpanContext:
    """The ids of a span and of its trace."""
    found = span.get_span_context()
    assert found is not None
    return found


class RecordingTopicClient:
    """Pub/Sub's client: keeps what is published."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes, dict[str, str]]] = []

    def publish(self, topic: str, data: bytes, **attributes: str) -> Future[str]:
        self.published.append((topic, data, attributes))
        accepted: Future[str] = Future()
        accepted.set_result(f"message-{len(self.published)}")
        return accepted

    def take(self) -> list[CloudEvent]:
        """The events that deliver the messages since the last call."""
        taken, self.published = self.published, []
        return [delivered(data, attributes) for _, data, attributes in taken]


class RecordingTasksClient:
    """Cloud Tasks' client: keeps the requests of tasks."""

    def __init__(self) -> None:
        self.requests: list[tasks_v2.HttpRequest] = []

    def create_task(self, parent: str, task: tasks_v2.Task, timeout: float) -> None:
        self.requests.append(task.http_request)


def delivered(data: bytes, attributes: Any) -> CloudEvent:
    """The event by which Pub/Sub delivers a message."""
    message = {"data": base64.b64encode(data).decode(), "attributes": attributes, "messageId": "1"}
    return CloudEvent({"source": "//pubsub", "type": "published"}, {"message": message})
