"""firebase-admin with its requests answered in this process, without a socket."""

from itertools import count
from typing import Any
from urllib.parse import urlsplit

import firebase_admin
import requests
from firebase_admin import auth
from google.oauth2.credentials import Credentials
from requests.adapters import BaseAdapter

from tests.identity.authority import Authority

_NUMBERS = count()


class _Answers(BaseAdapter):
    def __init__(self, authority: Authority, *, reachable: bool) -> None:
        super().__init__()
        self._authority = authority
        self._reachable = reachable

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        if not self._reachable:
            raise requests.ConnectionError("nobody answers")
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else body
        response = requests.Response()
        response.status_code, response._content = self._authority.answer(
            urlsplit(str(request.url)).path, raw
        )
        response.request, response.url = request, str(request.url)
        return response

    def close(self) -> None:
        pass


def app_of(authority: Authority, *, reachable: bool = True) -> firebase_admin.App:
    """firebase-admin as it is; only where its HTTP goes is of the tests."""
    app = firebase_admin.initialize_app(
        Credentials("token"),
        {"projectId": authority.project},
        name=f"tests-{next(_NUMBERS)}",
    )
    client = auth._get_client(app)
    answers = _Answers(authority, reachable=reachable)
    for session in (
        client._token_verifier.request.session,
        client._user_manager.http_client.session,
        client._token_generator.http_client.session,
    ):
        session.mount("https://", answers)
    return app
