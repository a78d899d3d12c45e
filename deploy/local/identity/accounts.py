"""Accounts of people, in memory, and the unsigned tokens that an emulator hands out.

firebase-admin believes such tokens only where FIREBASE_AUTH_EMULATOR_HOST is set, and asks the
service at that address whether the account is disabled or its sessions are revoked.
"""

import base64
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

HOUR = 3600


class Refused(Exception):
    """A call that the service refuses; the message is one of Identity Toolkit's codes."""


@dataclass(slots=True)
class Account:
    """One person. ``valid_since``: sessions that began before are revoked, in epoch seconds."""

    uid: str
    email: str
    password: str = field(repr=False)
    claims: Mapping[str, Any] = field(default_factory=dict)
    disabled: bool = False
    valid_since: int = 0

    def described(self) -> dict[str, Any]:
        """As ``accounts:lookup`` tells it."""
        return {
            "localId": self.uid,
            "email": self.email,
            "emailVerified": True,
            "customAttributes": json.dumps(self.claims),
            "disabled": self.disabled,
            "validSince": str(self.valid_since),
            "providerUserInfo": [{"providerId": "password", "rawId": self.email}],
        }


class Accounts:
    """All accounts. Safe for threads."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._by_uid: dict[str, Account] = {}

    def create(self, email: str, password: str, uid: str = "") -> Account:
        """A new account. Raises Refused where the address has one."""
        with self._lock:
            if any(each.email == email.lower() for each in self._by_uid.values()):
                raise Refused("EMAIL_EXISTS")
            made = Account(uid or token_hex(14), email.lower(), password)
            self._by_uid[made.uid] = made
            return made

    def get(self, uid: str) -> Account | None:
        with self._lock:
            return self._by_uid.get(uid)

    def of_email(self, email: str) -> Account | None:
        with self._lock:
            wanted = email.strip().lower()
            return next((each for each in self._by_uid.values() if each.email == wanted), None)

    def update(self, uid: str, fields: Mapping[str, Any]) -> Account:
        """Change what ``accounts:update`` names. Raises Refused for an unknown account."""
        with self._lock:
            found = self._by_uid.get(uid)
            if found is None:
                raise Refused("USER_NOT_FOUND")
            if "customAttributes" in fields:
                found.claims = json.loads(fields["customAttributes"] or "{}")
            if "validSince" in fields:
                found.valid_since = int(fields["validSince"])
            if "disableUser" in fields:
                found.disabled = bool(fields["disableUser"])
            if "password" in fields:
                found.password = str(fields["password"])
            return found

    def sign_in(self, email: str, password: str) -> Account:
        """The account with this password. Raises Refused."""
        found = self.of_email(email)
        if found is None or found.password != password:
            raise Refused("INVALID_LOGIN_CREDENTIALS")
        if found.disabled:
            raise Refused("USER_DISABLED")
        return found

    def id_token(self, project: str, account: Account) -> str:
        """An ID token of a sign-in that happened now."""
        now = int(self._clock())
        own = {"auth_time": now, "iat": now, "exp": now + HOUR}
        issuer = f"https://securetoken.google.com/{project}"
        return _unsigned({**self._claims(project, account), "iss": issuer, **own})

    def session_cookie(self, project: str, id_token: str, seconds: int) -> str:
        """A session cookie for the person of an ID token. Raises Refused for one that is none."""
        claims = _claims_of(id_token)
        now = int(self._clock())
        if claims.get("aud") != project or int(claims.get("exp", 0)) < now:
            raise Refused("INVALID_ID_TOKEN")
        account = self.get(str(claims.get("sub")))
        if account is None or account.disabled:
            raise Refused("USER_DISABLED" if account else "USER_NOT_FOUND")
        issuer = f"https://session.firebase.google.com/{project}"
        return _unsigned({**claims, "iss": issuer, "iat": now, "exp": now + seconds})

    def _claims(self, project: str, account: Account) -> dict[str, Any]:
        return {
            **account.claims,
            "aud": project,
            "sub": account.uid,
            "user_id": account.uid,
            "email": account.email,
            "email_verified": True,
            "firebase": {
                "sign_in_provider": "password",
                "identities": {"email": [account.email]},
            },
        }


def _unsigned(claims: Mapping[str, Any]) -> str:
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _claims_of(token: str) -> dict[str, Any]:
    try:
        _, middle, _ = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except ValueError:
        raise Refused("INVALID_ID_TOKEN") from None
    if not isinstance(claims, dict):
        raise Refused("INVALID_ID_TOKEN")
    return claims
