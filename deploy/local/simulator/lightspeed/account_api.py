"""Tokens, the account and the webhooks of X-Series."""

from typing import Any

from flask import Response, request

from deploy.local.simulator.call import parameters
from deploy.local.simulator.fault_replies import json_reply
from deploy.local.simulator.lightspeed.call import (
    NoSuchRecord,
    blueprint_of,
    refused,
    retailer,
    token,
)
from deploy.local.simulator.lightspeed.tokens import GrantRefused
from deploy.local.simulator.lightspeed.webhooks import AlreadyRegistered, NotValid
from deploy.local.simulator.table import Record, encode

account_api = blueprint_of("lightspeed_account")


@account_api.post("/1.0/token")
def exchange() -> Response:
    """Tokens for a code or a refresh token."""
    try:
        return _reply(retailer().tokens.grant(retailer().spec, request.form.to_dict()))
    except GrantRefused as error:
        return refused(400, str(error))


@account_api.get("/<version>/retailer")
def get_retailer() -> Response:
    """The account."""
    spec = retailer().spec
    return _reply(
        {
            "data": {
                "id": spec.retailer_id,
                "name": spec.company,
                "domain_prefix": spec.prefix,
                "time_zone": spec.timezone,
                "currency": "USD",
                "tax_exclusive": True,
            }
        }
    )


@account_api.get("/<version>/webhooks")
def list_webhooks() -> Response:
    """Those registered."""
    rows = [each.row(retailer().spec.retailer_id) for each in retailer().webhooks.all()]
    return _reply({"data": rows})


@account_api.post("/<version>/webhooks")
def register_webhook() -> Response:
    """Register one, given as JSON or as a form; its deliveries are signed where an OAuth
    application registers it."""
    given = _given()
    signed = retailer().tokens.is_oauth(token())
    active = str(given.get("active", True)).lower() != "false"
    try:
        made = retailer().webhooks.add(
            given.get("type"), given.get("url"), active=active, signed=signed
        )
    except AlreadyRegistered:
        return refused(409, "There is a webhook of this type and URL")
    except NotValid:
        return refused(422, "The type or the URL is not valid")
    return _reply({"data": made.row(retailer().spec.retailer_id)}, 201)


@account_api.route("/<version>/webhooks/<webhook_id>", methods=["GET", "PUT", "DELETE"])
def one_webhook(webhook_id: str) -> Response:
    """One webhook, read, changed or taken out."""
    hooks = retailer().webhooks
    try:
        if request.method == "DELETE":
            hooks.remove(webhook_id)
            return Response(status=204)
        given = _given()
        names = ("type", "url", "active") if request.method == "PUT" else ()
        fields = {name: given[name] for name in names if name in given}
        changed = hooks.change(webhook_id, fields)
    except KeyError:
        raise NoSuchRecord from None
    except AlreadyRegistered:
        return refused(409, "There is a webhook of this type and URL")
    return _reply({"data": changed.row(retailer().spec.retailer_id)})


def _given() -> dict[str, Any]:
    return {**request.form.to_dict(), **parameters()}


def _reply(body: Record, status: int = 200) -> Response:
    return json_reply(encode(body), status)
