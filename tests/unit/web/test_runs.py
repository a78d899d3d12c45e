"""The routes of sync runs: which org is meant, and what the cron route takes and answers."""

from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from shared.domain.runs import RunState, StreamCounts
from shared.errors import ConfigurationInvalid, NotFound
from shared.services.manual_sync import AT_ONCE, SyncRequest
from shared.store.runs import Run
from shared.web.auth import SharedSecret, Staff
from shared.web.routes import runs
from tests.fakes import FakeSessions
from tests.unit.web.calling import client_of

ORG = "org_cedar"
SECRET = "the-cron-secret-of-these-tests-is-long"
CRON = "/api/cron/pos-sync"
BEGAN = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)


class Started:
    """Starts nothing, and says what it was asked for. ``ended`` are the runs that have ended."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.orgs = [ORG, "org_willow"]
        self.ended: dict[str, Run] | None = None

    def start(self, request: SyncRequest, actor: object = None) -> str:
        self.asked.append(request.org_id)
        return "manual-1"

    def start_all(self) -> dict[str, str]:
        self.asked.append("all")
        return {org: f"run-of-{org}" for org in self.orgs}

    def start_one(self, org_id: str) -> str:
        if org_id == "org_closed":
            raise ConfigurationInvalid("location main is inactive")
        if org_id not in self.orgs:
            raise NotFound("there is no such org")
        self.asked.append(org_id)
        return f"run-of-{org_id}"

    def wait_all(self, started: dict[str, str], seconds: float) -> dict[str, Run] | None:
        self.asked.append(seconds)
        return self.ended


@pytest.fixture
def sync() -> Started:
    return Started()


@pytest.fixture
def client(sync: Started) -> Client:
    staff = Staff(FakeSessions(), lambda org_id: org_id)
    machine = SharedSecret((SECRET,))
    stand_in: Any = sync
    return client_of(*runs.routes(stand_in, staff, machine))


def cron(client: Client, query: str = "", **sent: Any) -> TestResponse:
    return client.post(CRON + query, headers={"Authorization": f"Bearer {SECRET}"}, **sent)


def code(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    return answer.status_code, answer.json["error"]["code"]


def ended(state: RunState) -> Run:
    counts = {"products": StreamCounts(fetched=12)}
    return Run(state=state, trigger="cron", started_at=BEGAN, ended_at=BEGAN, streams=counts)


def test_the_org_of_a_sync_may_stand_in_the_query(client: Client, sync: Started) -> None:
    headers = {"Authorization": f"Bearer {ORG}"}

    for query, body in ((f"?orgId={ORG}", None), ("", {"orgId": ORG}), (f"?orgId={ORG}", {})):
        answer = client.post(f"/api/pos/sync{query}", json=body or {}, headers=headers)
        assert answer.status_code == 202
    twice = client.post("/api/pos/sync?orgId=org_willow", json={"orgId": ORG}, headers=headers)

    assert code(twice) == (400, "request_invalid")
    assert sync.asked == [ORG] * 3


def test_whoever_may_sync_an_org_may_see_what_a_sync_would_do(client: Client) -> None:
    headers = {"Authorization": f"Bearer {ORG}"}

    answer = client.post(f"/api/pos/sync?orgId={ORG}", json={"dryRun": True}, headers=headers)
    full = client.post(
        f"/api/pos/sync?orgId={ORG}", json={"dryRun": True, "full": True}, headers=headers
    )

    assert answer.status_code == 202
    assert answer.json is not None
    assert answer.json["statusUrl"] == f"/api/reports/manual-1?orgId={ORG}"
    assert code(full) == (403, "not_allowed")


@pytest.mark.parametrize("body", [b"", b"{}", b" {}\n"])
def test_the_cron_route_takes_no_body(client: Client, sync: Started, body: bytes) -> None:
    assert cron(client, data=body, content_type="application/json").status_code == 202
    assert sync.asked == ["all"]


@pytest.mark.parametrize("body", [b'{"orgId": "org_cedar"}', b"orgId=org_cedar", b"[]", b"\x00"])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_a_body_of_the_cron_route_is_refused_and_the_query_named(
    client: Client, sync: Started, body: bytes, content_type: str
) -> None:
    answer = cron(client, data=body, content_type=content_type)

    assert code(answer) == (400, "request_invalid")
    assert "?orgId=" in answer.text
    assert sync.asked == []


def test_a_machine_is_told_why_an_org_is_not_synced(client: Client) -> None:
    assert cron(client, f"?orgId={ORG}").status_code == 202
    assert code(cron(client, "?orgId=org_nowhere")) == (404, "not_found")
    closed = cron(client, "?orgId=org_closed")
    assert code(closed) == (409, "configuration_invalid")
    assert "location main is inactive" in closed.text


def test_a_machine_that_waits_is_given_the_counts_of_each_org(
    client: Client, sync: Started
) -> None:
    # Given one run that is over, and one that is not
    assert cron(client, "?wait=30").status_code == 202

    # When both are
    sync.ended = {ORG: ended(RunState.SUCCEEDED), "org_willow": ended(RunState.PARTIAL)}
    answer = cron(client, "?wait=600")

    # Then
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["states"] == {"succeeded": 1, "partial": 1}
    fetched = {run["orgId"]: run["streams"]["products"]["fetched"] for run in answer.json["runs"]}
    assert fetched == {ORG: 12, "org_willow": 12}
    assert sync.asked == ["all", 30, "all", runs.LONGEST_WAIT]


def test_runs_that_are_spread_are_not_waited_for(client: Client, sync: Started) -> None:
    sync.orgs = [f"org_{number}" for number in range(AT_ONCE + 1)]

    assert cron(client, "?wait=30").status_code == 202
    assert sync.asked == ["all"]
