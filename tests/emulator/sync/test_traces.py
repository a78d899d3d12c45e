"""One tick, its run, its pages and its commits are one trace, and the log lines bear it."""

import json
from typing import Any

import pytest

from shared import log
from shared.bus.messages import CronTick, PosSync
from shared.bus.publisher import Publisher
from shared.entry import MessageConsumer
from shared.services.fan_out import FanOut, SyncFanOut, sync_message
from shared.services.sync.commands import SyncOrg
from shared.store.database import Database
from tests.emulator.environment import SyncRunner
from tests.fakes import RecordingLaterPublisher
from tests.spans import RecordedSpans, RecordingTopicClient, delivered, ids_of
from tests.stored import StoredDocuments

TICK = b'{"job": "pos-sync"}'
RUN = ["cron-tick", "pos-sync", "run"]


class Functions:
    """``cron_fanout`` and ``org_sync``, and the topic between them."""

    def __init__(self, project: str, database: Database, sync: SyncRunner) -> None:
        self.topic: Any = RecordingTopicClient()
        topic, later = Publisher(self.topic, "pos-sync"), RecordingLaterPublisher()
        requests = FanOut(database, topic, later, sync.clock.now, sync_message)
        fan_out = SyncFanOut(database, requests, sync.clock.now)
        service = sync.service()
        self._tick = MessageConsumer(
            "cron-tick", CronTick, lambda m, d: fan_out(m, d.id), database, sync.clock.now
        )
        self._sync = MessageConsumer(
            "pos-sync", PosSync, lambda m, _: service(SyncOrg.of(m)), database, sync.clock.now
        )

    def tick(self) -> None:
        """A tick, and the run that it asks for."""
        self._tick(delivered(TICK, {}))
        [event] = self.topic.take()
        self._sync(event)


@pytest.fixture
def functions(project: str, database: Database, sync: SyncRunner) -> Functions:
    return Functions(project, database, sync)


def test_a_tick_and_all_it_leads_to_are_one_trace(
    functions: Functions,
    project: str,
    store: StoredDocuments,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Given logs as functions have them in the cloud
    log.configure(project=project)

    # When an org is synced because of a tick
    with RecordedSpans().recording() as spans:
        functions.tick()

    # Then its spans are one tree
    [trace_id] = {ids_of(span).trace_id for span in spans.all()}
    run = spans.one("run")
    assert spans.path(run) == RUN
    ids = {"org_id": "org_test", "run_id": (run.attributes or {})["run_id"]}
    assert dict(run.attributes or {}) == {**ids, "state": "succeeded", "invocations": 1}

    # with the pages of both listings, and as many rows as were fetched
    pages = spans.named("page")
    asked_ahead = (*RUN, "page")  # while another stream was listed
    assert {tuple(spans.path(page)) for page in pages} <= {(*RUN, "stream", "page"), asked_ahead}
    document = store.run("org_test", str(ids["run_id"]))
    for stream in ("customers", "orders"):
        rows = [(p.attributes or {})["rows"] for p in pages if _of(p, stream)]
        assert sum(int(str(each)) for each in rows) >= document["streams"][stream]["fetched"] > 0

    # and the commits, of which those of records are parts of their stream
    commits = spans.named("commit")
    parts = {tuple(spans.path(commit)[:4]) for commit in commits}
    assert {(*RUN, "stream"), (*RUN, "commit")} <= parts
    assert sum(int(str((c.attributes or {})["writes"])) for c in commits) > 500
    within = [s for s in spans.all() if s.name in ("stream", "page", "call", "commit")]
    assert {(s.attributes or {}).get("org_id") for s in within if _in_run(spans, s)} == {"org_test"}

    # And every log line bears the trace; the last says how long the run took, and what for
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    resource = f"projects/{project}/traces/{trace_id:032x}"
    assert {line["logging.googleapis.com/trace"] for line in lines} == {resource}
    assert {"tick_fanned_out", "stream_done", "run_ended"} <= {line["message"] for line in lines}
    [ended] = [line for line in lines if line["message"] == "run_ended"]
    assert ended["duration_seconds"] == document["durationSeconds"] > 0
    assert ended["stream_seconds"] == {
        name: counts["seconds"] for name, counts in document["streams"].items()
    }


def test_without_an_exporter_the_lines_bear_a_trace_all_the_same(
    functions: Functions, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure(project=project)

    functions.tick()

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len({line["logging.googleapis.com/trace"] for line in lines}) == 1
    assert not any(line["logging.googleapis.com/trace_sampled"] for line in lines)


def _of(page: Any, stream: str) -> bool:
    return bool(page.attributes["stream"] == stream)


def _in_run(spans: RecordedSpans, span: Any) -> bool:
    return "run" in spans.path(span)
