"""What a function sends to the collector of its spans."""

import gzip
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from structlog.contextvars import bound_contextvars as bound

from shared import tracing
from shared.bootstrap.settings import FunctionSettings, start

PROJECT = "demo-traces"


class Collector:
    """Takes spans at ``url``; ``received`` are path and body of each call."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[tuple[str, bytes]] = []

    def spans(self) -> dict[str, dict[str, str]]:
        """The attributes of each span by its name, those of its process included."""
        found: dict[str, dict[str, str]] = {}
        for _, body in self.received:
            for part in ExportTraceServiceRequest.FromString(body).resource_spans:
                of_process = {a.key: a.value.string_value for a in part.resource.attributes}
                for span in (span for scope in part.scope_spans for span in scope.spans):
                    own = {a.key: a.value.string_value for a in span.attributes}
                    found[span.name] = of_process | own
        return found


@contextmanager
def serving() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            packed = self.headers.get("Content-Encoding") == "gzip"
            collector.received.append((self.path, gzip.decompress(body) if packed else body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        Thread(target=server.serve_forever, daemon=True).start()
        yield collector
        server.shutdown()


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", PROJECT)
    monkeypatch.setenv("FIRESTORE_DATABASE", "(default)")
    monkeypatch.setenv("K_SERVICE", "org-sync")
    yield
    tracing.record(None)


def work() -> None:
    """One message, as a function handles it."""
    with (
        tracing.door("pos-sync", None, flush=True),
        bound(org_id="org_test", run_id="run-1"),
        tracing.span("run"),
    ):
        pass


def test_the_spans_of_a_message_are_exported_when_it_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving() as collector:
        # Given a function that is told of a collector
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        start(FunctionSettings)

        # When it has handled a message
        work()

        # Then its spans are there, and say which function and project they are of
        assert {path for path, _ in collector.received} == {"/v1/traces"}
        spans = collector.spans()
        assert spans.keys() == {"pos-sync", "run"}
        assert spans["run"]["service.name"] == "org-sync"
        assert spans["run"]["gcp.project_id"] == PROJECT
        assert (spans["run"]["org_id"], spans["run"]["run_id"]) == ("org_test", "run-1")


def test_without_an_endpoint_nothing_is_exported() -> None:
    start(FunctionSettings)

    with tracing.door("pos-sync", None, flush=True) as entered:
        assert not entered.is_recording()


def test_a_collector_that_is_down_neither_fails_nor_holds_up_a_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving() as collector:
        gone = collector.url
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", gone)
    start(FunctionSettings)

    began = time.monotonic()
    work()

    assert time.monotonic() - began < 8
