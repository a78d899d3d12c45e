"""The service over HTTP: Identity Toolkit's calls under the path that the Auth emulator has.

    POST /identitytoolkit.googleapis.com/v1/accounts:signInWithPassword?key=…
         the console's sign-in
    POST …/v1/projects/{project}/accounts
         a new account
    POST …/v1/projects/{project}/accounts:lookup, …/accounts:update, …:createSessionCookie
         firebase-admin

The last four are for who sends ``Authorization: Bearer owner``, as firebase-admin does to an
emulator.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from deploy.local.identity.accounts import Accounts, Refused
from deploy.local.loopback import LoopbackServer

SECONDS = "3600"
_OF_PROJECT = re.compile(r"/identitytoolkit\.googleapis\.com/v1/projects/([^/:]+)/?(.*)")
_SIGN_IN = "/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword"


class IdentityService:
    """A server of a project's accounts."""

    def __init__(self, project: str) -> None:
        identity = Identity(project, Accounts())
        self._server = LoopbackServer(Request.application(identity.answer))

    @property
    def host(self) -> str:
        return self._server.host

    def close(self) -> None:
        self._server.close()


class Identity:
    """What is answered to each call."""

    def __init__(self, project: str, accounts: Accounts) -> None:
        self.accounts = accounts
        self._project = project

    def answer(self, request: Request) -> Response:
        """Answer one call."""
        try:
            body = json.loads(request.get_data() or b"{}")
            return _json(200, self._answer(request, body))
        except Refused as error:
            said = str(error)
        except (KeyError, TypeError, ValueError):
            said = "INVALID_ARGUMENT"
        return _json(400, {"error": {"code": 400, "message": said, "status": "INVALID_ARGUMENT"}})

    def _answer(self, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
        if request.method == "POST" and request.path == _SIGN_IN:
            return self._sign_in(body)
        found = _OF_PROJECT.fullmatch(request.path.replace("%3A", ":"))
        if request.method != "POST" or found is None:
            raise Refused("NOT_FOUND")
        if request.headers.get("Authorization") != "Bearer owner":
            raise Refused("INSUFFICIENT_PERMISSION")
        return self._administer(found[1], found[2], body)

    def _sign_in(self, body: Mapping[str, Any]) -> dict[str, Any]:
        account = self.accounts.sign_in(str(body["email"]), str(body["password"]))
        return {
            "idToken": self.accounts.id_token(self._project, account),
            "localId": account.uid,
            "email": account.email,
            "expiresIn": SECONDS,
            "registered": True,
        }

    def _administer(self, project: str, call: str, body: Mapping[str, Any]) -> dict[str, Any]:
        match call:
            case "accounts":
                given = str(body["email"]), str(body["password"]), str(body.get("localId", ""))
                return {"localId": self.accounts.create(*given).uid}
            case "accounts:update":
                return {"localId": self.accounts.update(str(body["localId"]), body).uid}
            case "accounts:lookup":
                by_uid = [self.accounts.get(str(uid)) for uid in body.get("localId", ())]
                by_email = [self.accounts.of_email(str(each)) for each in body.get("email", ())]
                return {"users": [each.described() for each in (*by_uid, *by_email) if each]}
            case ":createSessionCookie":
                seconds = int(body["validDuration"])
                token = str(body["idToken"])
                return {"sessionCookie": self.accounts.session_cookie(project, token, seconds)}
        raise Refused("NOT_FOUND")


def _json(status: int, body: Mapping[str, Any]) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
