"""``sync-sam tail``: one org's lines, from files and from Cloud Logging."""

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import requests

from deploy.sam.frame import CouldNot
from deploy.sam.tail import CloudLogs, LocalLogs, line_of

ORG = "org_harbor"


def line(second: int, event: str = "run_ended", org_id: str = ORG, **fields: Any) -> str:
    time = f"2026-03-18T16:00:{second:02}.5Z"
    said = {"severity": "INFO", "message": event, "org_id": org_id, "time": time, **fields}
    return json.dumps(said) + "\n"


def test_a_line_is_the_orgs_own_and_ours() -> None:
    found = line_of(line(1, run_id="r", reads=4), "org_sync", ORG)
    assert found is not None
    assert (found.event, found.run_id, found.fields) == ("run_ended", "r", {"reads": 4})
    assert found.time.tzinfo is not None
    for other in (line(1, org_id="org_cedar"), "Listening at: 8080", "[1]", '{"org_id": "x"}'):
        assert line_of(other, "org_sync", ORG) is None
    assert line_of('{"org_id": "org_harbor", "time": "soon"}', "org_sync", ORG) is None


def test_the_last_lines_of_all_functions_come_in_their_order_then_those_that_follow(
    tmp_path: Path,
) -> None:
    # Given two functions' files
    sync, spending = tmp_path / "org_sync.log", tmp_path / "spending.log"
    sync.write_text(line(1, "first") + line(3, "third") + "not JSON\n")
    spending.write_text(line(2, "second") + line(2, org_id="org_cedar"))
    turns: Iterator[Callable[[], object]] = iter(())
    followed = LocalLogs(tmp_path, ORG, lambda _: next(turns)())
    assert [each.event for each in followed(2, follow=False)] == ["second", "third"]

    # When more is written, one line of it not whole yet, and a file begins anew
    turns = iter(
        [
            lambda: sync.write_text(sync.read_text() + line(5, "fifth") + line(6, "sixth")[:20]),
            lambda: sync.write_text(sync.read_text() + line(6, "sixth")[20:]),
            lambda: spending.write_text(line(7, "anew")),
        ]
    )
    events = [each.event for each in islice(followed(0, follow=True), 3)]

    # Then each line is told once
    assert events == ["fifth", "sixth", "anew"]


class Logging(requests.Session):
    """Cloud Logging that answers with these pages of entries, and keeps what it is asked."""

    def __init__(self, *pages: list[dict[str, Any]], status: int = 200) -> None:
        super().__init__()
        self.asked: list[dict[str, Any]] = []
        self._pages = iter(pages)
        self._status = status

    def post(self, url: Any, *given: Any, **named: Any) -> requests.Response:
        self.asked.append(named["json"])
        reply = requests.Response()
        reply.status_code = self._status
        reply._content = json.dumps({"entries": next(self._pages, [])}).encode()
        return reply


def entry(number: int, event: str) -> dict[str, Any]:
    return {
        "insertId": str(number),
        "timestamp": f"2026-03-18T16:00:{number:02}.123456789Z",
        "severity": "WARNING",
        "resource": {"labels": {"service_name": "org-sync"}},
        "jsonPayload": {"message": event, "org_id": ORG, "run_id": "r"},
    }


def test_cloud_logging_is_asked_for_the_last_lines_and_then_for_new_ones() -> None:
    # Given: the newest come first at first; one is listed twice
    session = Logging(
        [entry(2, "second"), entry(1, "first")], [entry(2, "second"), entry(3, "third")]
    )
    # When
    follow = CloudLogs(session, "harbor-prod", ORG, lambda _: None)
    found = list(islice(follow(2, follow=True), 3))
    # Then
    assert [each.event for each in found] == ["first", "second", "third"]
    assert {(each.function, each.severity) for each in found} == {("org_sync", "WARNING")}
    assert [asked["orderBy"] for asked in session.asked] == ["timestamp desc", "timestamp asc"]
    assert all(f'jsonPayload.org_id="{ORG}"' in asked["filter"] for asked in session.asked)


def test_who_may_not_read_logs_is_told_which_role_it_takes() -> None:
    with pytest.raises(CouldNot, match="Logs Viewer"):
        list(CloudLogs(Logging(status=403), "harbor-prod", ORG)(5, follow=False))
