"""Pages from templates: the environment, what every page is given, and the headers of HTML."""

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from shared.cache import ExpiringCache
from shared.clock import Clock
from shared.console import static_files
from shared.console.formats import FILTERS
from shared.console.reader import ReadableRoutes, Reader, query_of
from shared.pos.config import DEFAULT_TIMEZONE
from shared.web.auth import ANY_ORG, OWN_ORG, Caller, SignedInUser
from shared.web.response import RawContent, RouteReply
from shared.web.routes.metadata import MetadataResponse
from shared.web.routes.orgs import OrgStatusResponse
from shared.web.routing import Route, RouteCall

HTML = "text/html"
ORGS_KEPT = 10_000
KEPT_SECONDS = 300.0
SMALLEST_COMPRESSED = 1_024

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_ENVIRONMENT.filters.update(FILTERS)


def name_of(org_id: str) -> str:
    """An org's id as a name: "org_main_street" is "Main Street"."""
    return org_id.removeprefix("org_").replace("_", " ").replace("-", " ").title() or org_id


def _link(path: str, given: Mapping[str, Any] | None = None, **changed: object) -> str:
    """An address with these parameters, changed; None and blank are left out."""
    query = urlencode(query_of(given or {}, **changed))
    return f"{path}?{query}" if query else path


_ENVIRONMENT.filters["org_name"] = name_of
_ENVIRONMENT.globals.update(static=static_files.address, link=_link)


@dataclass(frozen=True, slots=True)
class OrgFrame:
    """The org that a page is about. Times are shown in ``zone``."""

    id: str
    name: str
    zone: ZoneInfo

    @property
    def path(self) -> str:
        """Where its pages are."""
        return f"/orgs/{self.id}"


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person who looks at a page."""

    sees_every_org: bool = False
    orgs: tuple[str, ...] = ()

    @classmethod
    def of(cls, caller: Caller) -> "Viewer":
        """For the navigation only: what they may read, the routes' rules say."""
        if not isinstance(caller, SignedInUser):
            return cls()
        known = caller.orgs if caller.roles & (ANY_ORG | OWN_ORG) else ()
        return cls(bool(caller.roles & ANY_ORG), known)


@dataclass(frozen=True, slots=True)
class Console:
    """Makes pages. ``routes`` are the JSON routes that pages may read."""

    routes: ReadableRoutes
    clock: Clock
    _frames: ExpiringCache[str, OrgFrame] = field(
        default_factory=lambda: ExpiringCache(ORGS_KEPT), repr=False
    )

    @classmethod
    def of(cls, routes: Iterable[Route[Any, Any]], clock: Clock) -> "Console":
        """A console of these routes."""
        return cls(ReadableRoutes(routes), clock)

    def reader(self, call: RouteCall[Any, Any]) -> Reader:
        """Reads for the person of a call."""
        return Reader(self.routes, call.caller, call.request_id)

    def page(
        self,
        call: RouteCall[Any, Any],
        template: str,
        *,
        title: str,
        section: str,
        images: bool = False,
        **given: Any,
    ) -> RouteReply:
        """The page for a person. ``title`` is its heading, ``section`` the entry of the navigation
        that is current; ``images``: of any https host, as products have them."""
        org = self._frame(call) if call.org_id else None
        return rendered(
            template,
            self.clock(),
            accepted=call.headers.get("Accept-Encoding", ""),
            images=images,
            request_id=call.request_id,
            title=title,
            section=section,
            viewer=Viewer.of(call.caller),
            org=org,
            zone=org.zone if org else ZoneInfo(DEFAULT_TIMEZONE),
            **given,
        )

    def _frame(self, call: RouteCall[Any, Any]) -> OrgFrame:
        """Kept for minutes; the page's rule has admitted the caller to the org."""

        def read() -> OrgFrame:
            org_id, reader = call.org_id, self.reader(call)
            found = reader.get("/api/metadata", MetadataResponse, orgId=org_id)
            known = reader.get("/api/orgs/{orgId}/status", OrgStatusResponse, orgId=org_id)
            zones = (each.fields.get("timezone") for each in found.locations.items)
            return OrgFrame(org_id, known.name or name_of(org_id), _zone(next(zones, None)))

        return self._frames.get_or(call.org_id, KEPT_SECONDS, read)


def rendered(
    template: str,
    now: datetime,
    *,
    accepted: str,
    status: int = 200,
    images: bool = False,
    headers: Mapping[str, str] = MappingProxyType({}),
    **given: Any,
) -> RouteReply:
    """HTML of a template, with the headers that every page has, and further ones."""
    text = _ENVIRONMENT.get_template(template).render(now=now, **given)
    policy = _POLICY | ({"img-src": "'self' data: https:"} if images else {})
    sent = {
        **headers,
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        # Forms tell where they were sent from; other sites learn nothing.
        "Referrer-Policy": "same-origin",
        "Vary": "Accept-Encoding, Cookie",
    }
    data = text.encode()
    if static_files.accepts_gzip(accepted) and len(data) > SMALLEST_COMPRESSED:
        sent["Content-Encoding"] = "gzip"
        data = gzip.compress(data, compresslevel=6, mtime=0)
    return RouteReply(RawContent(f"{HTML}; charset=utf-8", data), status=status, headers=sent)


def redirect(address: str, **headers: str) -> RouteReply:
    """Elsewhere on this origin."""
    return RouteReply(RawContent(HTML, b""), status=303, headers={"Location": address, **headers})


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(name or DEFAULT_TIMEZONE))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(DEFAULT_TIMEZONE)
