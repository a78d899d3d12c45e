"""Calls ``admin_api`` as people of several roles, and has ``org_sync`` do what that asks for."""

import json
from collections.abc import Callable
from typing import Any

from cloudevents.http import CloudEvent
from flask import Request
from werkzeug.test import Client

from shared.web.routing import App
from tests.emulator.functions import InProcess, pubsub_event

ORG = "org_test"
MANAGER = {"uid": "manager", "role": "dispensary_admin", "orgId": ORG}
OTHER = {"uid": "other", "role": "dispensary_admin", "orgId": "org_other"}
OPERATOR = {"uid": "operator", "role": "super_admin"}


class AdminClient:
    """The function behind werkzeug's own test client, and the one that its messages go to."""

    def __init__(
        self, functions: InProcess, app: App, consume: Callable[[CloudEvent], None]
    ) -> None:
        self._functions = functions
        self._client = Client(Request.application(app))  # type: ignore[arg-type]
        self._consume = consume

    def reply(self, path: str, body: dict[str, Any], by: dict[str, Any] | None = None) -> Any:
        """Whatever is answered to a POST; about ORG unless the body names another, by its manager
        unless another is given."""
        return self._client.post(
            f"/api/admin/{path}",
            json={n: v for n, v in {"orgId": ORG, **body}.items() if (n, v) != ("orgId", None)},
            headers={"Authorization": f"Bearer {json.dumps(by or MANAGER)}"},
        )

    def post(self, path: str, by: dict[str, Any] | None = None, **body: Any) -> Any:
        """The answer, which must be one."""
        reply = self.reply(path, body, by)
        assert reply.status_code in (200, 201, 202), reply.text
        return reply.json

    def refusal(
        self, path: str, by: dict[str, Any] | None = None, **body: Any
    ) -> tuple[int, str, str]:
        """Status, code and message of an answer, which must be an error."""
        reply = self.reply(path, body, by)
        assert reply.status_code >= 400, reply.text
        return reply.status_code, reply.json["error"]["code"], reply.json["error"]["message"]

    def actions(self, **query: str) -> list[dict[str, Any]]:
        """Who has done what."""
        headers = {"Authorization": f"Bearer {json.dumps(OPERATOR)}"}
        reply = self._client.get("/api/admin/audit", query_string=query, headers=headers)
        assert reply.status_code == 200, reply.text
        assert reply.json is not None
        found: list[dict[str, Any]] = reply.json["actions"]
        return found

    def do_syncs(self) -> int:
        """Have every sync done that was asked for; how many those were."""
        taken, self._functions.published[:] = list(self._functions.published), []
        asked = [message for topic, message in taken if topic == "pos-sync"]
        for number, message in enumerate(asked):
            self._consume(pubsub_event(f"m{number}", json.dumps(message.to_json())))
        return len(asked)
