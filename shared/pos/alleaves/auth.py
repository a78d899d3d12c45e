"""Signing in at Alleaves: ``POST /auth``, and how long the token lasts."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import jwt

from shared.clock import Clock
from shared.pos.config import PosConfig
from shared.pos.exchange import Call
from shared.pos.http import HttpSession, Reply
from shared.pos.tokens import Token

PROVIDER = "The POS"
_LIFETIME = timedelta(hours=24)
"""As measured at the live service; holds where neither the reply nor the token says."""
_MILLISECONDS_ABOVE = 100_000_000_000
_EPOCH_ABOVE = 1_000_000_000


def log_in(
    http: HttpSession,
    base_url: str,
    config: PosConfig,
    *,
    clock: Clock,
    deadline: datetime | None,
) -> Reply[Token]:
    """A new token. Raises CredentialsRejected where user name, password or PIN are wrong."""
    call = Call(
        "POST",
        f"{base_url}/auth",
        provider=PROVIDER,
        what="signing in",
        json=_body(config),
        deadline=deadline,
    )
    now = clock()
    return http.call(call, lambda data: token_of(data, now))


def _body(config: PosConfig) -> dict[str, str]:
    body = {"username": config.username, "password": config.password.get_secret_value()}
    if pin := config.pin.get_secret_value():
        body["pin"] = pin
    return body


def token_of(reply: object, now: datetime) -> Token:
    """The token of a sign-in's reply, received at ``now``.

    Its expiry is ``expires`` or ``expires_at`` of the reply, else ``exp`` of the JWT, else 24
    hours. Raises ValueError where there is no token that an HTTP header can carry.
    """
    value = reply.get("token") if isinstance(reply, Mapping) else None
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not value:
        raise ValueError("no token")
    assert isinstance(reply, Mapping)
    said = reply.get("expires", reply.get("expires_at"))
    expires_at = _moment(said, now) or _moment(_jwt_expiry(value), now) or now + _LIFETIME
    return Token.valid_from(value, issued_at=now, expires_at=expires_at)


def _jwt_expiry(token: str) -> object:
    try:
        # The POS checks its own signature; all that matters here is when to come back.
        return jwt.decode(token, options={"verify_signature": False}).get("exp")
    except jwt.PyJWTError:
        return None


def _moment(value: object, now: datetime) -> datetime | None:
    """A moment from ISO text, epoch seconds or milliseconds, or seconds from now."""
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except ValueError:
        number = math.nan
    try:
        if math.isnan(number):
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
            return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None
        if number < _EPOCH_ABOVE:
            return now + timedelta(seconds=number)
        seconds = number / 1000 if number > _MILLISECONDS_ABOVE else number
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
