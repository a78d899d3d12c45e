"""Tokens, the rate limit, webhooks and their signatures."""

import hashlib
import hmac
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from deploy.local.simulator.lightspeed.rate_window import Allowance, RateWindow
from deploy.local.simulator.lightspeed.spec import RetailerSpec
from deploy.local.simulator.lightspeed.tokens import GrantRefused, RetailerTokens
from deploy.local.simulator.lightspeed.webhooks import RETRIES, gap_seconds, signature
from tests.unit.simulator.lightspeed.conftest import RetailClient

URL = "https://sync.example.com/hooks"


def test_a_personal_token_opens_its_own_account_alone(cove: RetailClient) -> None:
    good = cove.get("outlets")
    cove.token = "lsxs_pt_of_nobody"

    assert (good.status_code, cove.get("outlets").status_code) == (200, 401)


def test_a_withdrawn_token_is_refused_and_a_new_one_is_not(cove: RetailClient) -> None:
    cove.control("POST", "/withdraw-tokens")
    refused = cove.get("outlets").status_code
    cove.control("PATCH", "", {"personalToken": "lsxs_pt_anew"})
    cove.token = "lsxs_pt_anew"

    assert (refused, cove.get("outlets").status_code) == (401, 200)


def test_a_refresh_token_is_good_for_once(cove: RetailClient) -> None:
    # Given
    first = cove.retailer.spec.refresh_token

    # When
    granted = cove.grant(grant_type="refresh_token", refresh_token=first)
    again = cove.grant(grant_type="refresh_token", refresh_token=first)
    following = cove.grant(grant_type="refresh_token", refresh_token=granted.json["refresh_token"])

    # Then
    assert [granted.status_code, again.status_code, following.status_code] == [200, 400, 200]
    assert granted.json["expires_in"] == 86_400
    for each in (granted, following):
        cove.token = each.json["access_token"]
        assert cove.get("outlets").status_code == 200


def test_a_code_is_exchanged_once(cove: RetailClient) -> None:
    code = cove.retailer.spec.code

    replies = [cove.grant(grant_type="authorization_code", code=code) for _ in range(2)]

    assert [reply.status_code for reply in replies] == [200, 400]


def test_an_access_token_lives_as_long_as_the_spec_says() -> None:
    # Given
    now = 1000.0
    spec = RetailerSpec(id="org_x", token_seconds=60)
    tokens = RetailerTokens(lambda: now)
    form = {
        "client_id": spec.client_id,
        "client_secret": spec.client_secret,
        "grant_type": "refresh_token",
        "refresh_token": spec.refresh_token,
    }
    token = tokens.grant(spec, form)["access_token"]

    # When / Then
    assert tokens.is_good(spec, token)
    now += 60
    assert not tokens.is_good(spec, token)
    with pytest.raises(GrantRefused):
        tokens.grant(spec, form | {"client_secret": "wrong"})


def test_so_many_calls_a_window_are_answered() -> None:
    # Given
    now = 1000.0
    spec = RetailerSpec(id="org_x", registers=1)
    window = RateWindow(lambda: now)

    # When
    taken = [window.take(spec) for _ in range(351)]
    now += 300
    later = window.take(spec)

    # Then
    assert [each.remaining for each in taken if each and not each.retry_at] == [*range(349, -1, -1)]
    assert taken[-1] == Allowance(350, 0, retry_at=1300.0)
    assert later == Allowance(350, 349)


def test_a_refused_call_says_as_a_date_when_the_window_ends(cove: RetailClient) -> None:
    # Given
    for _ in range(cove.retailer.spec.rate_limit - 1):
        cove.retailer.rate.take(cove.retailer.spec)

    # When
    last, refused = cove.get("outlets"), cove.get("outlets")

    # Then
    limits = [last.headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining")]
    assert limits == ["950", "0"]
    assert refused.status_code == 429
    assert refused.json == {"error": "Too Many Requests", "message": "Rate limiting enforced"}
    wait = parsedate_to_datetime(refused.headers["Retry-After"]) - datetime.now(UTC)
    assert 290 < wait.total_seconds() < 302


def test_webhooks_are_registered_listed_changed_and_taken_out(cove: RetailClient) -> None:
    # When
    body = {"type": "sale.update", "url": URL, "active": True}
    made = cove.call("POST", "2.0/webhooks", json=body)
    twice = cove.call("POST", "2026-07/webhooks", data=body)
    hook = made.json["data"]
    changed = cove.call("PUT", f"2.0/webhooks/{hook['id']}", json={"active": False})
    listed = cove.get("webhooks").json["data"]
    removed = cove.call("DELETE", f"2.0/webhooks/{hook['id']}")

    # Then
    assert (made.status_code, twice.status_code, removed.status_code) == (201, 409, 204)
    assert twice.json["error"] == "Conflict"
    assert listed == [changed.json["data"]] == [hook | {"active": False}]
    assert cove.get("webhooks").json["data"] == []
    assert cove.call("DELETE", f"2.0/webhooks/{hook['id']}").status_code == 404


@pytest.mark.parametrize("wrong", [{"type": "sale.created"}, {"url": "not a url"}])
def test_a_webhook_of_no_known_type_or_url_is_refused(
    cove: RetailClient, wrong: dict[str, str]
) -> None:
    body = {"type": "sale.update", "url": URL} | wrong

    assert cove.call("POST", "2.0/webhooks", json=body).status_code == 422


def test_the_signature_is_that_of_the_raw_body() -> None:
    spec = RetailerSpec(id="org_x")
    body = b"payload=%7B%7D&type=sale.update"

    expected = hmac.new(spec.client_secret.encode(), body, hashlib.sha256).hexdigest()

    assert signature(spec, body) == f"signature={expected},algorithm=HMAC-SHA256"


def test_retries_have_growing_gaps_over_two_days() -> None:
    gaps = [gap_seconds(attempt, 86_400) for attempt in range(1, RETRIES + 1)]

    assert gaps == sorted(gaps)
    assert round(sum(gaps)) == 2 * 86_400
