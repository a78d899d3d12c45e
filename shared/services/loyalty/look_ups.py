"""Asking the loyalty provider about many customers at once, within the account's rate limit and the
invocation's time, until it counts as down."""

import contextvars
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import structlog

from shared.clock import OutOfTime
from shared.domain.loyalty import ProviderAnswer, ProviderStatus
from shared.errors import OrgError, ProviderError, RetryLater, SyncSamError
from shared.loyalty.port import UNKNOWN_CONTACT, LoyaltyProvider, ProviderSettings
from shared.services.permits import OutOfPermits, Permits
from shared.store.tenants import TenantLoyalty

AT_ONCE = 25
FAILURES_IN_A_ROW = 5
"""After so many without an answer between them the provider counts as down."""

UNAVAILABLE = ProviderAnswer(ProviderStatus.UNAVAILABLE)
NOT_CONFIGURED = ProviderAnswer(ProviderStatus.NOT_CONFIGURED)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LoyaltyContact:
    """What the provider is asked with for a customer; ``phone`` in E.164."""

    customer_id: str
    phone: str | None
    email: str | None

    @property
    def calls(self) -> int:
        """How many calls it may take to find the customer."""
        return bool(self.phone) + bool(self.email)


@dataclass(frozen=True, slots=True)
class LoyaltyAccount:
    """An account's client, and the permits for calling it. ``until`` is the end of the run's
    window: no look-up is begun from then on."""

    client: LoyaltyProvider
    permits: Permits
    until: datetime


class LookUps:
    """Look-ups of one invocation. ``account`` is None where the org has none (then all customers
    are NOT_CONFIGURED), or, with an ``error``, none that can be used; ``down`` where it is known
    not to answer.

    ``error`` is the first that occurred, ``errors`` how many did. ``stopped`` is set once time or
    permits ran out: customers without an answer are left to the next invocation. ``over`` is set
    once the run's window has no call left: they are left to a later run.
    """

    def __init__(
        self,
        account: LoyaltyAccount | None,
        *,
        error: SyncSamError | None = None,
        down: bool = False,
    ) -> None:
        self._account = account
        self._down = threading.Event()
        if down or error:
            self._down.set()
        self._failures = 0
        self._lock = threading.Lock()
        self.error = error
        self.errors = 0
        self.stopped: OutOfTime | None = None
        self.over = False

    @property
    def down(self) -> bool:
        return self._down.is_set()

    @property
    def limited(self) -> bool:
        """Whether the account has a rate limit."""
        return self._account is not None and self._account.permits.limited

    def ask(
        self, contacts: Sequence[LoyaltyContact], pool: ThreadPoolExecutor, now: datetime
    ) -> dict[str, ProviderAnswer]:
        """The answers by customer id. Only customers for whom all calls are permitted are begun."""
        account = self._account
        self.over = self.over or (account is not None and now >= account.until)
        if account is None and not self.down:
            return {contact.customer_id: NOT_CONFIGURED for contact in contacts}
        if self.over:
            return {}
        answers = {c.customer_id: UNKNOWN_CONTACT for c in contacts if not c.calls}
        known = [contact for contact in contacts if contact.calls]
        if account is None or self.down:
            return answers | {contact.customer_id: UNAVAILABLE for contact in known}
        asked = {
            contact.customer_id: pool.submit(
                contextvars.copy_context().run, self._one, account, contact
            )
            for contact in self._permitted(account, known)
        }
        found = {customer_id: future.result() for customer_id, future in asked.items()}
        return answers | {i: answer for i, answer in found.items() if answer is not None}

    def _permitted(
        self, account: LoyaltyAccount, contacts: Sequence[LoyaltyContact]
    ) -> Sequence[LoyaltyContact]:
        if not contacts:
            return ()
        try:
            left = account.permits.expect(sum(contact.calls for contact in contacts))
        except OutOfPermits as stop:
            self._stop(stop, account)
            return ()
        for place, contact in enumerate(contacts):
            left -= contact.calls
            if left < 0:
                self.stopped = OutOfTime()
                return contacts[:place]
        return contacts

    def _stop(self, stop: OutOfTime, account: LoyaltyAccount) -> None:
        if isinstance(stop, OutOfPermits) and stop.free_at >= account.until:
            self.over = True
        else:
            self.stopped = stop

    def _one(self, account: LoyaltyAccount, contact: LoyaltyContact) -> ProviderAnswer | None:
        if self.down:
            return UNAVAILABLE
        try:
            answer = account.client.look_up(contact.phone, contact.email)
        except (OrgError, ProviderError) as error:
            self._failed(error)
            return UNAVAILABLE
        except (OutOfTime, RetryLater) as stop:
            self._stop(stop if isinstance(stop, OutOfTime) else OutOfTime(), account)
            return None
        with self._lock:
            self._failures = 0
        return answer

    def _failed(self, error: SyncSamError) -> None:
        with self._lock:
            self.error = self.error or error
            self.errors += 1
            self._failures += 1
            over = isinstance(error, OrgError) or self._failures >= FAILURES_IN_A_ROW
            if over and not self.down:
                self._down.set()
                log.warning("alpine_iq_given_up", code=error.code, owner=error.owner)


def account_of(org: TenantLoyalty) -> tuple[ProviderSettings | None, OrgError | None]:
    """The org's account, or what is wrong with it; neither where it has none."""
    try:
        return org.account(), None
    except OrgError as error:
        return None, error
