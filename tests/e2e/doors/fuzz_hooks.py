"""What schemathesis is told of beyond the OpenAPI description: how to be let in.

Loaded by schemathesis itself (SCHEMATHESIS_HOOKS), in its own process.
"""

import os
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import quote

import requests
import schemathesis
from schemathesis import AuthContext, Case, GenerationMode, HookContext

from tests.e2e.doors.conftest import ORG, signed

ID_TOKEN = os.environ["FUZZ_ID_TOKEN"]
MEANT = {
    "payload": '{"id": "sale-1"}',
    "phone": "+12125550134",
    "email": "wren@example.com",
    "timestamp": None,
    "locationId": f"{ORG}-1000",
    "wait": 0.5,
}
"""Fields whose form no schema can tell, or which take long, and a value that they may have."""
CRON_SECRET = os.environ["FUZZ_CRON_SECRET"]


@schemathesis.auth()
class LetIn:
    """A super user's token, the cron secret, or an org's signature: whatever the path is about."""

    def get(self, case: Case[Any], context: AuthContext) -> str:
        return CRON_SECRET if "/cron/" in case.path else ID_TOKEN

    def set(self, case: Case[Any], data: str, context: AuthContext) -> None:
        if "/webhooks/" in case.path:
            _sign(case)
        else:
            case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """What is valid shall make sense: it is mostly about an org that exists."""
    if "/webhooks/" in case.path:
        case.headers["X-Org-Id"] = ORG
    if _is_valid(case):
        for part in (case.query, case.body, case.path_parameters):
            if isinstance(part, MutableMapping):
                _make_sense(part)
        if isinstance(case.body, MutableMapping) and "orgId" in (case.query or {}):
            case.body.pop("orgId", None)  # two orgs are too many
        if case.path == "/api/loyalty/points" and "email" not in case.query:
            case.query["phone"] = MEANT["phone"]
        if case.path == "/api/customers" and "email" in case.query:
            case.query.pop("q", None)  # one search at a time


def _is_valid(case: Case[Any]) -> bool:
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


def _make_sense(part: MutableMapping[str, Any]) -> None:
    part.pop("cursor", None)
    part.update({name: value for name, value in MEANT.items() if name in part})
    if len(str(part.get("orgId", ""))) % 4:
        part["orgId"] = ORG


def _sign(case: Case[Any]) -> None:
    given = case.as_transport_kwargs(base_url="http://127.0.0.1")
    fields = ("method", "url", "headers", "data", "json", "params", "files")
    request = requests.Request(**{name: given[name] for name in fields if name in given})
    body = request.prepare().body or b""
    raw = body.encode() if isinstance(body, str) else body
    case.headers["X-Alleaves-Signature"] = signed(raw)
    case.headers["X-Signature"] = f"signature={quote(signed(raw))},algorithm=HMAC-SHA256"
