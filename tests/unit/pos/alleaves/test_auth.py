"""How long a token of Alleaves lasts."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pos.alleaves.api import token_of
from tests.unit.pos.fakes import START

IN_AN_HOUR = START + timedelta(hours=1)
BUFFER = timedelta(minutes=5)
EPOCH = int(IN_AN_HOUR.timestamp())


def signed(**claims: Any) -> str:
    return jwt.encode(claims, "a key that only the POS knows, long enough", algorithm="HS256")


@pytest.mark.parametrize(
    "reply",
    [
        {"token": "t", "expires": IN_AN_HOUR.isoformat()},
        {"token": "t", "expires_at": "2026-03-18T13:00:00.000Z"},
        {"token": "t", "expires_at": "2026-03-18T13:00:00"},
        {"token": "t", "expires": EPOCH},
        {"token": "t", "expires": EPOCH * 1000},
        {"token": "t", "expires": str(EPOCH)},
        {"token": "t", "expires": 3600},
        {"token": "t", "expires": None, "expires_at": EPOCH},
        {"token": signed(exp=EPOCH)},
        {"token": signed(exp=EPOCH), "expires": "soon"},
        {"token": signed(exp=EPOCH), "expires": START.isoformat()},
    ],
)
def test_the_reply_says_how_long_else_the_token_itself(reply: dict[str, Any]) -> None:
    token = token_of(reply, START)

    assert token.value == reply["token"]
    assert token.refresh_at == IN_AN_HOUR - BUFFER


def test_the_reply_goes_before_the_token() -> None:
    reply = {"token": signed(exp=EPOCH + 9_000), "expires_at": EPOCH}

    assert token_of(reply, START).refresh_at == IN_AN_HOUR - BUFFER


@pytest.mark.parametrize(
    "token",
    [
        "opaque",
        signed(sub="nobody"),
        signed(exp=EPOCH - 90_000),
        "a.b.c",
        "eyJhbGciOiJub25lIn0.e30.",
    ],
)
def test_where_nothing_says_a_token_lasts_a_day(token: str) -> None:
    assert token_of({"token": token}, START).refresh_at == START + timedelta(hours=24) - BUFFER


@pytest.mark.parametrize(
    "reply", [None, [], {}, {"token": ""}, {"token": 7}, {"token": "a\nb"}, {"token": "tökén"}]
)
def test_a_reply_without_a_usable_token_is_unreadable(reply: object) -> None:
    with pytest.raises(ValueError, match="no token"):
        token_of(reply, START)


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30))
def test_no_expiry_breaks_it(expires: object) -> None:
    assert token_of({"token": "t", "expires": expires}, START).refresh_at > START
