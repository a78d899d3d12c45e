"""``/api/webhooks``: events sent by a POS.

Each path exists twice: with the org at its end, and without it. The org is then named in a header,
or found by the secret that made the signature (web/signatures.py).
"""

from typing import Annotated, Any

from pydantic import Field

from shared.services.webhook_senders import OrgUnclear
from shared.services.webhooks import ReceiveWebhook, WebhookOutcome
from shared.web.auth import PUBLIC, WebhookSender
from shared.web.request import KIB, NoBody, NoParams, OrgQuery, Params, RawBody
from shared.web.response import ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable
from shared.web.signatures import SignedByAlleaves, SignedByLightspeed, SignedWebhook

LARGEST = 1024 * KIB
ALLEAVES = "/api/webhooks/alleaves"
LIGHTSPEED = "/api/webhooks/lightspeed/sale-created"


class VerificationQuery(Params):
    """A text that a POS sends to verify the address; it expects the same text in the response."""

    challenge: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9_.-]+$")] | None = None


class OrgVerificationQuery(VerificationQuery, OrgQuery):
    """The same at the path of an org."""


class AlleavesWebhookRequest(RawBody):
    """``event`` is the kind of event, ``data`` names the record; a ``timestamp`` (ISO or Unix time)
    must not be over five minutes old. ``id_location``, here or in ``data``, decides between orgs
    that share a secret."""

    event: Annotated[str, Field(min_length=1, max_length=100)]


class LightspeedWebhookRequest(RawBody):
    """``payload`` is the sale as JSON."""

    media_type = "application/x-www-form-urlencoded"

    payload: str


class WebhookResponse(ResponseModel):
    """The webhook was received; ``outcome`` says how it is processed."""

    received: bool = True
    outcome: WebhookOutcome


class VerificationResponse(ResponseModel):
    """The path receives webhooks."""

    status: str = "ok"
    challenge: str | None = None


def routes(
    alleaves: tuple[SignedByAlleaves, ReceiveWebhook],
    lightspeed: tuple[SignedByLightspeed, ReceiveWebhook],
) -> RouteTable:
    """For each POS, its rule and its service."""
    table = RouteTable(PUBLIC)
    _add_webhook(table, ALLEAVES, AlleavesWebhookRequest, *alleaves)
    _add_webhook(table, LIGHTSPEED, LightspeedWebhookRequest, *lightspeed)

    def verify(call: RouteCall[Any, NoBody]) -> RouteReply:
        """Verify that this path receives webhooks."""
        return RouteReply(VerificationResponse(challenge=call.params.challenge))

    table.get(ALLEAVES, VerificationQuery, VerificationResponse)(verify)
    table.get(f"{ALLEAVES}/{{orgId}}", OrgVerificationQuery, VerificationResponse)(verify)
    return table


def _add_webhook(
    table: RouteTable,
    path: str,
    body: type[RawBody],
    signed: SignedWebhook,
    receive: ReceiveWebhook,
) -> None:
    usual = {
        "rule": signed,
        "summary": f"An event of a {signed.provider} POS.",
        "max_body": LARGEST,
        "errors": [OrgUnclear],
    }

    def handle(call: RouteCall[Any, Any]) -> RouteReply:
        assert isinstance(call.caller, WebhookSender)
        return RouteReply(WebhookResponse(outcome=receive(call.caller.org_id, call.raw)))

    table.post(path, NoParams, body, WebhookResponse, **usual)(handle)
    table.post(f"{path}/{{orgId}}", OrgQuery, body, WebhookResponse, **usual)(handle)
