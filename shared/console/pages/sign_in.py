"""``/sign-in`` and ``/sign-out``: plain forms, so that they work without JavaScript.

The password goes to this server, which asks Firebase: neither it nor a token is ever within reach
of a script in the page.
"""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qs

from pydantic import SecretStr

from shared.clock import utc_now
from shared.console.error_pages import SIGN_IN, local_path
from shared.console.rendering import HTML, redirect, rendered
from shared.errors import Forbidden, RateLimited, Unauthenticated
from shared.services.sign_in import PasswordSignIn
from shared.web.auth import PUBLIC
from shared.web.request import KIB, NoBody, NoParams, Params, RawBody
from shared.web.response import RouteReply
from shared.web.routes.session import BrowserSessions
from shared.web.routing import RouteCall, RouteTable

LONGEST_NEXT = 1_000
_INCOMPLETE = 422


class SignInPage(Params):
    """Where to go afterwards: a path of this origin."""

    next: str = "/"
    signed_out: bool = False


class SignInForm(RawBody):
    """What the form sends."""

    email: str = ""
    password: str = ""
    next: str = "/"

    media_type: ClassVar[str] = "application/x-www-form-urlencoded"


class SignOutForm(RawBody):
    """Nothing."""

    media_type: ClassVar[str] = "application/x-www-form-urlencoded"


def routes(sign_in: PasswordSignIn, sessions: BrowserSessions) -> RouteTable:
    """Anybody may try."""
    table = RouteTable(PUBLIC)

    @table.get(SIGN_IN, SignInPage, HTML)
    def show_sign_in(call: RouteCall[SignInPage, NoBody]) -> RouteReply:
        """The sign-in."""
        return _page(call, {"next": call.params.next}, signed_out=call.params.signed_out)

    @table.post(
        SIGN_IN,
        NoParams,
        SignInForm,
        (303, HTML),
        (Unauthenticated.status, HTML),
        (_INCOMPLETE, HTML),
        (RateLimited.status, HTML),
        errors=[Forbidden],
        max_body=8 * KIB,
    )
    def send_sign_in(call: RouteCall[NoParams, SignInForm]) -> RouteReply:
        """Sign in with e-mail and password."""
        given = _fields(call.raw)
        email, password = given.get("email", "").strip(), given.get("password", "")
        if not email or not password:
            return _page(call, given, "Enter your e-mail and your password.", status=_INCOMPLETE)
        try:
            token = sign_in(email, SecretStr(password))
            _, cookie = sessions.begin(token, call.headers)
        except Unauthenticated as error:
            return _page(call, given, _sentence(error), status=error.status)
        except RateLimited as error:
            waits = {"Retry-After": str(error.retry_after)}
            return _page(call, given, _sentence(error), status=error.status, headers=waits)
        return redirect(local_path(given.get("next")), **{"Set-Cookie": cookie})

    @table.post("/sign-out", NoParams, SignOutForm, (303, HTML), errors=[Forbidden])
    def send_sign_out(call: RouteCall[NoParams, SignOutForm]) -> RouteReply:
        """Sign out."""
        return redirect(f"{SIGN_IN}?signedOut=1", **{"Set-Cookie": sessions.end(call.headers)})

    return table


def _page(
    call: RouteCall[Any, Any],
    given: Mapping[str, str],
    said: str = "",
    *,
    status: int = 200,
    signed_out: bool = False,
    headers: Mapping[str, str] | None = None,
) -> RouteReply:
    """The form; the password is never sent back."""
    return rendered(
        "sign_in.html",
        utc_now(),
        accepted=call.headers.get("Accept-Encoding", ""),
        status=status,
        headers=headers or {},
        signed_out=signed_out,
        title="Sign in",
        request_id=call.request_id,
        said=said,
        email=given.get("email", ""),
        next=local_path(given.get("next", "")[:LONGEST_NEXT]),
    )


def _fields(raw: bytes) -> dict[str, str]:
    """A form's fields, the last of each name."""
    text = raw.decode(errors="replace")
    try:
        found = parse_qs(text, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in found.items()}


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
