"""``/api/session``: the cookie by which a browser is signed in."""

from datetime import datetime, timedelta

from pydantic import SecretStr
from werkzeug.http import dump_cookie, parse_cookie

from shared.clock import Clock
from shared.errors import Forbidden, Unauthenticated
from shared.web.auth import COOKIE, PUBLIC, is_same_site, user_of
from shared.web.request import KIB, Body, NoBody, NoParams
from shared.web.response import ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable
from shared.web.sessions import FirebaseSessions

LASTS = timedelta(days=5)
SIGNED_IN_WITHIN = timedelta(minutes=5)
"""An ID token lives for an hour; who has stolen one shall not make days of it."""


class SessionRequest(Body):
    """An ID token of a sign-in a moment ago."""

    id_token: SecretStr


class SessionResponse(ResponseModel):
    """Who is signed in; nobody without ``expiresAt``."""

    signed_in: bool
    expires_at: datetime | None = None


def routes(sessions: FirebaseSessions, clock: Clock, *, secure: bool) -> RouteTable:
    """``secure``: whether the cookie is for HTTPS only."""
    table = RouteTable(PUBLIC)

    @table.post(
        "/api/session",
        NoParams,
        SessionRequest,
        SessionResponse,
        errors=[Unauthenticated, Forbidden],
        max_body=8 * KIB,
    )
    def begin_session(call: RouteCall[NoParams, SessionRequest]) -> RouteReply:
        """Sign a browser in."""
        if not is_same_site(call.headers):
            raise Forbidden("another site may not sign anybody in")
        token = call.body.id_token.get_secret_value()
        claims, now = sessions.of_token(token), clock()
        if now.timestamp() - float(claims["auth_time"]) > SIGNED_IN_WITHIN.total_seconds():
            raise Unauthenticated("sign in again: the token is of an earlier sign-in")
        cookie = sessions.begin(token, LASTS)
        return RouteReply(
            SessionResponse(signed_in=True, expires_at=now + LASTS),
            headers={"Set-Cookie": _cookie(cookie, LASTS, secure=secure)},
        )

    @table.delete("/api/session", NoParams, SessionResponse, errors=[Forbidden])
    def end_session(call: RouteCall[NoParams, NoBody]) -> RouteReply:
        """Sign the browser out, and end the person's sessions everywhere."""
        if not is_same_site(call.headers):
            raise Forbidden("another site may not sign anybody out")
        cookie = parse_cookie(call.headers.get("Cookie", "")).get(COOKIE)
        if cookie:
            _end(sessions, cookie)
        return RouteReply(
            SessionResponse(signed_in=False),
            headers={"Set-Cookie": _cookie("", timedelta(0), secure=secure)},
        )

    return table


def _end(sessions: FirebaseSessions, cookie: str) -> None:
    try:
        sessions.end(user_of(sessions.of_cookie(cookie)).uid)
    except Unauthenticated:
        return  # it has ended already


def _cookie(value: str, lasts: timedelta, *, secure: bool) -> str:
    return dump_cookie(
        COOKIE, value, max_age=lasts, path="/", httponly=True, secure=secure, samesite="Lax"
    )
