"""What ``sync-sam doctor`` says of a project, by what Google's interfaces answer."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from google.api_core.exceptions import PermissionDenied

from deploy.manifest import Manifest
from deploy.sam.doctor import nothing_shown
from deploy.sam.examination import INDEXES, RULES, Examination, Finding
from deploy.sam.google import GoogleRest, NotAnswered
from deploy.sam.target import CommandTarget
from tests.documents_in_memory import DocumentsInMemory

NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
HOME = "projects/harbor-prod"
LATE = [{"value": {"int64Value": "9999"}}]


class AnsweringRest(GoogleRest):
    """Google's interfaces of a project in which all is as it should be; ``changed`` by the end of
    an address."""

    def __init__(self, manifest: Manifest) -> None:
        self.changed: dict[str, Callable[[dict[str, Any]], object]] = {}
        self.refused: set[str] = set()
        self._answers = sound(manifest)

    def get(self, url: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        if any(part in url for part in self.refused):
            raise NotAnswered(url, 403)
        found = next(answer for part, answer in self._answers.items() if url.endswith(part))
        answer: dict[str, Any] = json.loads(json.dumps(found))
        for part, change in self.changed.items():
            if url.endswith(part):
                change(answer)
        return answer


def sound(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """What is answered, by the end of the address."""
    functions = manifest.functions.values()
    declared = json.loads(INDEXES.read_text())
    at = "projects/p/databases/d/collectionGroups"
    return {
        "/functions": {
            "functions": [
                {
                    "name": f"{HOME}/locations/us-east1/functions/{each.service}",
                    "state": "ACTIVE",
                    "serviceConfig": {"environmentVariables": dict.fromkeys(each.env, "x")},
                }
                for each in functions
            ]
        },
        "/topics": {"topics": [{"name": f"{HOME}/topics/{t}"} for t in manifest.topics]},
        "/subscriptions": {
            "subscriptions": [
                {"name": f"{HOME}/subscriptions/{each.subscription_id}"} for each in functions
            ]
        },
        "/timeSeries": {
            "timeSeries": [
                {
                    "resource": {"labels": {"subscription_id": "org-sync-push"}},
                    "points": [{"value": {"int64Value": "12"}}],
                }
            ]
        },
        "/jobs": {
            "jobs": [
                {
                    "name": f"{HOME}/jobs/{name}",
                    "state": "ENABLED",
                    "lastAttemptTime": "2026-03-18T15:30:00.123456789Z",
                }
                for name in manifest.schedules
            ]
        },
        "/queues": {
            "queues": [{"name": f"{HOME}/queues/{q}", "state": "RUNNING"} for q in manifest.queues]
        },
        "/indexes": {
            "indexes": [
                {
                    "name": f"{at}/{each['collectionGroup']}/indexes/1",
                    "queryScope": each["queryScope"],
                    "fields": [*each["fields"], {"fieldPath": "__name__", "order": "ASCENDING"}],
                    "state": "READY",
                }
                for each in declared["indexes"]
            ]
        },
        "/fields": {
            "fields": [
                {
                    "name": f"{at}/{each['collectionGroup']}/fields/expireAt",
                    "ttlConfig": {"state": "ACTIVE"},
                }
                for each in declared["fieldOverrides"]
                if each.get("ttl")
            ]
        },
        "/versions/latest": {
            "name": f"{HOME}/secrets/s/versions/3",
            "state": "ENABLED",
            "createTime": "2026-01-02T03:04:05Z",
        },
        "/releases/cloud.firestore": {"rulesetName": f"{HOME}/rulesets/7"},
        "/rulesets/7": {"source": {"files": [{"content": RULES.read_text()}]}},
    }


@pytest.fixture
def rest() -> AnsweringRest:
    return AnsweringRest(Manifest.read())


@pytest.fixture
def examine(rest: AnsweringRest) -> Callable[[], list[Finding]]:
    target = CommandTarget("harbor-prod")
    database = DocumentsInMemory()
    tick = {"tickedAt": NOW - timedelta(minutes=20), "recent": {}, "known": b""}
    database.put("fleet/roster", tick)
    vars(target)["store"] = database
    return lambda: list(Examination(rest, target, lambda: NOW).project())


def test_a_project_as_it_should_be_has_nothing_to_do(
    examine: Callable[[], list[Finding]],
) -> None:
    found = examine()
    assert [each for each in found if not each.ok] == []
    areas = {each.area for each in found}
    assert {"function", "topic", "subscription", "backlog", "schedule", "queue"} < areas
    assert {"index", "expiry", "secret", "rules", "ticks"} < areas


def without_first(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda answer: answer[name].pop(0)


def with_first(name: str, **fields: Any) -> Callable[[dict[str, Any]], object]:
    return lambda answer: answer[name][0].update(fields)


@pytest.mark.parametrize(
    ("part", "change", "area"),
    [
        ("/functions", without_first("functions"), "function"),
        ("/functions", with_first("functions", state="FAILED"), "function"),
        ("/functions", with_first("functions", serviceConfig={}), "function"),
        ("/topics", without_first("topics"), "topic"),
        ("/subscriptions", without_first("subscriptions"), "subscription"),
        (
            "/timeSeries",
            with_first("timeSeries", points=[{"value": {"int64Value": 9999}}]),
            "backlog",
        ),
        ("/jobs", with_first("jobs", state="PAUSED"), "schedule"),
        ("/jobs", with_first("jobs", status={"code": 7}), "schedule"),
        ("/jobs", without_first("jobs"), "schedule"),
        ("/queues", with_first("queues", state="PAUSED"), "queue"),
        ("/indexes", with_first("indexes", state="CREATING"), "index"),
        ("/indexes", without_first("indexes"), "index"),
        ("/fields", without_first("fields"), "expiry"),
        ("/versions/latest", lambda answer: answer.update(state="DISABLED"), "secret"),
        ("/rulesets/7", lambda answer: answer.update(source={}), "rules"),
    ],
)
def test_whatever_is_not_as_it_should_be_is_named_with_what_to_do(
    rest: AnsweringRest,
    examine: Callable[[], list[Finding]],
    part: str,
    change: Callable[[dict[str, Any]], object],
    area: str,
) -> None:
    rest.changed[part] = change
    wrong = [each for each in examine() if not each.ok]
    assert wrong
    assert {each.area for each in wrong} == {area}
    assert all(each.to_do for each in wrong)


@pytest.mark.parametrize("part", ["/functions", "/jobs", "/topics", "/indexes", "/releases"])
def test_what_one_may_not_look_at_is_said_and_the_rest_goes_on(
    rest: AnsweringRest, examine: Callable[[], list[Finding]], part: str
) -> None:
    rest.refused.add(part)
    found = examine()
    wrong = [each for each in found if not each.ok]
    assert len(wrong) == 1
    assert "403" in wrong[0].said
    assert len(found) > 30


class Refusing(requests.Session):
    """Google, which answers these statuses in turn, the last of them again and again."""

    def __init__(self, *statuses: int) -> None:
        super().__init__()
        self._statuses = list(statuses)

    def get(self, url: Any, *given: Any, **named: Any) -> requests.Response:
        reply = requests.Response()
        last = len(self._statuses) == 1
        reply.status_code = self._statuses[0] if last else self._statuses.pop(0)
        error = {"code": 403, "message": "Permission denied on resource project harbor-prod."}
        reply._content = json.dumps({"error": error}).encode()
        return reply


def looked_over(session: requests.Session) -> GoogleRest:
    """Google's interfaces once a project's topics and its queues were asked for."""
    rest = GoogleRest(session)
    for name in ("topics", "queues"):
        with suppress(NotAnswered):
            list(rest.every(f"https://example.test/{name}", name))
    return rest


def test_a_project_of_which_nothing_may_be_seen_is_told_in_one_sentence() -> None:
    refusal = looked_over(Refusing(403)).refusal
    assert refusal
    assert nothing_shown("harbor-prod", refusal) == (
        "Google shows nothing of project harbor-prod: Permission denied on resource project"
        " harbor-prod. It takes the role Viewer there"
    )


@pytest.mark.parametrize("statuses", [(200, 403), (403, 200), (404,), (503,)])
def test_one_refusal_among_other_answers_is_a_finding(statuses: tuple[int, ...]) -> None:
    assert looked_over(Refusing(*statuses)).refusal is None


def test_a_finding_says_what_google_says() -> None:
    rest = GoogleRest(Refusing(403))
    with pytest.raises(NotAnswered, match="answers 403: Permission denied on resource"):
        rest.get("https://example.test/queues")


def test_a_firestore_that_may_not_be_read_is_a_finding(
    rest: AnsweringRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    permission_denied: Callable[[str], Exception] = PermissionDenied

    def refused(*_: object) -> None:
        raise permission_denied("Missing or insufficient permissions.")

    target = CommandTarget("harbor-prod")
    vars(target)["store"] = DocumentsInMemory()
    monkeypatch.setattr(DocumentsInMemory, "get", refused)
    wrong = [e for e in Examination(rest, target, lambda: NOW).project() if not e.ok]
    assert [(each.area, "insufficient" in each.said) for each in wrong] == [("ticks", True)]
