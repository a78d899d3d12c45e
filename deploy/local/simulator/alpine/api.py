"""Alpine IQ's wallet look-up under ``/alpine``."""

from typing import Any

from flask import Blueprint, Response, request

from deploy.local.simulator.alpine.account import api_key_of
from deploy.local.simulator.call import (
    begin_call,
    caller,
    end_call,
    parameters,
    simulation,
)
from deploy.local.simulator.fault_replies import json_reply
from deploy.local.simulator.org import Org
from deploy.local.simulator.table import encode

alpine = Blueprint("alpine", __name__, url_prefix="/alpine")

ENDPOINT = "wallet"


@alpine.before_request
def _begin() -> Response | None:
    org, refusal = _caller()
    if org is not None:
        org.alpine.note_call(parameters().get("phone"), parameters().get("email"))
    return begin_call(ENDPOINT, lambda: (org, refusal))


@alpine.after_request
def _end(reply: Response) -> Response:
    return end_call(reply)


@alpine.post("/api/v2/wallet")
def wallet() -> Response:
    """The wallet of the contact with the given ``phone``, else of the one with the ``email``."""
    given = parameters()
    found = caller().alpine.contacts.find(given.get("phone"), given.get("email"))
    if found is None:
        return _envelope(404, error="contact not found")
    hidden = bool(found["hidePointsInWallet"])
    points = 0 if hidden else found["loyaltyPoints"]
    return _envelope(
        200,
        data={
            "contactID": found["contactID"],
            "loyaltyPoints": points,
            "hidePointsInWallet": hidden,
            "discountTemplates": [
                {"id": "9", "name": "$5 off", "pointsDeduction": 100, "available": points >= 100}
            ],
        },
    )


def _caller() -> tuple[Org | None, Response | None]:
    key = request.headers.get("X-APIKEY")
    orgs = simulation().orgs
    org = next((org for org in orgs if key and api_key_of(org.spec) == key), None)
    return org, None if org else _envelope(403, error="Please provide a valid API key")


def _envelope(code: int, *, data: Any = None, error: str | None = None) -> Response:
    errors = None if error is None else [{"message": error}]
    body = {"success": error is None, "data": data, "errors": errors, "code": code}
    return json_reply(encode(body), code)
