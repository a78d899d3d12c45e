"""``/api/webhooks``: events sent by a POS.

Each path exists with the org at its end, and without it: the org is then named in a header, or
found by the secret that made the signature (web/signatures.py). What is not signed is sent to a
path with a secret behind the org: that path is a secret as a whole, and is logged nowhere.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, SecretStr

from shared.errors import RequestRefused, Unauthenticated
from shared.pos.lightspeed.webhooks import ADDRESS_PATH
from shared.services.webhook_senders import OrgUnclear
from shared.services.webhooks import ReceiveWebhook, WebhookOutcome
from shared.web.auth import PUBLIC, Rule, WebhookSender
from shared.web.request import KIB, NoBody, NoParams, OrgQuery, Params, RawBody
from shared.web.response import ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable
from shared.web.signatures import SecretInAddress, SignedByAlleaves, SignedByLightspeed

LARGEST = 1024 * KIB
ALLEAVES = "/api/webhooks/alleaves"


class VerificationQuery(Params):
    """A text that a POS sends to verify the address; it expects the same text in the response."""

    challenge: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9_.-]+$")] | None = None


class OrgVerificationQuery(VerificationQuery, OrgQuery):
    """The same at the path of an org."""


class AddressParams(OrgQuery):
    """The org and the secret in the address of webhooks that are not signed."""

    secret: SecretStr


class AlleavesWebhookRequest(RawBody):
    """``event`` is the kind of event, ``data`` names the record; a ``timestamp`` (ISO or Unix time)
    must not be over five minutes old. ``id_location``, here or in ``data``, decides between orgs
    that share a secret."""

    event: Annotated[str, Field(min_length=1, max_length=100)]


class LightspeedWebhookRequest(RawBody):
    """``payload`` is the record as JSON, ``type`` the kind of event: ``sale.update`` and others,
    all sent to this path. ``domain_prefix`` names the account, whose org is thereby found."""

    media_type = "application/x-www-form-urlencoded"

    payload: str
    type: str | None = None
    domain_prefix: str | None = Field(None, alias="domain_prefix")


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
    lightspeed: tuple[SignedByLightspeed, SecretInAddress, ReceiveWebhook],
) -> RouteTable:
    """For each POS, its rules and its service."""
    table = RouteTable(PUBLIC)
    signed, receive_alleaves = alleaves
    add = _Adding(table, signed.provider, AlleavesWebhookRequest, receive_alleaves)
    add(ALLEAVES, NoParams, signed, errors=[OrgUnclear])
    add(f"{ALLEAVES}/{{orgId}}", OrgQuery, signed, errors=[OrgUnclear])
    by_app, by_address, receive_lightspeed = lightspeed
    add = _Adding(table, by_app.provider, LightspeedWebhookRequest, receive_lightspeed)
    add(ADDRESS_PATH, NoParams, by_app, errors=[OrgUnclear])
    add(f"{ADDRESS_PATH}/{{orgId}}", OrgQuery, by_app, errors=[OrgUnclear])
    add(f"{ADDRESS_PATH}/{{orgId}}/{{secret}}", AddressParams, by_address, errors=[Unauthenticated])

    def verify(call: RouteCall[Any, NoBody]) -> RouteReply:
        """Verify that this path receives webhooks."""
        return RouteReply(VerificationResponse(challenge=call.params.challenge))

    table.get(ALLEAVES, VerificationQuery, VerificationResponse)(verify)
    table.get(f"{ALLEAVES}/{{orgId}}", OrgVerificationQuery, VerificationResponse)(verify)
    return table


@dataclass(frozen=True, slots=True)
class _Adding:
    """Adds the paths of one provider's webhooks to a table."""

    table: RouteTable
    provider: str
    body: type[RawBody]
    receive: ReceiveWebhook

    def __call__(
        self, path: str, params: type[Params], rule: Rule, *, errors: list[type[RequestRefused]]
    ) -> None:
        """Add a path, and who may send to it."""

        def handle(call: RouteCall[Any, Any]) -> RouteReply:
            assert isinstance(call.caller, WebhookSender)
            return RouteReply(WebhookResponse(outcome=self.receive(call.caller.org_id, call.raw)))

        self.table.post(
            path,
            params,
            self.body,
            WebhookResponse,
            rule=rule,
            summary=f"An event of a {self.provider} POS.",
            max_body=LARGEST,
            errors=errors,
        )(handle)
