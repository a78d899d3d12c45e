"""Signing in, and who a token speaks for."""

import time
from typing import Any
from uuid import uuid4

import jwt

from deploy.local.simulator.org import Org, Orgs

_ALGORITHM = "HS256"
_SIGNING_KEY = "the simulator's own key, of no use anywhere else"


class Refused(Exception):
    """The credentials or the token are not good."""


def sign_in(orgs: Orgs, body: dict[str, Any]) -> dict[str, Any]:
    """The reply to ``POST /auth``, as the org's style has it. The pin counts only where the org has
    one. Raises Refused."""
    org = orgs.with_user(str(body.get("username", "")))
    if org is None or body.get("password") != org.spec.secret:
        raise Refused("Invalid username or password")
    if org.spec.pin is not None and str(body.get("pin") or "") != org.spec.pin:
        raise Refused("Invalid pin")
    if org.spec.api_style == "rest":
        return {"token": _issue(org), "locationId": org.spec.location_ids[0]}
    return {
        "id_user": org.spec.company_id % 10_000,
        "name_first": "Sync",
        "name_last": "User",
        "username": org.spec.user,
        "id_company": org.spec.company_id,
        "company": org.spec.company,
        "token": _issue(org),
    }


def _issue(org: Org) -> str:
    claims = {
        "org": org.id,
        "id_company": org.spec.company_id,
        "issue": org.tokens_from,
        "jti": uuid4().hex,
        "exp": int(time.time()) + org.spec.token_seconds,
    }
    return jwt.encode(claims, _SIGNING_KEY, algorithm=_ALGORITHM)


class Tokens:
    """Reads tokens; what was once verified is remembered, so that a call costs no signature."""

    def __init__(self, orgs: Orgs) -> None:
        self._orgs = orgs
        self._claims: dict[str, dict[str, Any]] = {}

    def org_of(self, authorization: str | None, api_key: str | None = None) -> Org:
        """The org of an ``Authorization`` or an ``X-Api-Key`` header. Raises Refused."""
        if keyed := self._orgs.with_key(api_key):
            return keyed
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused("No token provided")
        if keyed := self._orgs.with_key(token):
            return keyed
        claims = self._claims.get(token)
        if claims is None:
            try:
                claims = jwt.decode(token, _SIGNING_KEY, algorithms=[_ALGORITHM])
            except jwt.InvalidTokenError:
                raise Refused("Invalid token") from None
            self._claims[token] = claims
        if claims["exp"] <= time.time():
            raise Refused("Token expired")
        try:
            org = self._orgs.get(claims["org"])
        except KeyError:
            raise Refused("Invalid token") from None
        if claims["issue"] < org.tokens_from:
            raise Refused("Invalid token")
        return org
