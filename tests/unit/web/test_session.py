"""A browser's session, with real tokens through firebase-admin."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.cookies import Morsel, SimpleCookie

import pytest
from pydantic import SecretStr
from werkzeug.test import Client, TestResponse

from shared.console.pages import sign_in
from shared.errors import RateLimited, Unauthenticated
from shared.services.sign_in import PasswordSignIn
from shared.web.auth import COOKIE
from shared.web.routes import session
from shared.web.routes.session import BrowserSessions
from shared.web.sessions import FirebaseSessions
from tests.identity.adapter import app_of
from tests.identity.authority import Authority
from tests.unit.web.calling import client_of

Headers = dict[str, str]
HERE, ELSEWHERE = {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "cross-site"}


class Given(PasswordSignIn):
    """Gives what it is told to."""

    def __init__(self) -> None:
        self.outcome: str | Exception = ""
        self.asked: list[str] = []

    def __call__(self, email: str, password: SecretStr) -> str:
        self.asked.append(email)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("demo-browser")


@pytest.fixture
def password() -> Given:
    return Given()


@pytest.fixture
def client(authority: Authority, password: Given) -> Client:
    sessions = FirebaseSessions(app_of(authority))
    browser = BrowserSessions(sessions, lambda: datetime.now(UTC), secure=True)
    return client_of(*session.routes(browser), *sign_in.routes(password, browser))


def cookie_of(answer: TestResponse) -> Morsel[str]:
    return SimpleCookie(answer.headers["Set-Cookie"])[COOKIE]


def send_form(client: Client, given: Mapping[str, str], headers: Headers = HERE) -> TestResponse:
    return client.post("/sign-in", data=dict(given), headers=headers)


def test_a_token_becomes_a_cookie_that_no_script_and_no_plain_http_sees(
    client: Client, authority: Authority
) -> None:
    answer = client.post("/api/session", json={"idToken": authority.id_token("ann")}, headers=HERE)

    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["signedIn"] is True
    cookie = cookie_of(answer)
    assert authority.uid_of(cookie.value) == "ann"
    assert cookie["httponly"]
    assert cookie["secure"]
    assert (cookie["samesite"], cookie["path"]) == ("Lax", "/")
    assert timedelta(seconds=int(cookie["max-age"])) == session.LASTS


def test_an_old_token_begins_no_session(client: Client, authority: Authority) -> None:
    long_ago = int(datetime.now(UTC).timestamp()) - 600
    token = authority.id_token("ann", auth_time=long_ago)

    answer = client.post("/api/session", json={"idToken": token}, headers=HERE)

    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("token", ["", "a.b.c"])
def test_a_forged_token_begins_no_session(client: Client, token: str) -> None:
    answer = client.post("/api/session", json={"idToken": token}, headers=HERE)

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "headers", [ELSEWHERE, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
)
def test_another_site_signs_nobody_in_or_out(
    client: Client, authority: Authority, password: Given, headers: Headers
) -> None:
    password.outcome = token = authority.id_token("ann")
    client.set_cookie(COOKIE, authority.cookie("ann"))

    answers = [
        client.post("/api/session", json={"idToken": token}, headers=headers),
        client.delete("/api/session", headers=headers),
        send_form(client, {"email": "ann@example.com", "password": "right"}, headers),
        client.post("/sign-out", headers=headers),
    ]

    assert [each.status_code for each in answers] == [403] * 4
    assert not any("Set-Cookie" in each.headers for each in answers)


def test_signing_out_ends_the_session_everywhere(client: Client, authority: Authority) -> None:
    client.set_cookie(COOKIE, authority.cookie("cleo"))

    answer = client.delete("/api/session", headers=HERE)

    assert answer.json == {"signedIn": False}
    assert cookie_of(answer).value == ""
    assert cookie_of(answer)["max-age"] == "0"
    assert authority.is_revoked("cleo")


def test_who_is_not_signed_in_any_more_can_sign_out(client: Client) -> None:
    client.set_cookie(COOKIE, "no session")

    assert client.post("/sign-out", headers=HERE).status_code == 303


def test_the_form_leads_back_to_where_somebody_was(
    client: Client, authority: Authority, password: Given
) -> None:
    password.outcome = authority.id_token("ann")

    answer = send_form(
        client,
        {
            "email": " ann@example.com ",
            "password": "right",
            "next": "/orgs/org_birch/menu?q=a",
        },
    )

    assert (answer.status_code, answer.headers["Location"]) == (303, "/orgs/org_birch/menu?q=a")
    assert authority.uid_of(cookie_of(answer).value) == "ann"
    assert password.asked == ["ann@example.com"]


def test_the_form_leads_to_no_other_host(
    client: Client, authority: Authority, password: Given
) -> None:
    password.outcome = authority.id_token("ann")

    answer = send_form(
        client, {"email": "a@example.com", "password": "p", "next": "//evil.example/"}
    )

    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("outcome", "status", "said"),
    [
        (Unauthenticated("the password is wrong"), 401, "The password is wrong."),
        (RateLimited("too often", retry_after=7), 429, "Too often."),
    ],
)
def test_a_failure_is_said_in_words_beside_the_form(
    client: Client, password: Given, outcome: Exception, status: int, said: str
) -> None:
    password.outcome = outcome

    answer = send_form(
        client, {"email": "<ann>@example.com", "password": "secret-of-ann", "next": "/orgs"}
    )

    assert answer.status_code == status
    assert said in answer.text
    assert 'value="&lt;ann&gt;@example.com"' in answer.text
    assert 'name="next" value="/orgs"' in answer.text
    assert "secret-of-ann" not in answer.text
    assert "Set-Cookie" not in answer.headers


def test_a_form_that_lacks_something_asks_nobody(client: Client, password: Given) -> None:
    incomplete: list[Headers] = [{}, {"email": "ann@example.com"}, {"password": "p"}]
    for fields in incomplete:
        answer = send_form(client, fields)
        assert answer.status_code == 422
    assert not password.asked
