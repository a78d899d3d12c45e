"""``/api/webhooks``: events sent by a POS.

Each path exists twice: with the org at its end, and without it for a POS that sends the org in a
header (web/signatures.py).
"""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from shared.services.webhooks import ReceiveWebhook, WebhookOutcome
from shared.web.auth import PUBLIC, WebhookSender
from shared.web.request import KIB, NoBody, NoParams, OrgId, Params, RawBody
from shared.web.response import ResponseModel, RouteReply
from shared.web.routing import Route, RouteCall
from shared.web.signatures import SignedByAlleaves, SignedByLightspeed, SignedWebhook

LARGEST = 1024 * KIB
ALLEAVES = "/api/webhooks/alleaves"
LIGHTSPEED = "/api/webhooks/lightspeed/sale-created"


class OrgWebhookQuery(Params):
    """The org that the POS belongs to."""

    org_id: OrgId


class VerificationQuery(Params):
    """A text that a POS sends to verify the address; it expects the same text in the response."""

    challenge: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9_.-]+$")] | None = None


class OrgVerificationQuery(VerificationQuery):
    """The same at the path of an org."""

    org_id: OrgId


class AlleavesWebhookRequest(RawBody):
    """``event`` is the kind of event, ``data`` names the record; a ``timestamp`` (ISO or Unix time)
    must not be over five minutes old."""

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
) -> Sequence[Route[Any, Any]]:
    """For each POS, its rule and its service."""
    return (
        _webhook(ALLEAVES, NoParams, AlleavesWebhookRequest, *alleaves),
        _webhook(f"{ALLEAVES}/{{orgId}}", OrgWebhookQuery, AlleavesWebhookRequest, *alleaves),
        _verification(ALLEAVES, VerificationQuery),
        _verification(f"{ALLEAVES}/{{orgId}}", OrgVerificationQuery),
        _webhook(LIGHTSPEED, NoParams, LightspeedWebhookRequest, *lightspeed),
        _webhook(f"{LIGHTSPEED}/{{orgId}}", OrgWebhookQuery, LightspeedWebhookRequest, *lightspeed),
    )


def _webhook(
    path: str,
    params: type[Params],
    body: type[RawBody],
    signed: SignedWebhook,
    receive: ReceiveWebhook,
) -> Route[Any, Any]:
    def handle(call: RouteCall[Any, Any]) -> RouteReply:
        assert isinstance(call.caller, WebhookSender)
        return RouteReply(WebhookResponse(outcome=receive(call.caller.org_id, call.raw)))

    return Route(
        method="POST",
        path=path,
        rule=signed,
        summary=f"An event of a {signed.provider} POS.",
        params=params,
        body=body,
        answers=[(200, WebhookResponse)],
        handler=handle,
        max_body=LARGEST,
    )


def _verification(path: str, params: type[VerificationQuery]) -> Route[Any, Any]:
    def handle(call: RouteCall[VerificationQuery, NoBody]) -> RouteReply:
        return RouteReply(VerificationResponse(challenge=call.params.challenge))

    return Route(
        method="GET",
        path=path,
        rule=PUBLIC,
        summary="Verify that this path receives webhooks.",
        params=params,
        body=NoBody,
        answers=[(200, VerificationResponse)],
        handler=handle,
    )
