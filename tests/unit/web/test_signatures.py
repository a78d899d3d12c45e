"""Webhooks: whom to believe."""

from base64 import b64encode, urlsafe_b64encode

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
from shared.web.signatures import SecretInAddress, SignedByAlleaves, SignedByLightspeed, signature

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


LIGHTSPEED = SignedByLightspeed(find_sender)
DIGEST = bytes.fromhex(signature(BODY, SECRET))
SPELLINGS = (
    DIGEST.hex(),
    DIGEST.hex().upper(),
    b64encode(DIGEST).decode(),
    b64encode(DIGEST).decode().rstrip("="),
    urlsafe_b64encode(DIGEST).decode(),
    urlsafe_b64encode(DIGEST).decode().rstrip("="),
)


def of_lightspeed(sent: str) -> RoutedRequest:
    return incoming(BODY, {"orgId": "org_x"}, {"X-Signature": sent})


@pytest.mark.parametrize("spelled", SPELLINGS)
@pytest.mark.parametrize(
    "header",
    [
        "signature={},algorithm=HMAC-SHA256",
        "algorithm=HMAC-SHA256,signature={}",
        " signature = {} , algorithm = hmac-sha256 ",
    ],
)
def test_a_signature_of_lightspeed_fits_in_every_spelling(spelled: str, header: str) -> None:
    assert LIGHTSPEED.identify(of_lightspeed(header.format(spelled))) == WebhookSender("org_x")


@pytest.mark.parametrize("spelled", SPELLINGS)
@pytest.mark.parametrize(
    "header",
    [
        "{}",
        "signature={}",
        "signature={},algorithm=HMAC-MD5",
        "signature={},algorithm=HMAC-SHA256,more=1",
        "signature={},signature={}",
        "algorithm=HMAC-SHA256",
        "signature=x{},algorithm=HMAC-SHA256",
        "signature={}=x,algorithm=HMAC-SHA256",
    ],
)
def test_lightspeed_names_the_algorithm_beside_the_signature_and_nothing_else(
    spelled: str, header: str
) -> None:
    with pytest.raises(Unauthenticated):
        LIGHTSPEED.identify(of_lightspeed(header.format(spelled, spelled)))


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=80))
def test_no_other_signature_of_lightspeed_fits(text: str) -> None:
    with pytest.raises(Unauthenticated):
        LIGHTSPEED.identify(of_lightspeed(f"signature={text},algorithm=HMAC-SHA256"))


ADDRESS_SECRET = "A-secret_of-thirty-two-characters"


def knows(org_id: str, fits: Fits) -> bool:
    return fits(SecretStr(ADDRESS_SECRET)) and org_id == "org_x"


def test_the_secret_in_the_address_is_the_orgs() -> None:
    rule = SecretInAddress(knows)

    found = rule.identify(incoming(BODY, {"orgId": "org_x", "secret": ADDRESS_SECRET}, {}))

    assert found == WebhookSender("org_x")
    refusals = set()
    for org_id, secret in (
        ("org_y", ADDRESS_SECRET),
        ("../org_x", ADDRESS_SECRET),
        ("org_x", ADDRESS_SECRET.lower()),
        ("org_x", ADDRESS_SECRET + "x"),
        ("org_x", ADDRESS_SECRET[:-1]),
        ("org_x", "ä" * 32),
        ("org_x", ""),
    ):
        with pytest.raises(Unauthenticated) as refused:
            rule.identify(incoming(BODY, {"orgId": org_id, "secret": secret}, {}))
        refusals.add(str(refused.value))
    assert refusals == {refusal(of_org(""))}


@pytest.mark.parametrize("sent", ["", "x" * 31, "x" * 201, "secret a" * 5, "%20" * 12, "é" * 40])
def test_what_cannot_be_a_secret_is_compared_with_none(sent: str) -> None:
    def never(org_id: str, fits: Fits) -> bool:
        raise AssertionError("asked")

    with pytest.raises(Unauthenticated):
        SecretInAddress(never).identify(incoming(BODY, {"orgId": "org_x", "secret": sent}, {}))
