"""``/api/webhooks``: what a POS tells of by itself.

Each address is there twice: with the org at its end, and without for a POS that sends the org in
a header (web/signatures.py).
"""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from shared.services.webhooks import ReceiveWebhook, WebhookOutcome
from shared.web.caller import Sender
from shared.web.fields import OrgId
from shared.web.reply import Answer, Reply
from shared.web.route import KIB, Call, NoBody, NoParams, Params, RawBody, Route
from shared.web.rules import PUBLIC
from shared.web.signatures import SignedByAlleaves, SignedByLightspeed, SignedWebhook

LARGEST = 1024 * KIB
ALLEAVES = "/api/webhooks/alleaves"
LIGHTSPEED = "/api/webhooks/lightspeed/sale-created"


class OfOrg(Params):
    """The org whose POS it is."""

    org_id: OrgId


class Challenge(Params):
    """A text that a POS sends to see whether anybody listens, and wants back."""

    challenge: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9_.-]+$")] | None = None


class ChallengeOfOrg(Challenge):
    """The same at an org's own address."""

    org_id: OrgId


class AlleavesWebhook(RawBody):
    """``event`` is what happened, ``data`` names the record; a ``timestamp`` (ISO, or Unix time)
    must not be over five minutes old."""

    event: Annotated[str, Field(min_length=1, max_length=100)]


class LightspeedWebhook(RawBody):
    """``payload`` is the sale as JSON text."""

    media_type = "application/x-www-form-urlencoded"

    payload: str


class Received(Answer):
    """The webhook is taken in; ``outcome`` is what becomes of it."""

    received: bool = True
    outcome: WebhookOutcome


class Listening(Answer):
    """Webhooks are taken in here."""

    status: str = "ok"
    challenge: str | None = None


def routes(
    alleaves: tuple[SignedByAlleaves, ReceiveWebhook],
    lightspeed: tuple[SignedByLightspeed, ReceiveWebhook],
) -> Sequence[Route[Any, Any]]:
    """Of each POS: whom to believe, and what to do then."""
    return (
        _webhook(ALLEAVES, NoParams, AlleavesWebhook, *alleaves),
        _webhook(f"{ALLEAVES}/{{orgId}}", OfOrg, AlleavesWebhook, *alleaves),
        _verification(ALLEAVES, Challenge),
        _verification(f"{ALLEAVES}/{{orgId}}", ChallengeOfOrg),
        _webhook(LIGHTSPEED, NoParams, LightspeedWebhook, *lightspeed),
        _webhook(f"{LIGHTSPEED}/{{orgId}}", OfOrg, LightspeedWebhook, *lightspeed),
    )


def _webhook(
    path: str,
    params: type[Params],
    body: type[RawBody],
    signed: SignedWebhook,
    receive: ReceiveWebhook,
) -> Route[Any, Any]:
    def handle(call: Call[Any, Any]) -> Reply:
        assert isinstance(call.caller, Sender)
        return Reply(Received(outcome=receive(call.caller.org_id, call.raw)))

    return Route(
        method="POST",
        path=path,
        rule=signed,
        summary=f"An event of a {signed.provider} POS.",
        params=params,
        body=body,
        answers=[(200, Received)],
        handler=handle,
        max_body=LARGEST,
    )


def _verification(path: str, params: type[Challenge]) -> Route[Any, Any]:
    def handle(call: Call[Challenge, NoBody]) -> Reply:
        return Reply(Listening(challenge=call.params.challenge))

    return Route(
        method="GET",
        path=path,
        rule=PUBLIC,
        summary="Whether anybody listens.",
        params=params,
        body=NoBody,
        answers=[(200, Listening)],
        handler=handle,
    )
