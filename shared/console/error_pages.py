"""Errors as people are shown them: what happened, and what to do."""

from typing import NamedTuple
from urllib.parse import urlencode

from flask import Request

from shared.clock import utc_now
from shared.console.rendering import HTML, redirect, rendered
from shared.web.response import ErrorDetail, RouteReply

SIGN_IN = "/sign-in"
_OF_PROGRAMS = ("/api/", "/assets/", "/openapi.json")


class Advice(NamedTuple):
    """A heading, and what to do."""

    heading: str
    advice: str


_ADVICE = {
    400: Advice("This address cannot be read", "Correct the address, or go back and try again."),
    403: Advice(
        "You may not see this",
        "Ask an administrator of the organization for access, or sign in as somebody else.",
    ),
    404: Advice(
        "There is nothing here",
        "It may have been removed, or the address is misspelled. Go back, or start again from the "
        "overview.",
    ),
    409: Advice("This does not fit what is there", "Reload the page and try again."),
    429: Advice("Too many requests", "Wait a minute, then reload the page."),
    502: Advice(
        "A provider did not answer",
        "The point of sale or loyalty service failed. Try again in a few minutes.",
    ),
    503: Advice("Not now", "Reload the page in a few seconds."),
}
_OTHER = Advice(
    "Something went wrong on our side",
    "Reload the page. If it happens again, tell support the request number below.",
)


def error_page(request: Request, status: int, detail: ErrorDetail) -> RouteReply | None:
    """A page for a browser, the sign-in for who is not signed in; None for programs."""
    if request.path.startswith(_OF_PROGRAMS) or not accepts_html(request):
        return None
    if status == 401:
        asked = request.full_path.rstrip("?")
        query = f"?{urlencode({'next': asked})}" if asked not in ("", "/") else ""
        return redirect(SIGN_IN + query)
    advice = _ADVICE.get(status, _ADVICE[400] if status < 500 else _OTHER)
    return rendered(
        "error.html",
        utc_now(),
        accepted=request.headers.get("Accept-Encoding", ""),
        status=status,
        request_id=detail.request_id,
        title=advice.heading,
        advice=advice.advice,
        said=detail.message,
        status_shown=status,
    )


def accepts_html(request: Request) -> bool:
    """Whether HTML is asked for by name, as browsers do when they open an address."""
    return any(kind == HTML and quality > 0 for kind, quality in request.accept_mimetypes)


def local_path(asked: str | None) -> str:
    """Where to go after a sign-in: a path of this origin, else the start page."""
    if not asked or not asked.startswith("/") or asked[1:2] in ("/", "\\"):
        return "/"
    return asked if asked.isprintable() and "\\" not in asked else "/"
