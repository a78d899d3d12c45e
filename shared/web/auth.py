"""Who may call: callers, and the rules that identify them and allow them an org.

A user's claims are, besides Firebase's own: ``role`` (one) or ``roles`` (a list), and the orgs that
the user belongs to in ``orgId``, ``currentOrgId``, ``brandId`` (one each) or ``orgIds`` (a list).
The rule for webhooks is in signatures.py.
"""

import hmac
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

from flask import Request
from werkzeug.datastructures import Headers

from shared.domain import ids
from shared.errors import Forbidden, NotFound, RequestInvalid, Unauthenticated
from shared.web.request import RoutedRequest

ANY_ORG = frozenset({"super_user", "super_admin"})
OWN_ORG = frozenset({"dispensary_admin", "brand_admin"})
COOKIE = "__session"
"""The only cookie that Firebase Hosting passes on to a function."""
SHORTEST_SECRET = 32

_ONE_ORG = ("orgId", "currentOrgId", "brandId")
_READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class AnonymousCaller:
    """A caller who has not been identified."""

    label: str = "anyone"


@dataclass(frozen=True, slots=True)
class MachineCaller:
    """A program with a shared secret; ``label`` names the secret."""

    label: str


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """A POS that has proven to know the secret of an org."""

    org_id: str
    label: str = "pos"


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """A signed-in person. ``orgs`` are spelled as in the claims."""

    uid: str
    roles: frozenset[str]
    orgs: tuple[str, ...]
    label: str = "person"


Caller = AnonymousCaller | MachineCaller | WebhookSender | SignedInUser


class Rule(ABC):
    """Who may call a route. ``name`` is for lists of routes. ``schemes`` are the OpenAPI security
    schemes, of which a caller needs one."""

    name: ClassVar[str]
    schemes: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    limited: ClassVar[bool] = True
    """Whether an address may call only so often: a POS sends all orgs' webhooks from its own."""

    @abstractmethod
    def identify(self, routed: RoutedRequest) -> Caller:
        """The verified caller. Raises Unauthenticated."""

    def allow(self, caller: Caller) -> Caller:
        """The caller of a route that another route is called by, in process; the other route's rule
        has identified them. Raises Unauthenticated and Forbidden."""
        raise Unauthenticated("this is not for people")


class OrgRule(Rule):
    """A rule for routes about one org."""

    @abstractmethod
    def admit(self, caller: Caller, org_id: str | None) -> str:
        """The id, as stored, of the org that the caller may use; ``org_id`` is the one named in the
        request. Raises Forbidden. Raises NotFound only for callers who may see every org."""


class Public(Rule):
    """Anyone may call."""

    name = "public"

    def identify(self, routed: RoutedRequest) -> Caller:
        """Always anonymous."""
        return AnonymousCaller()

    def allow(self, caller: Caller) -> Caller:
        """Anybody."""
        return caller


FindOrg = Callable[[str], str | None]
"""From any spelling of an org's id to the id as stored; None for an unknown org."""


@dataclass(frozen=True, slots=True)
class PublicOfOrg(OrgRule):
    """Anyone may read what an org publishes."""

    find_org: FindOrg

    name: ClassVar[str] = "public, of one org"

    def identify(self, routed: RoutedRequest) -> Caller:
        """Always anonymous."""
        return AnonymousCaller()

    def allow(self, caller: Caller) -> Caller:
        """Anybody."""
        return caller

    def admit(self, caller: Caller, org_id: str | None) -> str:
        """The org as stored; as named where it is unknown: it has published nothing."""
        return (org_id and self.find_org(org_id)) or org_id or ""


PUBLIC = Public()


class Sessions(Protocol):
    """Verifies session cookies and ID tokens. Both methods raise Unauthenticated."""

    def of_cookie(self, cookie: str) -> Mapping[str, Any]:
        """The claims of a session cookie."""
        ...

    def of_token(self, token: str) -> Mapping[str, Any]:
        """The claims of an ID token."""
        ...


@dataclass(frozen=True, slots=True)
class Staff(OrgRule):
    """A signed-in user: ANY_ORG roles for every org, OWN_ORG roles for the user's own orgs."""

    sessions: Sessions
    find_org: FindOrg

    name: ClassVar[str] = "staff of the org"
    schemes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
        "idToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    }

    def identify(self, routed: RoutedRequest) -> Caller:
        """The user of the Bearer ID token, else of the session cookie."""
        request = routed.request
        token = bearer(request)
        if token is not None:
            return user_of(self.sessions.of_token(token))
        cookie = request.cookies.get(COOKIE)
        if not cookie:
            raise Unauthenticated("sign in first")
        if request.method not in _READING and not is_same_site(request.headers):
            raise Unauthenticated("the session cookie does not count for a request of another site")
        return user_of(self.sessions.of_cookie(cookie))

    def allow(self, caller: Caller) -> Caller:
        """A signed-in user."""
        if not isinstance(caller, SignedInUser):
            raise Unauthenticated("sign in first")
        return caller

    def admit(self, caller: Caller, org_id: str | None) -> str:
        """See OrgRule. Without ``org_id`` it is the only org that the user belongs to."""
        if not isinstance(caller, SignedInUser) or not caller.roles & (ANY_ORG | OWN_ORG):
            raise Forbidden("none of your roles allows this")
        if org_id is None:
            return self._only_org(caller)
        if caller.roles & ANY_ORG:
            return self.existing(org_id)
        named = ids.base_org_id(org_id)
        found = self._own_orgs(each for each in caller.orgs if ids.base_org_id(each) == named)
        # The orgs found are compared, not their spellings: two orgs may be spellings of one name.
        asked = self.find_org(org_id) if found else None
        if asked is None or asked not in found:
            raise Forbidden("this org is not yours")
        return asked

    def _only_org(self, caller: SignedInUser) -> str:
        """The only org of a user. Raises RequestInvalid, and for an unknown one as ``admit``."""
        if len(set(map(ids.base_org_id, caller.orgs))) != 1:
            raise RequestInvalid("orgId: say which org is meant")
        found = self._own_orgs(caller.orgs)
        if len(found) > 1:
            raise RequestInvalid("orgId: say which org is meant")
        if not found:
            if caller.roles & ANY_ORG:
                raise NotFound("there is no such org")
            raise Forbidden("this org is not yours")
        return found.pop()

    def _own_orgs(self, claimed: Iterable[str]) -> set[str]:
        """The ids as stored of the orgs that a user claims, without unknown ones."""
        return {found for each in claimed if (found := self.find_org(each)) is not None}

    def existing(self, org_id: str) -> str:
        """The id of the org as stored. Raises NotFound."""
        found = self.find_org(org_id)
        if found is None:
            raise NotFound("there is no such org")
        return found


@dataclass(frozen=True, slots=True)
class EveryOrg(Rule):
    """A signed-in user with a role for every org, on routes that are about none."""

    staff: Staff

    name: ClassVar[str] = "role for every org"
    schemes: ClassVar[Mapping[str, Mapping[str, Any]]] = Staff.schemes

    def identify(self, routed: RoutedRequest) -> Caller:
        """The user. Raises Forbidden, too, for one with other roles."""
        return self.allow(self.staff.identify(routed))

    def allow(self, caller: Caller) -> Caller:
        """A user with such a role."""
        caller = self.staff.allow(caller)
        if not isinstance(caller, SignedInUser) or not caller.roles & ANY_ORG:
            raise Forbidden("none of your roles allows this")
        return caller


@dataclass(frozen=True, slots=True)
class SignedIn(Rule):
    """A signed-in user with a role for any org, on routes that are about none."""

    staff: Staff

    name: ClassVar[str] = "staff"
    schemes: ClassVar[Mapping[str, Mapping[str, Any]]] = Staff.schemes

    def identify(self, routed: RoutedRequest) -> Caller:
        """The user. Raises Forbidden, too, for one without a role."""
        return self.allow(self.staff.identify(routed))

    def allow(self, caller: Caller) -> Caller:
        """A user with a role."""
        caller = self.staff.allow(caller)
        if not isinstance(caller, SignedInUser) or not caller.roles & (ANY_ORG | OWN_ORG):
            raise Forbidden("none of your roles allows this")
        return caller


@dataclass(frozen=True, slots=True)
class SharedSecret(Rule):
    """A machine that sends one of the secrets as a Bearer token. Two are valid during a rotation.
    Raises ValueError for another number of secrets, or for one that is too short."""

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

    def identify(self, routed: RoutedRequest) -> Caller:
        """The machine, with either secret."""
        sent = (bearer(routed.request) or "").encode()
        # All secrets are compared, in constant time: the duration reveals nothing.
        matches = [hmac.compare_digest(sent, secret.encode()) for secret in self.secrets]
        if not any(matches):
            raise Unauthenticated("the secret is missing or wrong")
        return MachineCaller("cron")


@dataclass(frozen=True, slots=True)
class StaffOrMachine(OrgRule):
    """The staff of an org, or a machine with the shared secret for any org."""

    staff: Staff
    machine: SharedSecret

    name: ClassVar[str] = "staff of the org, or cron secret"
    schemes: ClassVar[Mapping[str, Mapping[str, Any]]] = {**Staff.schemes, **SharedSecret.schemes}

    def identify(self, routed: RoutedRequest) -> Caller:
        """The machine if the secret is right, else a user."""
        try:
            return self.machine.identify(routed)
        except Unauthenticated:
            return self.staff.identify(routed)

    def allow(self, caller: Caller) -> Caller:
        """Either."""
        return caller if isinstance(caller, MachineCaller) else self.staff.allow(caller)

    def admit(self, caller: Caller, org_id: str | None) -> str:
        """See OrgRule."""
        if isinstance(caller, MachineCaller) and org_id is not None:
            return self.staff.existing(org_id)
        return self.staff.admit(caller, org_id)


def bearer(request: Request) -> str | None:
    """The Bearer token of a request, if it has one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def user_of(claims: Mapping[str, Any]) -> SignedInUser:
    """The user that verified claims describe. A claim that no org can have as its id is ignored."""
    claimed = [*(claims.get(name) for name in _ONE_ORG), *_list(claims.get("orgIds"))]
    return SignedInUser(
        uid=str(claims["uid"]),
        roles=frozenset(_texts([claims.get("role"), *_list(claims.get("roles"))])),
        orgs=tuple(dict.fromkeys(filter(ids.is_document_id, _texts(claimed)))),
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _texts(values: Iterable[object]) -> Iterable[str]:
    return (value for value in values if isinstance(value, str) and value)


def is_same_site(headers: Headers) -> bool:
    """Whether one of our own pages sent the request, or no browser at all."""
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("Origin")
    own = {headers.get("Host"), headers.get("X-Forwarded-Host")}
    try:
        return origin is None or urlsplit(origin).netloc in own
    except ValueError:
        return False
