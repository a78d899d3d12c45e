"""``/api/session``: the cookie by which a browser is signed in."""

from contextlib import suppress
from datetime import datetime, timedelta

from pydantic import SecretStr
from werkzeug.datastructures import Headers
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


class BrowserSessions:
    """The cookie's life. ``secure``: it is for HTTPS only."""

    def __init__(self, sessions: FirebaseSessions, clock: Clock, *, secure: bool) -> None:
        self._sessions = sessions
        self._clock = clock
        self._secure = secure

    def begin(self, token: str, headers: Headers) -> tuple[datetime, str]:
        """Until when a session lasts that begins with an ID token, and its Set-Cookie. Raises
        Unauthenticated, and Forbidden for a request of another site."""
        _refuse_other_sites(headers)
        claims, now = self._sessions.of_token(token), self._clock()
        if now.timestamp() - float(claims["auth_time"]) > SIGNED_IN_WITHIN.total_seconds():
            raise Unauthenticated("sign in again: the token is of an earlier sign-in")
        return now + LASTS, self._cookie(self._sessions.begin(token, LASTS), LASTS)

    def end(self, headers: Headers) -> str:
        """End all sessions of the person whose cookie it is, on every machine, if there still is
        one; the Set-Cookie that takes it away. Raises Forbidden for a request of another site."""
        _refuse_other_sites(headers)
        cookie = parse_cookie(headers.get("Cookie", "")).get(COOKIE)
        if cookie:
            with suppress(Unauthenticated):
                self._sessions.end(user_of(self._sessions.of_cookie(cookie)).uid)
        return self._cookie("", timedelta(0))

    def _cookie(self, value: str, lasts: timedelta) -> str:
        return dump_cookie(
            COOKIE,
            value,
            max_age=lasts,
            path="/",
            httponly=True,
            secure=self._secure,
            samesite="Lax",
        )


def _refuse_other_sites(headers: Headers) -> None:
    if not is_same_site(headers):
        raise Forbidden("another site may not sign anybody in or out")


def routes(sessions: BrowserSessions) -> RouteTable:
    """Anybody may ask: the token or the cookie says who they are."""
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
        expires_at, cookie = sessions.begin(call.body.id_token.get_secret_value(), call.headers)
        return RouteReply(
            SessionResponse(signed_in=True, expires_at=expires_at), headers={"Set-Cookie": cookie}
        )

    @table.delete("/api/session", NoParams, SessionResponse, errors=[Forbidden])
    def end_session(call: RouteCall[NoParams, NoBody]) -> RouteReply:
        """Sign the browser out, and end the person's sessions everywhere."""
        cookie = sessions.end(call.headers)
        return RouteReply(SessionResponse(signed_in=False), headers={"Set-Cookie": cookie})

    return table
