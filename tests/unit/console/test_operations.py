"""The pages about syncs, over answers that are given: what each shows, and what it says when there
is nothing to show."""

import html
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, get_args

import pytest
from werkzeug.test import TestResponse

from shared.console.pages import audit, decisions, orgs, runs, settings
from shared.console.pages.settings import ACCOUNT_FIELDS, DELETED_CUSTOMERS
from shared.console.rendering import Console
from shared.domain.runs import StreamCounts
from shared.errors import NotFound
from shared.pos.config import SECRETS, known_fields
from shared.store.tenants import SyncSettings
from shared.web.auth import EveryOrg
from shared.web.request import NoBody, OrgQuery, PageQuery, Params
from shared.web.response import ResponseModel, RouteReply
from shared.web.routes.audit import ActionsResponse, AuditQuery
from shared.web.routes.dead_letters import DeadLettersQuery, DeadLettersResponse
from shared.web.routes.incidents import IncidentsQuery, IncidentsResponse
from shared.web.routes.orgs import OrgsQuery, OrgsResponse, OrgStatusResponse
from shared.web.routes.quarantine import QuarantineQuery, QuarantineResponse
from shared.web.routes.removals import RemovalsResponse
from shared.web.routes.run_history import ReportResponse, RunQuery, RunResponse, RunsResponse
from shared.web.routes.settings import SettingsResponse
from shared.web.routing import Route, RouteCall, RouteTable
from tests.unit.console import shop
from tests.unit.console.shop import BROWSER, NOW, ORG, STAFF

OVERVIEW = f"/orgs/{ORG}"
LATELY = NOW - timedelta(minutes=3)
NEVER: Mapping[str, Any] = {
    "orgId": ORG,
    "state": "never",
    "customersCount": 0,
    "ordersCount": 0,
    "menuProductsCount": 0,
    "deletionsHeld": 0,
    "quarantined": 0,
}
ACTIVE: Mapping[str, Any] = {
    **NEVER,
    "name": "Birch & Sons",
    "provider": "alleaves",
    "state": "active",
    "lastSuccessAt": LATELY,
    "lastSyncAt": LATELY,
    "nextRunAt": NOW + timedelta(minutes=20),
    "customersCount": 2500,
}
NOTHING_MORE: Mapping[str, Any] = {"streams": [], "locations": [], "warnings": []}
RUN: Mapping[str, Any] = {
    "runId": "run-7",
    "orgId": ORG,
    "state": "succeeded",
    "trigger": "cron",
    "startedAt": LATELY,
    "endedAt": LATELY + timedelta(seconds=65),
    "durationSeconds": 65.0,
    "error": None,
    "streams": {"orders": StreamCounts(fetched=40, created=3, requests=2)},
    "cost": {"reads": 12, "writes": 5, "deletes": 0},
}
REMOVAL: Mapping[str, Any] = {
    "id": "5f2a",
    "provider": "alleaves",
    "stream": "products",
    "reason": "20 of 30 records are missing",
    "count": 20,
    "proven": True,
    "since": LATELY,
    "records": [{"id": "2001", "name": "<i>Blue Dream</i>"}],
}
LETTER: Mapping[str, Any] = {
    "id": "m1",
    "source": "pos-sync",
    "orgId": ORG,
    "errorCode": "delivery_attempts_exhausted",
    "message": "not processed after 40 deliveries",
    "text": '{"orgId": "org_birch"}',
    "bytes": 22,
    "truncated": False,
    "lastSeenAt": LATELY,
    "replayed": False,
}
SETTINGS: Mapping[str, Any] = {
    "orgId": ORG,
    "version": "v1",
    "locations": [],
    "alerts": {"addresses": [], "notify": []},
    "warnings": [],
    "problems": {},
}
LOCATION: Mapping[str, Any] = {
    "id": "loc-1",
    "version": "v7",
    "name": "Birch Street",
    "fields": {"provider": "alleaves", "status": "active", "username": "birch"},
    "secrets": {"password": True, "pin": False},
    "unknown": [],
}


@pytest.fixture
def answers() -> dict[str, Any]:
    """What each JSON route answers, by path; a test puts other answers there."""
    return {
        "/api/orgs": {"orgs": [ACTIVE], "nextCursor": None},
        "/api/orgs/{orgId}/status": {**ACTIVE, **NOTHING_MORE},
        "/api/incidents": {"incidents": []},
        "/api/removals": {"removals": []},
        "/api/pos/sync": {"runs": [], "nextCursor": None},
        "/api/pos/sync/{runId}": RUN,
        "/api/quarantine": {"items": [], "nextCursor": None},
        "/api/dead-letters": {"items": [], "nextCursor": None},
        "/api/settings": SETTINGS,
        "/api/admin/audit": {"actions": [], "nextCursor": None},
    }


MODELS: Mapping[str, tuple[type[Params], type[ResponseModel]]] = {
    "/api/orgs": (OrgsQuery, OrgsResponse),
    "/api/orgs/{orgId}/status": (OrgQuery, OrgStatusResponse),
    "/api/incidents": (IncidentsQuery, IncidentsResponse),
    "/api/removals": (OrgQuery, RemovalsResponse),
    "/api/pos/sync": (PageQuery, RunsResponse),
    "/api/pos/sync/{runId}": (RunQuery, RunResponse),
    "/api/reports/{runId}": (RunQuery, ReportResponse),
    "/api/quarantine": (QuarantineQuery, QuarantineResponse),
    "/api/dead-letters": (DeadLettersQuery, DeadLettersResponse),
    "/api/settings": (OrgQuery, SettingsResponse),
    "/api/admin/audit": (AuditQuery, ActionsResponse),
}


OF_OPERATORS = ("/api/orgs", "/api/dead-letters", "/api/admin/audit")


class Shop:
    """The console; ``see`` is what somebody's browser is shown, as text with its markup."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers

    def opened(self, path: str, who: str = "ann") -> TestResponse:
        table = RouteTable(STAFF)
        for at, (asked, model) in MODELS.items():
            rule = EveryOrg(STAFF) if at in OF_OPERATORS else STAFF
            table.get(at, asked, model, rule=rule, errors=[NotFound])(self._answering(at, model))
        others = (each for each in shop.json_routes() if each.path not in MODELS)
        told: tuple[Route[Any, Any], ...] = (*table, *others)
        console = Console.of(told, lambda: NOW)
        pages = (
            *orgs.routes(console, STAFF),
            *runs.routes(console, STAFF),
            *decisions.routes(console, STAFF),
            *settings.routes(console, STAFF),
            *audit.routes(console, STAFF),
        )
        client = shop.client_of(*pages)
        client.set_cookie("__session", who)
        return client.get(path, headers=BROWSER)

    def see(self, path: str, who: str = "ann") -> str:
        page = self.opened(path, who)
        assert page.status_code == 200, page.text
        return page.text

    def _answering(self, at: str, model: type[ResponseModel]) -> Any:
        def answer(call: RouteCall[Any, NoBody]) -> RouteReply:
            """What is given."""
            if at not in self.answers:
                raise NotFound("there is none")
            return RouteReply(model.model_validate(self.answers[at]))

        return answer


@pytest.fixture
def console(answers: dict[str, Any]) -> Shop:
    return Shop(answers)


def test_every_org_is_listed_with_its_state_and_when_it_last_succeeded(console: Shop) -> None:
    text = console.see("/orgs", "sue")

    assert f'<a href="{OVERVIEW}">Birch &amp; Sons</a>' in text
    assert "3 minutes ago" in text
    assert "in 20 minutes" in text
    assert "2,500" in text


def test_an_org_that_fails_says_whose_turn_it_is_and_why(
    console: Shop, answers: dict[str, Any]
) -> None:
    failing = {
        **ACTIVE,
        "state": "paused",
        "owner": "org",
        "lastError": "Wrong password. It is the dispensary's turn.",
    }
    answers["/api/orgs"]["orgs"] = [failing]
    answers["/api/orgs/{orgId}/status"] = {**failing, **NOTHING_MORE}

    for path in ("/orgs", OVERVIEW, f"{OVERVIEW}/settings"):
        text = console.see(path, "sue")
        assert "Wrong password." in text, path
        assert "dispensary&#39;s turn" in text, path


def test_the_list_of_orgs_and_dead_letters_are_for_operators(console: Shop) -> None:
    assert console.opened("/orgs").status_code == 403
    assert console.opened("/dead-letters").status_code == 403
    assert console.opened("/audit").status_code == 403
    text = console.see(OVERVIEW)
    assert "Full sync" not in text
    assert "/dead-letters" not in text
    assert "/audit" not in text
    assert f'href="/audit?orgId={ORG}"' in console.see(OVERVIEW, "sue")
    assert "Full sync" in console.see(OVERVIEW, "sue")


def test_the_audit_log_says_who_has_done_what_to_what(
    console: Shop, answers: dict[str, Any]
) -> None:
    assert "Nothing so far that concerns no org" in console.see("/audit", "sue")
    assert "Nothing was done to this org" in console.see("/audit?orgId=org_nothing", "sue")
    approved = {
        "at": LATELY,
        "by": "ann",
        "action": "removal_approved",
        "orgId": ORG,
        "target": "products <5f2a>",
        "requestId": "r-7",
    }
    answers["/api/admin/audit"] = {"actions": [approved], "nextCursor": "two"}

    text = console.see(f"/audit?orgId={ORG}", "sue")

    for said in ("Removal approved", "products &lt;5f2a&gt;", "<code>ann</code>", "r-7"):
        assert said in text
    assert f'href="/audit?orgId={ORG}&amp;cursor=two"' in text


def test_a_kind_of_data_says_how_fresh_it_is_and_why_not(
    console: Shop, answers: dict[str, Any]
) -> None:
    problem = "Alleaves did not answer. The provider must act."
    answers["/api/orgs/{orgId}/status"]["streams"] = [
        {"stream": "orders", "freshness": "live", "lastSuccessAt": LATELY, "count": 40},
        {"stream": "products", "freshness": "failed", "problem": problem},
    ]

    text = console.see(OVERVIEW)

    assert re.search(r"badge--good\">Live</span>.*role=\"tooltip\">.*Synced on time", text)
    assert re.search(r"badge--bad\">Failed</span>.*role=\"tooltip\">.*did not answer", text)
    assert re.search(r"Updated <time[^>]*>3 minutes ago", text)
    assert "Never updated" in text


def test_a_run_under_way_is_shown_without_javascript(
    console: Shop, answers: dict[str, Any]
) -> None:
    counts = StreamCounts(fetched=1500, requests=15)
    answers["/api/orgs/{orgId}/status"]["running"] = {
        "runId": "run-8",
        "trigger": "manual",
        "startedAt": NOW,
        "progress": {"customers": counts},
    }
    answers["/api/pos/sync"]["runs"] = [
        {**RUN, "streams": {"customers": StreamCounts(fetched=2500), "orders": StreamCounts()}}
    ]

    panel = console.see(OVERVIEW).partition('id="progress"')[2].partition("</section>")[0]

    assert "hidden" not in panel.partition(">")[0]
    assert 'max="2500" value="1500"' in panel
    assert "1,500" in panel


def test_what_waits_for_a_decision_leads_to_its_page(
    console: Shop, answers: dict[str, Any]
) -> None:
    answers["/api/orgs/{orgId}/status"] |= {"deletionsHeld": 20, "quarantined": 2}
    answers["/api/removals"]["removals"] = [REMOVAL]
    answers["/api/dead-letters"]["items"] = [LETTER, {**LETTER, "id": "m2", "replayed": True}]

    text = console.see(OVERVIEW, "sue")

    assert "20 of 30 records are missing" in text
    for page in ("removals", "quarantine"):
        assert f'href="{OVERVIEW}/{page}"' in text
    # One was sent again, and waits no more.
    letters = re.search(r'decision__number">(\d+)</span>\s*<span[^>]*><strong>Dead', text)
    assert letters is not None
    assert letters[1] == "1"


def test_runs_are_drawn_and_listed_with_what_they_cost(
    console: Shop, answers: dict[str, Any]
) -> None:
    woken = {**RUN, "runId": "webhook-1", "durationSeconds": 1.0}
    failed = {"code": "c", "owner": "us", "message": "It was given up."}
    queued = {**RUN, "runId": "run-9", "state": "queued", "endedAt": None, "durationSeconds": None}
    answers["/api/pos/sync"]["runs"] = [queued, woken, {**RUN, "state": "failed", "error": failed}]

    text = console.see(f"{OVERVIEW}/runs")

    assert f'href="{OVERVIEW}/runs/run-7"' in text
    assert "1 min 5 s" in text
    assert "12 / 5" in text
    assert "It was given up." in text
    # Fetching a few records for a webhook says nothing about how long a sync lasts.
    charts = re.findall(r'data-chart="([^"]+)"', text)
    assert '"values": [65.0]' in html.unescape(charts[0])


def test_one_run_shows_its_streams_and_each_of_its_errors(
    console: Shop, answers: dict[str, Any]
) -> None:
    error = {
        "code": "reply_unreadable",
        "owner": "provider",
        "message": "No JSON.",
        "stream": "orders",
    }
    answers["/api/pos/sync/{runId}"] = {
        **RUN,
        "state": "partial",
        "errors": [{**error, "stream": "orders"}],
        "held": "20 of 30 records are missing",
    }

    text = console.see(f"{OVERVIEW}/runs/run-7")

    assert "No JSON." in text
    assert "20 of 30 records are missing" in text
    assert "data-waiting" not in text
    answers["/api/pos/sync/{runId}"] = {**RUN, "state": "running", "endedAt": None}
    assert "data-waiting" in console.see(f"{OVERVIEW}/runs/run-7")


def test_a_dry_run_is_waited_for_and_then_shown_field_by_field(
    console: Shop, answers: dict[str, Any]
) -> None:
    path = f"{OVERVIEW}/reports/manual-1"
    assert "data-waiting" in console.see(path)
    change = {"id": "2001", "kind": "updated", "fields": {"price": {"old": 20, "new": 25.5}}}
    answers["/api/reports/{runId}"] = {
        "runId": "manual-1",
        "orgId": ORG,
        "state": "succeeded",
        "trigger": "manual",
        "startedAt": LATELY,
        "complete": True,
        "spendingOf": 3,
        "streams": {"products": {"updated": 4, "changes": [change], "changesLeftOut": 3}},
    }

    text = console.see(path)

    assert "data-waiting" not in text
    assert re.search(r"<del>.*20</del>\s*<ins>.*25.5</ins>", text)
    assert "And 3 more" in text


def test_a_removal_names_what_would_go_and_only_a_proven_one_can_be_approved(
    console: Shop, answers: dict[str, Any]
) -> None:
    answers["/api/removals"]["removals"] = [REMOVAL]
    text = console.see(f"{OVERVIEW}/removals")
    assert "&lt;i&gt;Blue Dream&lt;/i&gt;" in text
    assert f'href="{OVERVIEW}/menu/2001"' in text
    assert "Approve the removal" in text
    assert "Keep the records" in text

    answers["/api/removals"]["removals"] = [{**REMOVAL, "proven": False}]
    assert "Approve the removal" not in console.see(f"{OVERVIEW}/removals")
    answers["/api/removals"]["removals"] = [{**REMOVAL, "id": None}]
    text = console.see(f"{OVERVIEW}/removals")
    assert "Approve the removal" not in text
    assert "Keep the records" not in text


def test_a_record_in_quarantine_is_shown_as_it_was_sent_and_can_be_asked_for_again(
    console: Shop, answers: dict[str, Any]
) -> None:
    record = {
        "id": "customers_7",
        "stream": "customers",
        "provider": "alleaves",
        "recordId": "7",
        "errorCode": "invalid_record",
        "message": "dateOfBirth: no date",
        "raw": "<script>alert(1)</script>",
    }
    answers["/api/quarantine"]["items"] = [record]

    text = console.see(f"{OVERVIEW}/quarantine?stream=customers")

    assert "dateOfBirth: no date" in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    assert '"id": "customers_7"' in html.unescape(html.unescape(text))


def test_a_dead_letter_of_which_not_all_is_kept_cannot_be_sent_again(
    console: Shop, answers: dict[str, Any]
) -> None:
    answers["/api/dead-letters"]["items"] = [LETTER]
    assert "Send it again" in console.see("/dead-letters", "sue")

    answers["/api/dead-letters"]["items"] = [{**LETTER, "truncated": True}]
    assert "Send it again" not in console.see(f"/dead-letters?orgId={ORG}", "sue")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/orgs?q=zz", "No org matches"),
        ("/dead-letters", "No dead letters"),
        (f"{OVERVIEW}/runs", "No runs yet"),
        (f"{OVERVIEW}/quarantine", "The quarantine is empty"),
        (f"{OVERVIEW}/quarantine?stream=spending", "Nothing of this kind"),
        (f"{OVERVIEW}/removals", "No removal is held"),
        (f"{OVERVIEW}/incidents", "No incidents"),
        (f"{OVERVIEW}/settings", "No location yet"),
    ],
)
def test_a_page_with_nothing_to_show_says_so(
    console: Shop, answers: dict[str, Any], path: str, said: str
) -> None:
    answers["/api/orgs"]["orgs"] = []

    assert said in console.see(path, "sue")


def test_an_org_that_was_never_synced_has_a_page(console: Shop, answers: dict[str, Any]) -> None:
    answers["/api/orgs/{orgId}/status"] = {**NEVER, **NOTHING_MORE}

    assert "This org was never synced" in console.see(OVERVIEW)


def test_a_secret_is_never_in_a_page_only_whether_it_is_set(
    console: Shop, answers: dict[str, Any]
) -> None:
    answers["/api/settings"] = {**SETTINGS, "locations": [LOCATION]}

    text = console.see(f"{OVERVIEW}/settings")

    fields = re.findall(r'<input type="password"[^>]*>', text)
    assert fields
    assert not any("value=" in field for field in fields)
    assert 'name="posConfig.password" autocomplete="new-password" placeholder="Set' in text
    assert 'name="posConfig.pin" autocomplete="new-password" placeholder="Not set' in text
    assert 'name="version" value="v7"' in text


def test_a_location_is_paused_or_resumed_by_how_it_stands(
    console: Shop, answers: dict[str, Any]
) -> None:
    answers["/api/settings"] = {**SETTINGS, "locations": [LOCATION]}
    resume = "/api/admin/locations/loc-1/resume"
    assert resume not in console.see(f"{OVERVIEW}/settings")

    # The POS has refused the credentials too often: the location is active, and rests.
    answers["/api/orgs/{orgId}/status"]["state"] = "paused"
    assert resume in console.see(f"{OVERVIEW}/settings")


@pytest.mark.parametrize("provider", ACCOUNT_FIELDS)
def test_every_field_of_an_account_can_be_set_but_those_with_buttons_of_their_own(
    provider: str,
) -> None:
    offered = [each.name for each in ACCOUNT_FIELDS[provider]]

    by_other_means = {"provider", "status", "webhookSecretRotatedAt"}
    assert {*offered} == known_fields(provider).keys() - by_other_means
    assert len({*offered}) == len(offered)
    secrets = {each.name for each in ACCOUNT_FIELDS[provider] if each.kind == "secret"}
    assert secrets == {*SECRETS} & {*offered}


def test_what_becomes_of_deleted_customers_is_chosen_in_words(
    console: Shop, answers: dict[str, Any]
) -> None:
    stored = SyncSettings(deleted_customers="erase").model_dump(mode="json", by_alias=True)
    answers["/api/settings"] = {**SETTINGS, "sync": stored}

    text = console.see(f"{OVERVIEW}/settings")

    field = SyncSettings.model_fields["deleted_customers"]
    assert tuple(DELETED_CUSTOMERS) == get_args(field.annotation)
    assert re.findall(r'<option value="(\w+)" selected>([^<]+)<', text) == [
        ("erase", "Erased for good")
    ]
    # Settings that are not valid have the default, which nobody chooses by saving another field
    answers["/api/settings"] = {**SETTINGS, "problems": {"sync": "not valid"}}
    assert '<option value="mark" selected>' in console.see(f"{OVERVIEW}/settings")


def test_no_page_has_an_inline_script_style_or_handler(
    console: Shop, answers: dict[str, Any]
) -> None:
    answers["/api/settings"] = {**SETTINGS, "locations": [LOCATION]}
    answers["/api/removals"]["removals"] = [REMOVAL]
    for path in (OVERVIEW, f"{OVERVIEW}/removals", f"{OVERVIEW}/settings", "/orgs"):
        text = console.see(path, "sue")
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", text)
