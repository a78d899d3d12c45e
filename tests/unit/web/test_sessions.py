"""Real RS256 tokens through firebase-admin's own verification."""

import base64
import hmac
import json
import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import RetryLater, Unauthenticated
from shared.web.sessions import FirebaseSessions
from tests.identity.adapter import app_of
from tests.identity.authority import HOUR, KEY_ID, Authority

Forge = Callable[[Authority], str]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("demo-sessions")


@pytest.fixture(scope="module")
def sessions(authority: Authority) -> FirebaseSessions:
    return FirebaseSessions(app_of(authority))


def test_a_token_and_a_cookie_tell_their_claims(
    authority: Authority, sessions: FirebaseSessions
) -> None:
    token = authority.id_token("ann", role="super_user")
    cookie = authority.cookie("bob", role="brand_admin", orgId="org_x")

    assert sessions.of_token(token)["uid"] == "ann"
    assert sessions.of_cookie(cookie)["orgId"] == "org_x"


def _without_signature(authority: Authority) -> str:
    claims = authority.claims(f"https://securetoken.google.com/{authority.project}", "eve")
    return f"{_part({'alg': 'none', 'kid': KEY_ID})}.{_part(claims)}."


def _signed_with_the_public_key(authority: Authority) -> str:
    public = authority.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims = authority.claims(f"https://securetoken.google.com/{authority.project}", "eve")
    signed = f"{_part({'alg': 'HS256', 'kid': KEY_ID})}.{_part(claims)}"
    return f"{signed}.{_text(hmac.digest(public, signed.encode(), 'sha256'))}"


def _with_other_claims(authority: Authority) -> str:
    header, _, signature = authority.id_token("eve").split(".")
    claims = authority.claims(f"https://securetoken.google.com/{authority.project}", "admin")
    return f"{header}.{_part(claims)}.{signature}"


def _part(value: object) -> str:
    return _text(json.dumps(value).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


FORGED: dict[str, Forge] = {
    "expired": lambda a: a.id_token(iat=int(time.time()) - 2 * HOUR, exp=int(time.time()) - HOUR),
    "of another project": lambda a: a.id_token(aud="another-project"),
    "of another issuer": lambda a: a.id_token(iss="https://securetoken.google.com/another"),
    "a session cookie's issuer": lambda a: a.cookie(),
    "from the future": lambda a: a.id_token(iat=int(time.time()) + HOUR),
    "for nobody": lambda a: a.id_token(sub=None),
    "for an empty name": lambda a: a.id_token(sub=""),
    "of another key": lambda a: a.id_token_of_another(),
    "alg none": _without_signature,
    "HS256 with the public key": _signed_with_the_public_key,
    "with other claims": _with_other_claims,
    "cut off": lambda a: a.id_token()[:-20],
    "two parts": lambda a: a.id_token().rpartition(".")[0],
    "empty": lambda _: "",
    "no token at all": lambda _: "hello",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_a_forged_or_stale_token_is_refused(
    authority: Authority, sessions: FirebaseSessions, forge: Forge
) -> None:
    with pytest.raises(Unauthenticated):
        sessions.of_token(forge(authority))


def test_an_id_token_is_no_session_cookie(authority: Authority, sessions: FirebaseSessions) -> None:
    with pytest.raises(Unauthenticated):
        sessions.of_cookie(authority.id_token())


def test_a_revoked_session_is_refused(authority: Authority, sessions: FirebaseSessions) -> None:
    token, cookie = authority.id_token("cleo"), authority.cookie("cleo")
    assert sessions.of_token(token)

    authority.revoke("cleo")

    with pytest.raises(Unauthenticated):
        sessions.of_token(token)
    with pytest.raises(Unauthenticated):
        sessions.of_cookie(cookie)


def test_a_disabled_and_a_deleted_account_are_refused(
    authority: Authority, sessions: FirebaseSessions
) -> None:
    authority.disable("dan")
    authority.forget("ema")

    for uid in ("dan", "ema"):
        with pytest.raises(Unauthenticated):
            sessions.of_token(authority.id_token(uid))


def test_nobody_is_let_in_while_google_cannot_be_asked(authority: Authority) -> None:
    sessions = FirebaseSessions(app_of(authority, reachable=False))

    with pytest.raises(RetryLater):
        sessions.of_token(authority.id_token())


@given(st.text(max_size=200))
def test_any_text_is_refused_and_nothing_else_happens(text: str) -> None:
    sessions = FirebaseSessions(_SHARED)

    with pytest.raises(Unauthenticated):
        sessions.of_token(text)
    with pytest.raises(Unauthenticated):
        sessions.of_cookie(text)


_SHARED = app_of(Authority("demo-text"))
