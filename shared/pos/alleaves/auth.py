"""Signing in at Alleaves: ``POST /auth``, and how long the token lasts."""

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

    It lasts until ``expires`` or ``expires_at`` of the reply, else ``exp`` of the JWT, else 24
    hours. Raises ValueError where there is no token that an HTTP header can carry.
    """
    fields = reply if isinstance(reply, dict) else {}
    value = fields.get("token")
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        raise ValueError("no token")
    for said in (fields.get("expires"), fields.get("expires_at"), _jwt_expiry(value)):
        expires_at = _moment(said, now)
        # A token that is over before it is used means that the clocks differ: no use either.
        if expires_at and expires_at > now:
            return Token.valid_from(value, issued_at=now, expires_at=expires_at)
    return Token.valid_from(value, issued_at=now, expires_at=now + _LIFETIME)


def _jwt_expiry(token: str) -> object:
    try:
        # The POS checks its own signature; all that matters here is when to come back.
        return jwt.decode(token, options={"verify_signature": False}).get("exp")
    except jwt.PyJWTError:
        return None


def _moment(said: object, now: datetime) -> datetime | None:
    """A moment from ISO text, epoch seconds or milliseconds, or seconds from now."""
    try:
        if isinstance(said, str) and not said.strip().isdecimal():
            moment = datetime.fromisoformat(said.strip())
            return moment.replace(tzinfo=moment.tzinfo or UTC)
        if not isinstance(said, str | int | float):
            return None
        number = float(said)
        if number < _EPOCH_ABOVE:
            return now + timedelta(seconds=number)
        return datetime.fromtimestamp(
            number / 1000 if number > _MILLISECONDS_ABOVE else number, UTC
        )
    except (ValueError, OverflowError, OSError):
        return None
