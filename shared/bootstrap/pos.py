"""How a POS account is reached: one HTTP session, one token cache per instance."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from pydantic import Field, SecretStr

from shared.bootstrap.secrets import SecretSettings
from shared.clock import utc_now
from shared.domain.rate_limit import Limit
from shared.outbound.credentials import TokenCache
from shared.outbound.session import HttpSession, HttpSettings
from shared.pos.config import Location, SignIn, with_fallback, with_secrets
from shared.pos.lightspeed.budget import SECONDS, CallBudget, Take
from shared.pos.paging import PageSettings
from shared.pos.port import PosClient
from shared.pos.registry import OpenBudget, PosAccount, open_account
from shared.services.permits import Permits
from shared.store.database import Database

CALLS_RESERVED = 25
"""Calls to a limited provider that are reserved together: a read and a write."""


class PosSettings(SecretSettings):
    """Limits of the calls to a POS, and what of an account at Alleaves stands in for settings that
    lack it."""

    pos_concurrency: int = Field(
        default=8, ge=1, le=64, description="Pages of one listing of a POS asked for at once."
    )
    pos_read_seconds: float = Field(
        default=30, gt=0, description="Seconds to wait for an answer of a POS."
    )
    alleaves_username: str = Field(
        default="", description="User name for Alleaves locations whose settings lack one."
    )
    alleaves_password: SecretStr = Field(
        default=SecretStr(""),
        description="Password of that user, text or `secret:NAME`; never sent with another's name.",
    )
    alleaves_pin: SecretStr = Field(
        default=SecretStr(""), description="PIN of that user, as the password."
    )


def pos_opener(
    settings: PosSettings, store: Database, seconds: float
) -> Callable[[Location], PosClient]:
    """Makes the client of a location's account, its secrets resolved. Where the provider limits
    how often it is called, a call waits for its turn no longer than ``seconds`` after that."""
    limits = HttpSettings(read_seconds=settings.pos_read_seconds)

    def budget(account: str) -> CallBudget:
        until = utc_now() + timedelta(seconds=seconds)
        return CallBudget(partial(permits_of, store, account, until))

    open_resolved = account_opener(settings, store, limits, budget)
    return lambda location: open_resolved(location).client


def permits_of(store: Database, account: str, until: datetime, calls: int) -> Take:
    """Waits for the next of so many ``calls`` to an account in SECONDS, at most until a moment:
    then raises OutOfTime."""
    key = hashlib.blake2b(account.encode(), digest_size=12).hexdigest()
    limit = Limit(calls, SECONDS)
    permits = Permits(
        store, f"pos-{key}", [limit], until=until, clock=utc_now, block=CALLS_RESERVED
    )
    return permits.take


def account_opener(
    settings: PosSettings,
    store: Database,
    limits: HttpSettings,
    budget: OpenBudget | None = None,
    *,
    typed: bool = False,
) -> Callable[[Location], PosAccount]:
    """Opens a location's account, its secrets resolved; ``limits`` are those of its calls.
    ``typed``: secrets may be text, as somebody has just typed them."""
    http = HttpSession(limits, settings.destinations)
    tokens = TokenCache(utc_now)
    secrets = settings.resolver(plain_text=True if typed else None)
    replaced = settings.rotating(store)
    paging = PageSettings(in_flight=settings.pos_concurrency)
    fallback = SignIn(settings.alleaves_username, settings.alleaves_password, settings.alleaves_pin)

    def open_resolved(location: Location) -> PosAccount:
        resolved = with_fallback(with_secrets(location, secrets), fallback, secrets)
        return open_account(
            resolved, http, tokens, utc_now, paging, secrets=replaced, budget=budget
        )

    return open_resolved
