"""A trace goes on in whatever a message leads to."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.pubsub_v1 import PublisherClient
from opentelemetry import trace

from shared import tracing
from shared.bus.later import LaterPublisher
from shared.bus.messages import CronTick, Message, PosSync
from shared.bus.publisher import Publisher
from shared.entry import MessageConsumer
from tests.spans import (
    RecordedSpans,
    RecordingTasksClient,
    RecordingTopicClient,
    delivered,
    ids_of,
)
from tests.unit.services.sync_in_memory import NOW, EmptyDatabase

SYNC = PosSync(org_id="org_test", run_id="run-1", trigger="cron")
TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


@pytest.fixture
def spans() -> Iterator[RecordedSpans]:
    with RecordedSpans().recording() as recorded:
        yield recorded


def consumer(topic: str, model: type[Message], work: Any) -> MessageConsumer[Any]:
    return MessageConsumer(topic, model, lambda *_: work(), EmptyDatabase(), lambda: NOW)


def traces_seen(attributes: Any) -> list[str]:
    """The trace in which a message with these attributes is handled."""
    seen: list[str] = []
    handle = consumer("pos-sync", PosSync, lambda: seen.append(current_trace()))
    handle(delivered(json.dumps(SYNC.to_json()).encode(), attributes))
    return seen


def current_trace() -> str:
    found = tracing.current()
    assert found is not None
    return tracing.ids_of(found)[0]


def test_a_message_goes_on_with_the_trace_it_was_published_in(spans: RecordedSpans) -> None:
    # Given a tick that asks for a sync
    topic: Any = RecordingTopicClient()
    tick = consumer("cron-tick", CronTick, lambda: Publisher(topic, "pos-sync").publish([SYNC]))
    tick(delivered(b'{"job": "pos-sync"}', {}))

    # When its message is handled
    [event] = topic.take()
    consumer("pos-sync", PosSync, lambda: None)(event)

    # Then one trace holds both
    began, sync = spans.one("cron-tick"), spans.one("pos-sync")
    assert spans.path(sync) == ["cron-tick", "pos-sync"]
    assert ids_of(began).trace_id == ids_of(sync).trace_id
    assert dict(sync.attributes or {}) == {"org_id": "org_test", "run_id": "run-1"}


def test_a_message_for_later_carries_the_trace_too() -> None:
    tasks: Any = RecordingTasksClient()
    later = LaterPublisher(tasks, "queue", "projects/p/topics/t", "https://pubsub.example/v1")

    with tracing.door("document", tracing.of_w3c(f"00-{TRACE}-{SPAN}-01")):
        later.publish(SYNC, at=datetime(2026, 3, 18, tzinfo=UTC), once="once")

    [message] = json.loads(tasks.requests[0].body)["messages"]
    assert message["attributes"] == {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    assert json.loads(base64.b64decode(message["data"])) == SYNC.to_json()


def test_ids_are_made_and_go_on_where_nothing_is_recorded() -> None:
    # Given a tick in a function without an exporter
    topic: Any = RecordingTopicClient()
    begun: list[str] = []

    def fan_out() -> None:
        begun.append(current_trace())
        Publisher(topic, "pos-sync").publish([SYNC])

    consumer("cron-tick", CronTick, fan_out)(delivered(b'{"job": "pos-sync"}', {}))

    # When its message is handled, then in the same trace, and another tick begins another
    [(_, _, attributes)] = topic.published
    assert traces_seen(attributes) == begun
    consumer("cron-tick", CronTick, fan_out)(delivered(b'{"job": "pos-sync"}', {}))
    assert begun[0] != begun[1]


def test_a_message_outside_of_a_trace_carries_none() -> None:
    topic: Any = RecordingTopicClient()
    Publisher(topic, "t").publish_text(["{}"], {"replayOf": "1"})
    assert topic.published == [("t", b"{}", {"replayOf": "1"})]


@pytest.mark.parametrize(
    "given",
    [
        "",
        "0",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"01-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01",
        f"00-{'٣' * 32}-{SPAN}-01",
        "\ud800" * 55,
        "00-" + "a" * 1_000_000,
        None,
        1,
        [f"00-{TRACE}-{SPAN}-01"],
        {"traceparent": TRACE},
    ],
)
def test_a_traceparent_that_is_none_is_ignored(given: Any) -> None:
    [seen] = traces_seen({"traceparent": given})
    assert seen not in (TRACE, "0" * 32)
    assert len(seen) == 32


def test_a_valid_traceparent_is_followed() -> None:
    assert traces_seen({"traceparent": f"00-{TRACE}-{SPAN}-00"}) == [TRACE]


def test_a_trace_that_its_caller_does_not_record_is_not_recorded(spans: RecordedSpans) -> None:
    assert traces_seen({"traceparent": f"00-{TRACE}-{SPAN}-00"}) == [TRACE]
    assert spans.all() == []
    assert traces_seen({"traceparent": f"00-{TRACE}-{SPAN}-01"}) == [TRACE]
    assert [span.name for span in spans.all()] == ["pos-sync"]


def test_google_libraries_record_no_spans_of_their_own(spans: RecordedSpans) -> None:
    # Given their switches as we leave them
    client = PublisherClient(credentials=AnonymousCredentials())
    assert not client.open_telemetry_enabled

    # When one of them begins a span all the same, within ours
    with tracing.door("cron-tick", None), trace.get_tracer("google").start_as_current_span("rpc"):
        pass

    # Then only ours is recorded
    assert [span.name for span in spans.all()] == ["cron-tick"]
