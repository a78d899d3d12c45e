"""The routes of webhooks: what is answered to whom."""

import json
from typing import Any

import pytest
from werkzeug.test import Client

from shared.errors import RequestInvalid
from shared.pos.port import PosEvent
from shared.services.webhook_senders import Fits, OrgUnclear
from shared.services.webhooks import ReceiveWebhook
from shared.web.openapi import document
from shared.web.routes.webhooks import ALLEAVES, routes
from shared.web.routing import RouteTable
from shared.web.signatures import SecretInAddress, SignedByAlleaves, SignedByLightspeed
from tests.fakes import RecordingPublisher, SteppingClock
from tests.unit.services.sync_in_memory import EmptyDatabase
from tests.unit.web.calling import client_of

SIGNED = {"X-Alleaves-Signature": "0" * 64}


def refuse(body: bytes) -> PosEvent:
    raise RequestInvalid("never read")


def table(answer: str) -> RouteTable:
    """The routes where the signature is that of nobody, or of several."""

    def find(org_id: str | None, body: bytes, fits: Fits) -> str | None:
        if answer == "unclear":
            raise OrgUnclear("which org?")
        return None

    receive = ReceiveWebhook(
        "alleaves", refuse, EmptyDatabase(), RecordingPublisher(), SteppingClock().now
    )
    return routes(
        (SignedByAlleaves(find), receive),
        (SignedByLightspeed(find), SecretInAddress(lambda org_id, fits: False), receive),
    )


def error(client: Client, **sent: Any) -> tuple[int, str]:
    reply = client.post(ALLEAVES, data=b"{}", **sent)
    return reply.status_code, json.loads(reply.data)["error"]["code"]


def test_an_org_that_is_not_clear_is_a_conflict_and_a_wrong_signature_is_not() -> None:
    unclear, nobody = client_of(*table("unclear")), client_of(*table("nobody"))

    assert error(unclear, headers=SIGNED) == (409, "org_unclear")
    assert error(unclear) == (401, "not_signed_in")
    assert error(nobody, headers=SIGNED) == (401, "not_signed_in")


def test_the_description_has_both_answers() -> None:
    described = document("webhooks", tuple(table("nobody")))

    for path in (ALLEAVES, f"{ALLEAVES}/{{orgId}}"):
        assert {"200", "401", "409"} <= described["paths"][path]["post"]["responses"].keys()


@pytest.mark.parametrize("path", [ALLEAVES, f"{ALLEAVES}/org_x"])
@pytest.mark.parametrize("challenge", [None, "abc-123"])
def test_anybody_may_verify_the_address(path: str, challenge: str | None) -> None:
    query = {"challenge": challenge} if challenge else {}

    reply = client_of(*table("nobody")).get(path, query_string=query)

    assert reply.status_code == 200
    assert json.loads(reply.data) == {"status": "ok", **query}
