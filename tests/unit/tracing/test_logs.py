"""The lines of a trace can be found by it."""

import json
import logging
from typing import Any

import pytest
import structlog

from shared import log, tracing

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
PREFIX = "logging.googleapis.com/"


def logged(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The fields of the trace in a line that is logged now."""
    structlog.get_logger().info("run_ended")
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert line["message"] == "run_ended"
    return {name: value for name, value in line.items() if name.startswith(PREFIX)}


@pytest.mark.parametrize("sampled", [True, False])
def test_a_line_within_a_trace_bears_it(capsys: pytest.CaptureFixture[str], sampled: bool) -> None:
    log.configure(project="demo-shop")
    with tracing.door("request", tracing.of_w3c(f"00-{TRACE}-{SPAN}-0{sampled:d}")):
        assert logged(capsys) == {
            f"{PREFIX}trace": f"projects/demo-shop/traces/{TRACE}",
            f"{PREFIX}spanId": SPAN,
            f"{PREFIX}trace_sampled": sampled,
        }


def test_a_line_outside_of_a_trace_bears_none(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(project="demo-shop")
    assert logged(capsys) == {}


def test_without_a_project_no_line_bears_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    with tracing.door("request", None):
        assert logged(capsys) == {}


def test_the_web_server_names_no_address(caplog: pytest.LogCaptureFixture) -> None:
    log.configure()
    log.configure()
    server = logging.getLogger("gunicorn.error")

    with caplog.at_level("ERROR", "gunicorn.error"):
        server.error("Error handling request %s %s", "POST", "/api/webhooks/x/a-secret?b=c")
        server.error("Worker (pid:%s) exited", 7)

    assert caplog.messages == ["Error handling request POST /…", "Worker (pid:7) exited"]
    assert len(server.filters) == 1
