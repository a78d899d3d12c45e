"""Asking Alpine IQ about many customers at once, until it is clear that it will not answer."""

import contextvars
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from shared.domain.loyalty import AlpineAnswer, AlpineStatus
from shared.errors import OrgError, ProviderError, RetryLater, SyncSamError
from shared.loyalty.alpine_iq import UNKNOWN_CONTACT, AlpineIq
from shared.services.deadline import OutOfTime
from shared.services.loyalty.permits import Permits

AT_ONCE = 25
FAILURES_IN_A_ROW = 5
"""After so many without an answer between them Alpine IQ counts as down."""

UNAVAILABLE = AlpineAnswer(AlpineStatus.UNAVAILABLE)
NOT_CONFIGURED = AlpineAnswer(AlpineStatus.NOT_CONFIGURED)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Contact:
    """How a customer can be known to Alpine IQ; ``phone`` in E.164."""

    customer_id: str
    phone: str | None
    email: str | None

    @property
    def calls(self) -> int:
        """How many calls it may take to find them."""
        return sum(1 for way in (self.phone, self.email) if way)


@dataclass(frozen=True, slots=True)
class Account:
    """An account that can be called, and leave to do so."""

    client: AlpineIq
    permits: Permits


class LookUps:
    """Look-ups of one invocation. ``account`` is None where the org has none (then everybody is
    NOT_CONFIGURED), or none that can be used; ``down`` where it is known not to answer.

    ``error`` is what went wrong first. ``stopped`` is set once there was no time or no permit
    for somebody: no answer stands for them, they are for the next invocation.
    """

    def __init__(
        self, account: Account | None, *, error: SyncSamError | None = None, down: bool = False
    ) -> None:
        self._account = account
        self._down = threading.Event()
        if down:
            self._down.set()
        self._failures = 0
        self._lock = threading.Lock()
        self.error = error
        self.stopped: OutOfTime | None = None

    @property
    def down(self) -> bool:
        return self._down.is_set()

    @property
    def limited(self) -> bool:
        """Whether a rate limit holds them back."""
        return self._account is not None and self._account.permits.limited

    def ask(self, contacts: Sequence[Contact], pool: ThreadPoolExecutor) -> dict[str, AlpineAnswer]:
        """The answers by customer id. Nobody is begun who may not be finished."""
        account = self._account
        if account is None and not self.down:
            return {contact.customer_id: NOT_CONFIGURED for contact in contacts}
        answers = {c.customer_id: UNKNOWN_CONTACT for c in contacts if not c.calls}
        known = [contact for contact in contacts if contact.calls]
        if account is None or self.down:
            return answers | {contact.customer_id: UNAVAILABLE for contact in known}
        asked = {
            contact.customer_id: pool.submit(
                contextvars.copy_context().run, self._one, account.client, contact
            )
            for contact in self._permitted(account.permits, known)
        }
        for customer_id, future in asked.items():
            answer = future.result()
            if answer is not None:
                answers[customer_id] = answer
        return answers

    def _permitted(self, permits: Permits, contacts: Sequence[Contact]) -> Sequence[Contact]:
        if not contacts:
            return ()
        try:
            left = permits.expect(sum(contact.calls for contact in contacts))
        except OutOfTime as stop:
            self.stopped = stop
            return ()
        for place, contact in enumerate(contacts):
            left -= contact.calls
            if left < 0:
                self.stopped = OutOfTime()
                return contacts[:place]
        return contacts

    def _one(self, alpine: AlpineIq, contact: Contact) -> AlpineAnswer | None:
        if self.down:
            return UNAVAILABLE
        try:
            answer = alpine.look_up(contact.phone, contact.email)
        except OrgError as error:
            self._failed(error, at_once=True)
            return UNAVAILABLE
        except ProviderError as error:
            self._failed(error, at_once=False)
            return UNAVAILABLE
        except OutOfTime as stop:
            self.stopped = stop
            return None
        except RetryLater:
            self.stopped = OutOfTime()
            return None
        with self._lock:
            self._failures = 0
        return answer

    def _failed(self, error: SyncSamError, *, at_once: bool) -> None:
        with self._lock:
            self.error = self.error or error
            self._failures += 1
            if (at_once or self._failures >= FAILURES_IN_A_ROW) and not self.down:
                self._down.set()
                log.warning("alpine_iq_given_up", code=error.code, owner=error.owner)
