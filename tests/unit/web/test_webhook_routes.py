"""The routes of webhooks: what is answered to whom."""

import json
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs
from werkzeug.test import Client

from shared.errors import RequestInvalid
from shared.pos.lightspeed.webhooks import ADDRESS_PATH
from shared.pos.port import PosEvent
from shared.services.webhook_senders import Fits, OrgUnclear
from shared.services.webhooks import ReceiveWebhook
from shared.web.openapi import document
from shared.web.routes.webhooks import ALLEAVES, LARGEST, routes
from shared.web.routing import RouteTable
from shared.web.signatures import SecretInAddress, SignedByAlleaves, SignedByLightspeed
from tests.fakes import RecordingPublisher, SteppingClock
from tests.spans import RecordedSpans
from tests.unit.services.sync_in_memory import EmptyDatabase
from tests.unit.web.calling import client_of

IN_ADDRESS = "A-secret_of-thirty-two-characters"
SIGNED = {"X-Alleaves-Signature": "0" * 64}


def refuse(body: bytes) -> PosEvent:
    raise RequestInvalid("never read")


def table(answer: str) -> RouteTable:
    """The routes where the signature is that of nobody, or of several; ``breaks``: of which a
    look-up fails."""

    def find(org_id: str | None, body: bytes, fits: Fits) -> str | None:
        if answer == "unclear":
            raise OrgUnclear("which org?")
        return None

    def knows(org_id: str, fits: Fits) -> bool:
        if answer == "breaks":
            raise RuntimeError("the database is away")
        return fits(SecretStr(IN_ADDRESS))

    receive = ReceiveWebhook(
        "alleaves", refuse, EmptyDatabase(), RecordingPublisher(), SteppingClock().now
    )
    return routes(
        (SignedByAlleaves(find), receive),
        (SignedByLightspeed(find), SecretInAddress(knows), receive),
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


def test_the_secret_in_an_address_is_logged_and_traced_nowhere(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given webhooks to an address with a secret, right or wrong, whole, cut off and broken
    path = f"{ADDRESS_PATH}/org_a/{IN_ADDRESS}"
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", path, {"data": b"payload=%7B%7D"}),
        ("POST", f"{path}x", {"data": b"payload=%7B%7D"}),
        ("POST", f"{ADDRESS_PATH}/org_b/{IN_ADDRESS}", {}),
        ("POST", path, {"data": b"x" * (LARGEST + 1)}),
        ("POST", path, {"query_string": {"a": "x" * 3_000}}),
        ("POST", path, {"query_string": {"secret": "x"}}),
        ("POST", f"{path}/", {}),
        ("POST", f"{path}/more", {}),
        ("POST", f"/{path}", {}),
        ("GET", path, {}),
        ("PUT", path, {}),
    ]
    answers = set()

    # When they are answered, and when something breaks meanwhile
    with RecordedSpans().recording() as spans, capture_logs() as logs:
        for kind in ("nobody", "breaks"):
            client = client_of(*table(kind))
            for method, sent_to, given in requests:
                answer = client.open(sent_to, method=method, **given)
                answers.add(answer.status_code)
                assert IN_ADDRESS not in f"{answer.text}{answer.headers}"

    # Then nothing that is left of them has the secret
    assert {400, 401, 404, 405, 413, 414, 500} <= answers
    printed = capsys.readouterr()
    recorded = "".join(span.to_json() for span in spans.all())
    assert len(logs) >= len(spans.all()) == 2 * len(requests)
    for text in (recorded, caplog.text, printed.out, printed.err, str(logs)):
        assert IN_ADDRESS not in text


def test_the_description_has_the_address_with_a_secret() -> None:
    described = document("webhooks", tuple(table("nobody")))

    posted = described["paths"][f"{ADDRESS_PATH}/{{orgId}}/{{secret}}"]["post"]
    assert [each["name"] for each in posted["parameters"]] == ["orgId", "secret"]
    assert {"200", "401"} <= posted["responses"].keys()
    assert "security" not in posted
