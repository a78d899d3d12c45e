"""When a call to the outside is tried again, and how long it waits first."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState
from tenacity.wait import wait_base, wait_random_exponential

from shared.pos.failures import Failure

_LONGEST_RETRY_AFTER = 86_400.0


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Seconds a ``Retry-After`` header asks to wait, given as seconds or as an HTTP date.

    Never below 0 nor above a day; None where there is no such header or it cannot be read.
    """
    text = (header or "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            when = parsedate_to_datetime(text)
        except ValueError:
            return None
        # "-0000" makes a naive date: RFC 5322's way of writing UTC from an unknown place.
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        seconds = (when - now).total_seconds()
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


class PoliteWait(wait_base):
    """Jittered exponential back-off, and never less than what the provider asked for.

    The jitter goes on top of ``Retry-After``, so that threads told to wait equally long do not
    come back at the same moment.
    """

    def __init__(self, base_seconds: float, longest_seconds: float) -> None:
        self._jitter = wait_random_exponential(multiplier=base_seconds, max=longest_seconds)

    def __call__(self, retry_state: RetryCallState) -> float:
        outcome = retry_state.outcome.result() if retry_state.outcome else None
        asked = outcome.retry_after if isinstance(outcome, Failure) else None
        return self._jitter(retry_state) + (asked or 0.0)
