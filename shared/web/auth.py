"""Who is calling, proven: people by Firebase sessions, machines by shared secrets.

A person's claims are, besides Firebase's own: ``role`` (one) or ``roles`` (a list), and the orgs
that they belong to in ``orgId``, ``currentOrgId``, ``brandId`` (one each) or ``orgIds`` (a list).
"""

import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

from flask import Request

from shared.domain import ids
from shared.errors import NotAllowed, NotFound, NotSignedIn, RequestInvalid
from shared.web.caller import Caller, Machine, Person
from shared.web.rules import Incoming, OrgRule, Rule

ANY_ORG = frozenset({"super_user", "super_admin"})
OWN_ORG = frozenset({"dispensary_admin", "brand_admin"})
COOKIE = "__session"
"""The only cookie that Firebase Hosting hands on to a function."""
SHORTEST_SECRET = 32

_ONE_ORG = ("orgId", "currentOrgId", "brandId")
_READING = frozenset({"GET", "HEAD"})


class Sessions(Protocol):
    """Verifies what people are signed in with. Both raise NotSignedIn."""

    def of_cookie(self, cookie: str) -> Mapping[str, Any]:
        """The claims of a session cookie."""
        ...

    def of_token(self, token: str) -> Mapping[str, Any]:
        """The claims of an ID token."""
        ...


@dataclass(frozen=True, slots=True)
class Staff(OrgRule):
    """A signed-in person: ANY_ORG roles for every org, OWN_ORG roles for the orgs they belong to.

    ``find_org`` tells how an org's id is spelled where it is stored, None for an unknown org.
    """

    sessions: Sessions
    find_org: Callable[[str], str | None]

    name: ClassVar[str] = "staff of the org"
    schemes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
        "idToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    }

    def identify(self, incoming: Incoming) -> Caller:
        """The person of the Bearer ID token, else of the session cookie."""
        request = incoming.request
        token = bearer(request)
        if token is not None:
            return person_of(self.sessions.of_token(token))
        cookie = request.cookies.get(COOKIE)
        if not cookie:
            raise NotSignedIn("sign in first")
        if request.method not in _READING and not _sent_by_own_page(request):
            raise NotSignedIn("the session cookie does not count for a request of another site")
        return person_of(self.sessions.of_cookie(cookie))

    def admit(self, caller: Caller, org_id: str | None) -> str:
        """See OrgRule. Without ``org_id`` it is the one org that the person belongs to."""
        if not isinstance(caller, Person) or not caller.roles & (ANY_ORG | OWN_ORG):
            raise NotAllowed("none of your roles allows this")
        own = {ids.base_org_id(each): each for each in caller.orgs}
        if org_id is None:
            if len(own) != 1:
                raise RequestInvalid("orgId: say which org is meant")
            org_id = next(iter(own.values()))
        if not caller.roles & ANY_ORG and ids.base_org_id(org_id) not in own:
            raise NotAllowed("this org is not yours")
        return self.existing(org_id)

    def existing(self, org_id: str) -> str:
        """The org as it is stored. Raises NotFound."""
        found = self.find_org(org_id)
        if found is None:
            raise NotFound("there is no such org")
        return found


@dataclass(frozen=True, slots=True)
class SharedSecret(Rule):
    """A machine that sends one of the secrets as a Bearer token. Two are valid while one takes
    the other's place. Raises ValueError for none, or for one that is too short to be a secret."""

    secrets: tuple[str, ...] = field(repr=False)

    name: ClassVar[str] = "cron secret"
    schemes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "cronSecret": {"type": "http", "scheme": "bearer"}
    }

    def __post_init__(self) -> None:
        if not 1 <= len(self.secrets) <= 2:
            raise ValueError("one shared secret is needed, or two while they are exchanged")
        if any(len(secret) < SHORTEST_SECRET for secret in self.secrets):
            raise ValueError(f"a shared secret has at least {SHORTEST_SECRET} characters")

    def identify(self, incoming: Incoming) -> Caller:
        """The machine, whichever secret it has."""
        sent = (bearer(incoming.request) or "").encode()
        # Every secret is compared, each in constant time: how long it takes tells nothing.
        fits = [hmac.compare_digest(sent, secret.encode()) for secret in self.secrets]
        if not any(fits):
            raise NotSignedIn("the secret is missing or wrong")
        return Machine("cron")


@dataclass(frozen=True, slots=True)
class StaffOrMachine(OrgRule):
    """The staff of an org, or a machine with the shared secret, for any org."""

    staff: Staff
    machine: SharedSecret

    name: ClassVar[str] = "staff of the org, or cron secret"
    schemes: ClassVar[Mapping[str, Mapping[str, Any]]] = {**Staff.schemes, **SharedSecret.schemes}

    def identify(self, incoming: Incoming) -> Caller:
        """The machine where the secret fits, else a person."""
        try:
            return self.machine.identify(incoming)
        except NotSignedIn:
            return self.staff.identify(incoming)

    def admit(self, caller: Caller, org_id: str | None) -> str:
        """See OrgRule."""
        if isinstance(caller, Machine) and org_id is not None:
            return self.staff.existing(org_id)
        return self.staff.admit(caller, org_id)


def bearer(request: Request) -> str | None:
    """The Bearer token of a request, if it has one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def person_of(claims: Mapping[str, Any]) -> Person:
    """The person that verified claims describe."""
    named = [claims.get(name) for name in _ONE_ORG]
    return Person(
        uid=str(claims["uid"]),
        roles=frozenset(_texts([claims.get("role"), *_list(claims.get("roles"))])),
        orgs=tuple(dict.fromkeys(_texts([*named, *_list(claims.get("orgIds"))]))),
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _texts(values: Iterable[object]) -> Iterable[str]:
    return (value for value in values if isinstance(value, str) and value)


def _sent_by_own_page(request: Request) -> bool:
    """Whether a browser sent the request for a page of ours, or no browser sent it at all."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    own = {request.host, request.headers.get("X-Forwarded-Host")}
    return origin is None or urlsplit(origin).netloc in own
