"""Who may call a route: the forms that a rule can have, and the two that need no secrets."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import Request

from shared.web.caller import Anyone, Caller


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request that has found its route: its path parameters and its body as sent."""

    request: Request
    path: Mapping[str, str]
    raw: bytes


class Rule(ABC):
    """Who may call. ``name`` stands in lists of routes, ``schemes`` are OpenAPI's names for what
    a caller must send: any one of them will do."""

    name: ClassVar[str]
    schemes: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    @abstractmethod
    def identify(self, incoming: Incoming) -> Caller:
        """The proven caller. Raises NotSignedIn."""


class OrgRule(Rule):
    """A rule for routes that are about one org."""

    @abstractmethod
    def admit(self, caller: Caller, org_id: str | None) -> str:
        """The id of the org that the caller is let in for, as it is stored; ``org_id`` is the one
        named in the request. Raises NotAllowed, and NotFound for nobody but those who may know
        which orgs there are."""


class Public(Rule):
    """Anyone may call."""

    name = "public"

    def identify(self, incoming: Incoming) -> Caller:
        """Nothing is asked."""
        return Anyone()


class PublicOfOrg(OrgRule):
    """Anyone may read what an org shows to everybody."""

    name = "public, of one org"

    def identify(self, incoming: Incoming) -> Caller:
        """Nothing is asked."""
        return Anyone()

    def admit(self, caller: Caller, org_id: str | None) -> str:
        """The org as named: an org that does not exist shows nothing."""
        return org_id or ""


PUBLIC = Public()
PUBLIC_OF_ORG = PublicOfOrg()
