"""What a span says, and what it must not."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
from opentelemetry.trace import StatusCode
from structlog.contextvars import bound_contextvars as bound

from shared import tracing
from shared.services.sync.session import Session
from shared.store.database import WRITES_PER_COMMIT, Put, Write
from tests.spans import RecordedSpans
from tests.unit.services.sync_in_memory import MemoryRun, session_in


@pytest.fixture
def spans() -> Iterator[RecordedSpans]:
    with RecordedSpans().recording() as recorded:
        yield recorded


def test_a_span_bears_the_org_and_the_run_of_its_log_lines(spans: RecordedSpans) -> None:
    ids = {"org_id": "org_test", "run_id": "run-1"}
    with (
        tracing.door("pos-sync", None),
        bound(**ids, message_id="7", caller="somebody"),
        tracing.span("page", stream="orders"),
    ):
        tracing.note(rows=3)

    assert dict(spans.one("page").attributes or {}) == {**ids, "stream": "orders", "rows": 3}


def test_of_an_error_only_the_class_is_kept(spans: RecordedSpans) -> None:
    with (
        pytest.raises(ValueError, match="telephone"),
        tracing.door("pos-sync", None),
        tracing.span("commit"),
    ):
        raise ValueError("maria@example.com has no telephone")

    for span in (spans.one("commit"), spans.one("pos-sync")):
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description == "ValueError"
        assert not span.events
    assert "maria" not in "".join(span.to_json() for span in spans.all())


def test_a_span_outside_of_a_trace_is_not_recorded(spans: RecordedSpans) -> None:
    with tracing.span("commit"):
        tracing.note(writes=1)

    assert spans.all() == []


def test_nothing_is_recorded_without_an_exporter() -> None:
    spans = RecordedSpans()
    with tracing.door("pos-sync", None) as entered, tracing.span("commit") as inner:
        assert not entered.is_recording()
        assert inner is entered
    assert spans.all() == []


def test_a_span_of_another_thread_stays_in_the_trace(spans: RecordedSpans) -> None:
    def work() -> None:
        with tracing.span("page"):
            pass

    with tracing.door("pos-sync", None), ThreadPoolExecutor(1) as pool:
        pool.submit(copy_context().run, work).result()

    assert spans.path(spans.one("page")) == ["pos-sync", "page"]


def test_what_begins_after_its_parent_has_ended_is_recorded_too(spans: RecordedSpans) -> None:
    def work() -> None:
        with tracing.span("commit"):
            pass

    with tracing.door("pos-sync", None):
        with tracing.span("stream"):
            waiting = copy_context()
        waiting.run(work)

    assert spans.path(spans.one("commit")) == ["pos-sync", "stream", "commit"]


class TracedRun(MemoryRun):
    """A run whose commits are spans, as those of a database are."""

    @tracing.span("commit")
    def commit(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None:
        super().commit(writes, unsettled)


def test_what_is_committed_behind_a_stream_is_part_of_it(spans: RecordedSpans) -> None:
    # Given more writes than one commit takes
    def store(session: Session) -> None:
        writes = (Put(f"tenants/o/orders/{n}", {"n": n}) for n in range(WRITES_PER_COMMIT + 1))
        session.store(writes)
        session.flush()

    # When they are committed in the background
    with (
        tracing.door("pos-sync", None),
        session_in(TracedRun()) as session,
        tracing.span("stream"),
    ):
        store(session)

    # Then within the stream that asked for it
    paths = [spans.path(span) for span in spans.named("commit")]
    assert paths == [["pos-sync", "stream", "commit"]] * 2


def test_a_sdk_that_is_disabled_makes_ids_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with RecordedSpans().recording() as spans, tracing.door("pos-sync", None):
        assert tracing.carried()["traceparent"].startswith("00-")
    assert spans.all() == []
