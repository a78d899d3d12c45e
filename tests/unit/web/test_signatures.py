"""Webhooks: whom to believe."""

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from werkzeug.test import EnvironBuilder

from shared.errors import Unauthenticated
from shared.services.webhook_senders import Fits
from shared.web.auth import WebhookSender
from shared.web.request import RoutedRequest
from shared.web.signatures import SignedByAlleaves, SignedByLightspeed, signature

SECRET = SecretStr("the secret of org_x")
SECOND = SecretStr("that of its other location")
BODY = b'{"event": "order.created", "data": {"id_order": 7}}'


def find_sender(org_id: str | None, body: bytes, fits: Fits) -> str | None:
    """Only org_x has secrets."""
    matches = [fits(secret) for secret in (SECRET, SECOND)]
    return "org_x" if any(matches) and org_id in ("org_x", None) else None


ALLEAVES = SignedByAlleaves(find_sender)


def incoming(body: bytes, path: dict[str, str], headers: dict[str, str]) -> RoutedRequest:
    environ = EnvironBuilder("/hook", method="POST", headers=list(headers.items())).get_environ()
    return RoutedRequest(Request(environ), path, body)


def of_org(sent: str, *, org_id: str = "org_x", body: bytes = BODY) -> RoutedRequest:
    return incoming(body, {"orgId": org_id}, {"X-Alleaves-Signature": sent})


@pytest.mark.parametrize("secret", [SECRET, SECOND])
@pytest.mark.parametrize("prefix", ["", "sha256="])
def test_a_signature_fits_with_and_without_its_prefix(secret: SecretStr, prefix: str) -> None:
    sent = prefix + signature(BODY, secret)

    assert ALLEAVES.identify(of_org(sent)) == WebhookSender("org_x")
    assert ALLEAVES.identify(of_org(sent.upper().replace("SHA256", "sha256"))) == WebhookSender(
        "org_x"
    )


def test_the_org_may_be_named_in_a_header() -> None:
    headers = {"X-Alleaves-Signature": signature(BODY, SECRET), "X-Org-Id": "org_x"}

    assert ALLEAVES.identify(incoming(BODY, {}, headers)) == WebhookSender("org_x")


def test_an_org_that_is_not_named_is_the_one_whose_secret_fits() -> None:
    sent = {"X-Alleaves-Signature": signature(BODY, SECOND)}

    assert ALLEAVES.identify(incoming(BODY, {}, sent)) == WebhookSender("org_x")
    refusal(incoming(BODY, {}, {"X-Alleaves-Signature": signature(BODY, SecretStr("a guess"))}))


@pytest.mark.parametrize("sent", ["", "sha256=", "0" * 63, "0" * 65, "g" * 64, "0" * 63 + "é"])
@pytest.mark.parametrize("path", [{}, {"orgId": "org_x"}])
def test_what_cannot_be_a_signature_is_compared_with_no_secret(
    sent: str, path: dict[str, str]
) -> None:
    asked = []

    def find(org_id: str | None, body: bytes, fits: Fits) -> str | None:
        asked.append(org_id)
        return None

    with pytest.raises(Unauthenticated):
        SignedByAlleaves(find).identify(incoming(BODY, path, {"X-Alleaves-Signature": sent}))

    assert asked == []


def refusal(request: RoutedRequest) -> str:
    with pytest.raises(Unauthenticated) as refused:
        ALLEAVES.identify(request)
    return str(refused.value)


def test_an_unknown_org_and_a_bad_signature_look_alike() -> None:
    good = signature(BODY, SECRET)

    answers = {
        refusal(of_org(good, org_id="org_unknown")),
        refusal(of_org(good, org_id="../org_x")),
        refusal(of_org("0" * 64)),
        refusal(of_org("")),
        refusal(incoming(BODY, {"orgId": "org_x"}, {})),
        refusal(of_org(signature(b"", SecretStr("")), body=b"")),
    }

    assert len(answers) == 1


@given(place=st.integers(0, len(BODY) - 1), byte=st.integers(0, 255))
def test_a_body_that_was_changed_anywhere_does_not_fit(place: int, byte: int) -> None:
    changed = BODY[:place] + bytes([byte]) + BODY[place + 1 :]
    if changed != BODY:
        refusal(of_org(signature(BODY, SECRET), body=changed))


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=80))
def test_no_other_text_fits(text: str) -> None:
    refusal(of_org(text))


def test_lightspeed_names_the_algorithm_beside_the_signature() -> None:
    rule = SignedByLightspeed(find_sender)
    good = signature(BODY, SECRET)

    def sent(text: str) -> RoutedRequest:
        return incoming(BODY, {"orgId": "org_x"}, {"X-Signature": text})

    assert rule.identify(sent(f"signature={good},algorithm=HMAC-SHA256")) == WebhookSender("org_x")
    for bad in (good, f"signature={good},algorithm=HMAC-MD5", f"signature={good}", "signature=,"):
        with pytest.raises(Unauthenticated):
            rule.identify(sent(bad))
