"""Each line of the integration list, over HTTP, with real tokens through the real verification."""

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.e2e.doors.conftest import ORG, OTHER_ORG, THIRD_ORG, Answer, Doors
from tests.identity.authority import HOUR, Authority
from tests.unit.web.test_sessions import FORGED


def code(answer: Answer) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["requestId"] == answer.headers["X-Request-Id"]
    return answer.status_code, error["code"]


def admin(doors: Doors, uid: str = "ada", org_id: str = ORG) -> str:
    return doors.authority.id_token(uid, role="dispensary_admin", orgId=org_id)


def super_user(doors: Doors, uid: str = "sue") -> str:
    return doors.authority.id_token(uid, role="super_user")


def test_the_cron_secret_syncs_every_org(doors: Doors) -> None:
    answer = doors.cron(secret=doors.cron_secret)

    assert answer.status_code == 202
    started = {run["orgId"]: run["runId"] for run in answer.json()["runs"]}
    assert started.keys() == {ORG, OTHER_ORG, THIRD_ORG}
    for org_id, run_id in started.items():
        assert doors.ended(org_id, run_id)["state"] == "succeeded"


def test_the_cron_secret_syncs_one_org_and_may_watch_it(doors: Doors) -> None:
    (run,) = doors.cron(f"?orgId={OTHER_ORG}", secret=doors.cron_secret).json()["runs"]
    doors.ended(OTHER_ORG, run["runId"])

    headers = {"Authorization": f"Bearer {doors.cron_secret}"}
    seen = doors.call("manual_sync", "GET", run["statusUrl"], headers=headers)

    assert run["orgId"] == OTHER_ORG
    assert (seen.status_code, seen.json()["state"]) == (200, "succeeded")


def test_a_machine_that_waits_is_given_the_counts_and_one_that_sends_a_body_is_refused(
    doors: Doors,
) -> None:
    waited = doors.cron(f"?orgId={OTHER_ORG}&wait=30", secret=doors.cron_secret)
    headers = {"Authorization": f"Bearer {doors.cron_secret}"}
    body = {"orgId": OTHER_ORG}
    refused = doors.call("manual_sync", "POST", "/api/cron/pos-sync", headers=headers, json=body)

    assert waited.status_code == 200
    (run,) = waited.json()["runs"]
    assert waited.json()["states"] == {"succeeded": 1}
    assert run["orgId"] == OTHER_ORG
    assert run["streams"]["products"]["fetched"] > 0
    assert code(refused) == (400, "request_invalid")


def test_what_is_created_at_the_pos_is_stored_at_once(doors: Doors) -> None:
    def write(path: str, key: str, **body: object) -> Answer:
        headers = {"Authorization": f"Bearer {admin(doors)}", "Idempotency-Key": key}
        return doors.call("manual_sync", "POST", path, headers=headers, json=body)

    def stored(path: str) -> dict[str, object]:
        return doors.store.document(f"tenants/{ORG}/{path}")

    # When a customer is created, and again
    person = {"firstName": "Ada", "lastName": "Quill", "email": "ada.quill@example.com"}
    created = write("/api/pos/customers", "e2e-1", **person)
    again = write("/api/pos/customers", "e2e-1", **person)

    # Then there is one, which is stored
    assert (created.status_code, again.status_code) == (201, 201), created.text
    assert created.json() == again.json()
    customer_id = created.json()["customerId"]
    doors.wait("the customer is stored", lambda: stored(f"customers/{customer_id}"))

    # When an order is submitted for them, and given a discount
    row = next(row for row in doors.pos.data(ORG)["inventory"] if row["available"] >= 2)
    line = {"batchId": str(row["id_batch"]), "areaId": str(row["id_area"]), "quantity": 2}
    order = {"customerId": customer_id, "type": "pickup", "lines": [line]}
    submitted = write("/api/pos/orders", "e2e-2", **order)
    assert submitted.status_code == 201, submitted.text
    document_id = submitted.json()["documentId"]
    path = f"/api/pos/orders/{document_id}/discount"
    assert write(path, "e2e-3", discountId="2").status_code == 200

    # Then it is stored too
    doors.wait("the order is stored", lambda: stored(f"orders/{document_id}"))
    assert stored(f"orders/{document_id}")["customerId"] == customer_id
    people = [c for c in doors.pos.data(ORG)["customers"] if c["email"] == person["email"]]
    assert len(people) == 1

    def states() -> set[str]:
        events = doors.store.documents(f"tenants/{ORG}/webhook_events")
        return {event["state"] for event in events.values()}

    doors.wait("nothing is left to be fetched", lambda: "waiting" not in states())


def test_without_the_cron_secret_nothing_is_synced(doors: Doors) -> None:
    before = len(doors.store.documents(f"tenants/{ORG}/sync_runs"))

    for secret in (None, "x" * 40, doors.cron_secret[:-1], super_user(doors)):
        assert code(doors.cron(f"?orgId={ORG}", secret=secret)) == (401, "not_signed_in")

    assert len(doors.store.documents(f"tenants/{ORG}/sync_runs")) == before


def test_an_org_that_does_not_exist_is_404_for_cron(doors: Doors) -> None:
    assert code(doors.cron("?orgId=org_nowhere", secret=doors.cron_secret)) == (404, "not_found")


@pytest.mark.parametrize("role", ["dispensary_admin", "brand_admin"])
def test_an_admin_syncs_the_own_org_by_token_and_by_cookie(doors: Doors, role: str) -> None:
    claims = {"role": role, "orgId": ORG.removeprefix("org_")}

    by_token = doors.sync(token=doors.authority.id_token("ada", **claims), orgId=ORG)
    assert by_token.status_code == 202
    doors.ended(ORG, by_token.json()["runId"])
    by_cookie = doors.sync(cookie=doors.authority.cookie("ada", **claims), wait=30)

    assert (by_cookie.status_code, by_cookie.json()["orgId"]) == (200, ORG)
    run = doors.store.document(f"tenants/{ORG}/sync_runs/{by_cookie.json()['runId']}")
    assert (run["state"], run["requestedBy"], run["trigger"]) == ("succeeded", "ada", "manual")


@pytest.mark.parametrize("role", ["super_user", "super_admin"])
def test_a_super_role_syncs_any_org(doors: Doors, role: str) -> None:
    token = doors.authority.id_token("sue", role=role)

    for org_id in (ORG, THIRD_ORG):
        answer = doors.sync(token=token, orgId=org_id, full=True, wait=30)
        assert (answer.status_code, answer.json()["state"]) == (200, "succeeded")


def test_without_a_session_nothing_is_synced(doors: Doors) -> None:
    assert code(doors.sync(orgId=ORG)) == (401, "not_signed_in")
    assert code(doors.sync(orgId=ORG, token=doors.cron_secret)) == (401, "not_signed_in")


def test_a_wrong_org_is_403_whether_it_exists_or_not(doors: Doors) -> None:
    for org_id in (OTHER_ORG, "org_nowhere"):
        assert code(doors.sync(token=admin(doors), orgId=org_id)) == (403, "not_allowed")


def test_an_unknown_org_is_404_for_who_may_know(doors: Doors) -> None:
    assert code(doors.sync(token=super_user(doors), orgId="org_nowhere")) == (404, "not_found")


@pytest.mark.parametrize("option", [{"full": True}, {"allowDeletions": True}])
def test_what_only_super_roles_may_ask_for_is_403_for_others(
    doors: Doors, option: dict[str, bool]
) -> None:
    assert code(doors.sync(token=admin(doors), orgId=ORG, **option)) == (403, "not_allowed")


def test_a_user_without_a_role_is_403(doors: Doors) -> None:
    for claims in ({}, {"role": "customer", "orgId": ORG}):
        token = doors.authority.id_token("carl", **claims)
        assert code(doors.sync(token=token, orgId=ORG)) == (403, "not_allowed")


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_a_token_that_is_not_valid_is_401(doors: Doors, forge: Callable[[Authority], str]) -> None:
    token = forge(doors.authority) or "-"

    assert code(doors.sync(token=token, orgId=ORG)) == (401, "not_signed_in")


def test_a_cookie_that_is_not_valid_is_401(doors: Doors) -> None:
    expired = {"iat": int(time.time()) - 2 * HOUR, "exp": int(time.time()) - HOUR}
    for cookie in (
        doors.authority.cookie("sue", role="super_user", **expired),
        doors.authority.cookie("sue", role="super_user", aud="another"),
        doors.authority.id_token("sue", role="super_user"),
        doors.authority.id_token_of_another(role="super_user"),
    ):
        assert code(doors.sync(cookie=cookie, orgId=ORG)) == (401, "not_signed_in")


def test_a_revoked_session_is_401(doors: Doors) -> None:
    token = doors.authority.id_token("rex", role="super_user")
    cookie = doors.authority.cookie("rex", role="super_user")
    assert code(doors.sync(token=token, orgId="org_nowhere")) == (404, "not_found")

    doors.authority.revoke("rex")

    assert code(doors.sync(token=token, orgId=ORG)) == (401, "not_signed_in")
    assert code(doors.sync(cookie=cookie, orgId=ORG)) == (401, "not_signed_in")


def test_another_site_cannot_start_a_sync_with_a_users_cookie(doors: Doors) -> None:
    cookie = doors.authority.cookie("sue", role="super_user")
    headers = {"Cookie": f"__session={cookie}", "Origin": "https://evil.example"}

    answer = doors.call("manual_sync", "POST", "/api/pos/sync", headers=headers)

    assert code(answer) == (401, "not_signed_in")


def test_of_a_hundred_at_once_one_is_a_run_and_the_others_name_it(
    doors: Doors, report_figure: Callable[[str], None]
) -> None:
    # Given a run that takes longer than a hundred requests do
    doors.pos.fault("latency", ms=20_000, endpoint="customers")
    before = doors.store.documents(f"tenants/{ORG}/sync_runs").keys()
    tokens = [super_user(doors, f"u{number}") for number in range(100)]

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda token: doors.sync(token=token, orgId=ORG), tokens))

    doors.pos.clear_faults()
    new = doors.store.documents(f"tenants/{ORG}/sync_runs").keys() - before
    (started,) = [a.json() for a in answers if a.status_code == 202]
    busy = [a.json() for a in answers if a.status_code == 409]
    report_figure(f"100 concurrent manual syncs: {len(new)} run, {len(busy)} times 409 with its id")
    assert new == {started["runId"]}
    assert len(busy) == 99
    assert {answer["runId"] for answer in busy} == new
    assert {answer["error"]["code"] for answer in busy} == {"run_under_way"}
    doors.ended(ORG, started["runId"])


def test_the_seventh_run_in_an_hour_is_429_and_says_when(doors: Doors) -> None:
    for _ in range(6):
        assert doors.sync(token=admin(doors), streams=["products"], wait=30).status_code == 200

    answer = doors.sync(token=admin(doors))

    assert code(answer) == (429, "too_often")
    assert 3500 < int(answer.headers["Retry-After"]) <= 3600


def test_a_run_is_seen_by_its_org_and_by_nobody_else(doors: Doors) -> None:
    started = doors.sync(token=admin(doors), wait=30).json()
    path = f"/api/pos/sync/{started['runId']}?orgId="

    def see(token: str, org_id: str = ORG) -> Answer:
        headers = {"Authorization": f"Bearer {token}"}
        return doors.call("manual_sync", "GET", path + org_id, headers=headers)

    assert see(admin(doors)).json() == started
    assert code(see(admin(doors, "olga", OTHER_ORG))) == (403, "not_allowed")
    assert code(see(admin(doors, "olga", OTHER_ORG), OTHER_ORG)) == (404, "not_found")


@pytest.mark.parametrize("function", ["dashboard", "loyalty_api", "manual_sync", "webhooks"])
@pytest.mark.parametrize("path", ["/robots.txt", "/api/customers/a%0Ab", "/nothing/here"])
def test_a_path_that_leads_nowhere_is_an_error_like_any_other(
    doors: Doors, function: str, path: str
) -> None:
    assert code(doors.call(function, "GET", path)) == (404, "not_found")


@pytest.mark.parametrize(
    "body", [b"zz\r\nabc\r\n0\r\n\r\n", b"3\r\nabcdef\r\n0\r\n\r\n", b"5\r\nab"]
)
@pytest.mark.parametrize(
    ("path", "status"), [("/api/pos/sync", 400), ("/api/nowhere", 404), ("/robots.txt", 404)]
)
def test_a_body_in_broken_chunks_is_the_senders_error(
    doors: Doors, body: bytes, path: str, status: int
) -> None:
    address = urlsplit(doors.stack.functions["manual_sync"])
    head = f"POST {path} HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b'"requestId"' in answer


def test_all_functions_are_at_one_origin_which_passes_the_session_cookie(doors: Doors) -> None:
    front, claims = doors.stack.console, {"role": "dispensary_admin", "orgId": ORG}
    cookies = f"theme=dark; __session={doors.authority.cookie('ada', **claims)}"
    headers = {"Cookie": cookies, "Origin": front, "Content-Type": "application/json"}

    synced = doors.session.post(
        f"{front}/api/pos/sync?wait=30", data=b"{}", headers=headers, timeout=60
    )
    expected = {
        f"/api/loyalty/sync?orgId={ORG}": 200,
        f"/api/customers?orgId={ORG}": 200,
        f"/api/menu?orgId={ORG}": 200,
        "/api/webhooks/alleaves?challenge=there": 200,
    }
    found = {
        path: doors.session.get(front + path, headers={"Cookie": cookies}, timeout=20).status_code
        for path in expected
    }

    assert (synced.status_code, synced.json()["state"]) == (200, "succeeded")
    assert found == expected
