"""The routes of metrics: asking for a report, and reading it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import Client

from shared.errors import NotFound, UnderWay
from shared.services.admin.audit import Actor
from shared.store.metrics import MetricsReport
from shared.web.auth import Staff
from shared.web.routes import metrics
from tests.fakes import FakeSessions
from tests.unit.web.calling import client_of

ORG = "org_cedar"
AS_OF = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
REPORT = MetricsReport(date="2026-11-23", as_of=AS_OF, customers=2, parts=2, completed_at=AS_OF)


class Reports:
    """One report, and nobody who makes another."""

    def __init__(self) -> None:
        self.being_made = False

    def ask(self, org_id: str, actor: Actor) -> datetime:
        if self.being_made:
            raise UnderWay("a report of this org's metrics is being made")
        return AS_OF

    def all(self, org_id: str) -> list[MetricsReport]:
        return [REPORT]

    def get(self, org_id: str, date: str) -> MetricsReport:
        if date != REPORT.date:
            raise NotFound("there is no report of that date")
        return REPORT

    def csv(self, org_id: str, date: str) -> Iterator[bytes]:
        self.get(org_id, date)
        return iter([b"Customer ID\r\n1\r\n", b"2\r\n"])


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def client(reports: Reports) -> Client:
    staff = Staff(FakeSessions(), lambda org_id: org_id)
    stand_in: Any = reports
    return client_of(
        *metrics.request_routes(stand_in, staff), *metrics.report_routes(stand_in, staff)
    )


HEADERS = {"Authorization": f"Bearer {ORG}"}


def test_a_report_is_asked_for_and_told_where_it_will_be(client: Client) -> None:
    answer = client.post("/api/pos/metrics", json={"orgId": ORG}, headers=HEADERS)

    assert answer.status_code == 202
    assert answer.json == {
        "orgId": ORG,
        "date": "2026-11-23",
        "asOf": "2026-11-23T10:00:00Z",
        "reportUrl": f"/api/metrics/2026-11-23?orgId={ORG}",
    }


def test_a_second_one_is_refused_while_a_report_is_being_made(
    client: Client, reports: Reports
) -> None:
    reports.being_made = True
    answer = client.post("/api/pos/metrics", json={}, headers=HEADERS)

    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["error"]["code"] == "under_way"


def test_nobody_asks_for_the_report_of_another_org(client: Client) -> None:
    assert client.post("/api/pos/metrics", json={"orgId": ORG}).status_code == 401
    other = client.post("/api/pos/metrics", json={"orgId": "org_willow"}, headers=HEADERS)
    assert other.status_code == 403


def test_the_reports_are_listed_with_the_addresses_of_their_files(client: Client) -> None:
    answer = client.get(f"/api/metrics?orgId={ORG}", headers=HEADERS)
    one = client.get(f"/api/metrics/2026-11-23?orgId={ORG}", headers=HEADERS)

    assert answer.json is not None
    assert answer.json["items"] == [one.json]
    assert one.json == {
        "date": "2026-11-23",
        "asOf": "2026-11-23T10:00:00Z",
        "completedAt": "2026-11-23T10:00:00Z",
        "customers": 2,
        "csvUrl": f"/api/metrics/2026-11-23?orgId={ORG}&format=csv",
    }


def test_a_file_is_sent_part_by_part_under_a_name_of_its_own(client: Client) -> None:
    path = f"/api/metrics/2026-11-23?orgId={ORG}&format=csv"
    answer = client.get(path, headers=HEADERS)

    assert answer.data == b"Customer ID\r\n1\r\n2\r\n"
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.content_length is None
    assert answer.headers["Cache-Control"] == "no-store"
    named = 'attachment; filename="customer-metrics-2026-11-23.csv"'
    assert answer.headers["Content-Disposition"] == named
    assert client.head(path, headers=HEADERS).data == b""


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("2026-11-22", 404),
        ("2026-11-22&format=csv", 404),
        ("today", 400),
        ("2026-11-23&format=xlsx", 400),
    ],
)
def test_what_is_no_report_is_refused(client: Client, path: str, status: int) -> None:
    date, _, query = path.partition("&")
    answer = client.get(f"/api/metrics/{date}?orgId={ORG}&{query}", headers=HEADERS)
    assert answer.status_code == status
