"""The local identity service, asked as firebase-admin and the console ask it."""

import json
import time
from collections.abc import Mapping
from datetime import timedelta
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

import firebase_admin
import pytest
import requests
from firebase_admin import auth
from requests.adapters import BaseAdapter
from werkzeug.test import Client, EnvironBuilder
from werkzeug.wrappers import Request

from deploy.local.identity.accounts import Accounts
from deploy.local.identity.server import Identity
from shared.errors import Unauthenticated
from shared.web.auth import user_of
from shared.web.sessions import FirebaseSessions

PROJECT = "demo-identity"
HOST = "127.0.0.1:1"
V1 = "/identitytoolkit.googleapis.com/v1"


class _InProcess(BaseAdapter):
    """Requests answered by the service without a socket."""

    def __init__(self, service: Identity) -> None:
        super().__init__()
        self._service = service

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body = request.body or b""
        environ = EnvironBuilder(
            path=urlsplit(str(request.url)).path,
            method=request.method or "GET",
            headers=list(request.headers.items()),
            data=body,
        ).get_environ()
        answered = self._service.answer(Request(environ))
        response = requests.Response()
        response.status_code, response._content = answered.status_code, answered.get_data()
        response.request, response.url = request, str(request.url)
        return response

    def close(self) -> None:
        pass


@pytest.fixture
def service() -> Identity:
    return Identity(PROJECT, Accounts())


@pytest.fixture
def sessions(service: Identity, monkeypatch: pytest.MonkeyPatch) -> FirebaseSessions:
    """firebase-admin, told of the emulator by its own variable."""
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", HOST)
    app = firebase_admin.initialize_app(
        options={"projectId": PROJECT}, name=f"identity-{token_hex(8)}"
    )
    client = auth._get_client(app)
    client._user_manager.http_client.session.mount("http://", _InProcess(service))
    client._token_generator.http_client.session.mount("http://", _InProcess(service))
    return FirebaseSessions(app)


def asked(service: Identity, call: str, *, owner: bool = True, **body: Any) -> Mapping[str, Any]:
    """The JSON of an answer, with its status as ``status``."""
    client = Client(Request.application(service.answer))
    headers = {"Authorization": "Bearer owner"} if owner else {}
    answer = client.post(f"{V1}/{call}", json=body, headers=headers)
    assert answer.json is not None
    return {**answer.json, "status": answer.status_code}


def somebody(service: Identity, **claims: Any) -> str:
    """The id of a new account."""
    uid = asked(service, f"projects/{PROJECT}/accounts", email="Ann@example.com", password="right")[
        "localId"
    ]
    asked(
        service,
        f"projects/{PROJECT}/accounts:update",
        localId=uid,
        customAttributes=json.dumps(claims),
    )
    return str(uid)


def signed_in(service: Identity, email: str = "ann@example.com", password: str = "right") -> Any:
    body = {"email": email, "password": password, "returnSecureToken": True}
    return asked(service, "accounts:signInWithPassword", owner=False, **body)


def test_a_sign_in_gives_a_token_that_tells_role_and_org(
    service: Identity, sessions: FirebaseSessions
) -> None:
    uid = somebody(service, role="brand_admin", orgId="org_birch")

    user = user_of(sessions.of_token(signed_in(service)["idToken"]))

    assert user.uid == uid
    assert user.roles == {"brand_admin"}
    assert user.orgs == ("org_birch",)


def test_a_session_cookie_is_made_of_a_token_and_tells_the_same(
    service: Identity, sessions: FirebaseSessions
) -> None:
    somebody(service, role="super_user")

    cookie = sessions.begin(signed_in(service)["idToken"], timedelta(days=5))

    assert user_of(sessions.of_cookie(cookie)).roles == {"super_user"}
    with pytest.raises(Unauthenticated):
        sessions.of_token(cookie)


def test_a_session_that_was_ended_counts_no_more(
    service: Identity, sessions: FirebaseSessions
) -> None:
    # Given a session that began some seconds ago
    service.accounts._clock = lambda: time.time() - 10
    somebody(service, role="super_user")
    token = signed_in(service)["idToken"]
    cookie = sessions.begin(token, timedelta(days=5))
    user = user_of(sessions.of_cookie(cookie))
    # When
    sessions.end(user.uid)
    # Then
    with pytest.raises(Unauthenticated):
        sessions.of_cookie(cookie)
    with pytest.raises(Unauthenticated):
        sessions.of_token(token)


@pytest.mark.parametrize(
    ("email", "password"), [("ann@example.com", "wrong"), ("eve@example.com", "right")]
)
def test_a_wrong_password_and_an_unknown_address_are_refused_alike(
    service: Identity, email: str, password: str
) -> None:
    somebody(service)

    refused = signed_in(service, email, password)

    assert refused["status"] == 400
    assert refused["error"]["message"] == "INVALID_LOGIN_CREDENTIALS"


def test_a_disabled_account_neither_signs_in_nor_goes_on(
    service: Identity, sessions: FirebaseSessions
) -> None:
    uid = somebody(service)
    token = signed_in(service)["idToken"]

    asked(service, f"projects/{PROJECT}/accounts:update", localId=uid, disableUser=True)

    assert signed_in(service)["error"]["message"] == "USER_DISABLED"
    with pytest.raises(Unauthenticated):
        sessions.of_token(token)


def test_accounts_are_changed_only_by_their_owner(service: Identity) -> None:
    path = f"projects/{PROJECT}/accounts"

    refused = asked(service, path, owner=False, email="eve@example.com", password="x")

    assert refused["status"] == 400
    assert refused["error"]["message"] == "INSUFFICIENT_PERMISSION"


def test_an_address_has_one_account(service: Identity) -> None:
    somebody(service)

    again = asked(
        service, f"projects/{PROJECT}/accounts", email="ANN@example.com", password="other"
    )

    assert again["error"]["message"] == "EMAIL_EXISTS"


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a.W10.c"])
def test_what_is_no_token_makes_no_cookie(service: Identity, token: str) -> None:
    made = asked(
        service, f"projects/{PROJECT}:createSessionCookie", idToken=token, validDuration="300"
    )

    assert made["error"]["message"] == "INVALID_ID_TOKEN"
