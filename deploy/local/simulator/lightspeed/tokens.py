"""Who a Bearer token speaks for: a personal token, or one that OAuth gave out."""

import time
from collections.abc import Callable
from itertools import count
from threading import Lock
from typing import Any
from uuid import uuid4

from deploy.local.simulator.lightspeed.spec import RetailerSpec


class GrantRefused(Exception):
    """The code, the refresh token or the application is not known, or was used before."""


class RetailerTokens:
    """A retailer's tokens. A refresh token is good for once: each answer brings the next. Those of
    OAuth live as long as the spec says, personal ones until withdrawn. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = Lock()
        self._access: dict[str, float] = {}
        self._withdrawn: set[str] = set()
        self._refresh: str | None = None
        self._code_used = False
        self._numbers = count(1)

    def is_good(self, spec: RetailerSpec, token: str) -> bool:
        """Whether calls with this token are answered."""
        with self._lock:
            if token == spec.token:
                return token not in self._withdrawn
            return self._access.get(token, 0) > self._clock()

    def is_oauth(self, token: str) -> bool:
        """Whether OAuth gave it out."""
        with self._lock:
            return token in self._access

    def withdraw(self, spec: RetailerSpec) -> None:
        """Refuse every token given out so far; the refresh token stays good."""
        with self._lock:
            self._access.clear()
            self._withdrawn.add(spec.token)

    def grant(self, spec: RetailerSpec, form: dict[str, str]) -> dict[str, Any]:
        """New tokens for a code or a refresh token. Raises GrantRefused."""
        with self._lock:
            if (form.get("client_id"), form.get("client_secret")) != (
                spec.client_id,
                spec.client_secret,
            ):
                raise GrantRefused("the application is not known")
            match form.get("grant_type"):
                case "authorization_code" if form.get("code") == spec.code and not self._code_used:
                    self._code_used = True
                case "refresh_token" if form.get("refresh_token") == (
                    self._refresh or spec.refresh_token
                ):
                    pass
                case _:
                    raise GrantRefused("the grant is not known, or was used before")
            token = f"lsxs_at_{uuid4().hex}"
            expires = self._clock() + spec.token_seconds
            self._access[token] = expires
            self._refresh = f"{spec.refresh_token[:-1]}{next(self._numbers)}"
            return {
                "access_token": token,
                "token_type": "Bearer",
                "expires": int(expires),
                "expires_in": int(spec.token_seconds),
                "refresh_token": self._refresh,
                "domain_prefix": spec.prefix,
            }
