"""``sync-sam tail``: one org's lines, from files and from Cloud Logging."""

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import requests

from deploy.sam.frame import CouldNot
from deploy.sam.google import GoogleRest
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
    """Cloud Logging that answers with these pages of entries, and keeps what it is asked. Instead
    of entries it may give a status, or a token: that it has found none so far."""

    def __init__(self, *pages: list[dict[str, Any]] | int | str) -> None:
        super().__init__()
        self.asked: list[dict[str, Any]] = []
        self._pages = iter(pages)

    def post(self, url: Any, *given: Any, **named: Any) -> requests.Response:
        self.asked.append({**named["json"]})
        page = next(self._pages, [])
        reply = requests.Response()
        reply.status_code = page if isinstance(page, int) else 200
        said: dict[str, Any] = {"entries": page}
        if isinstance(page, int):
            said = {"error": {"code": page, "message": "Permission denied for all log views."}}
        elif isinstance(page, str):
            said = {"nextPageToken": page}
        reply._content = json.dumps(said).encode()
        return reply


def cloud_logs(session: Logging) -> CloudLogs:
    return CloudLogs(GoogleRest(session), "harbor-prod", ORG, lambda _: None)


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
    found = list(islice(cloud_logs(session)(2, follow=True), 3))
    # Then
    assert [each.event for each in found] == ["first", "second", "third"]
    assert {(each.function, each.severity) for each in found} == {("org_sync", "WARNING")}
    assert [asked["orderBy"] for asked in session.asked] == ["timestamp desc", "timestamp asc"]
    assert all(f'jsonPayload.org_id="{ORG}"' in asked["filter"] for asked in session.asked)


def test_a_search_that_ran_out_of_time_goes_on_where_it_stopped() -> None:
    session = Logging("further", [entry(2, "second"), entry(1, "first")])

    found = list(cloud_logs(session)(2, follow=False))

    assert [each.event for each in found] == ["first", "second"]
    assert [asked.get("pageToken") for asked in session.asked] == [None, "further"]


def test_who_follows_the_lines_is_not_stopped_by_a_busy_service() -> None:
    session = Logging([], 429, 503, [entry(3, "third")])

    assert next(cloud_logs(session)(2, follow=True)).event == "third"


@pytest.mark.parametrize("earlier", [(), ([],)])
def test_who_may_not_read_logs_is_told_which_role_it_takes(earlier: tuple[Any, ...]) -> None:
    with pytest.raises(CouldNot, match=r"Permission denied for all log views\. .*Logs Viewer"):
        list(cloud_logs(Logging(*earlier, 403))(5, follow=True))


def test_where_cloud_logging_does_not_answer_that_is_said() -> None:
    with pytest.raises(CouldNot, match=r"does not answer: .* answers 503"):
        list(cloud_logs(Logging(503))(5, follow=False))
