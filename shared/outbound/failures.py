"""How one try of a call failed, and the error that ends the call."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from shared.errors import (
    CredentialsRejected,
    ProviderBusy,
    ProviderFailed,
    ProviderRefused,
    ProviderUnreachable,
    ReplyUnreadable,
    SyncSamError,
)

_LONGEST_RETRY_AFTER = 86_400.0


class TokenRejected(CredentialsRejected):
    """401: the caller may have a token that ended early. ``tries`` is how many it took."""

    tries: int = 1


class HostUnknown(ProviderUnreachable):
    """No host of the provider's name exists: a caller who had the name from somebody knows whose
    turn it is."""


class AddressForbidden(HostUnknown):
    """The provider's name leads to an address that is not public, such as one of this network."""


class StatusRefused(ProviderRefused):
    """Another 4xx, in ``status``."""

    status: int = 400


_ERROR_OF_STATUS: dict[int, tuple[type[SyncSamError], str]] = {
    401: (TokenRejected, "does not accept the sign-in"),
    403: (CredentialsRejected, "does not allow a request for {what}"),
    429: (ProviderBusy, "limits how often it is called"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One try that failed. ``says`` follows the provider's name and never holds a secret, a body
    or a query. ``retry_after`` is in seconds, where the provider asked for it. ``status`` is None
    where there was no answer."""

    error: type[SyncSamError]
    says: str
    again: bool
    retry_after: float | None = None
    status: int | None = None


NOT_REACHED = Failure(ProviderUnreachable, "could not be reached", again=True)
NO_SUCH_HOST = Failure(HostUnknown, "could not be reached: no such host exists", again=True)

FORBIDDEN = Failure(
    AddressForbidden, "was not called: its name leads to an address that is not public", again=False
)


def failed_status(status: int, what: str, retry_after: float | None) -> Failure:
    """The failure of an HTTP status other than 2xx. 429 and 5xx may be tried again."""
    server_error = 500 <= status < 600
    error, says = _ERROR_OF_STATUS.get(status, (StatusRefused, "refused a request for {what}"))
    if server_error:
        error, says = ProviderFailed, "had an error of its own"
    again = server_error or status == 429
    return Failure(error, f"{says.format(what=what)} ({status})", again, retry_after, status)


def no_answer(seconds: float) -> Failure:
    """The provider took the call but did not answer in time."""
    return Failure(ProviderUnreachable, f"did not answer within {seconds:.3g} s", again=True)


def unreadable(why: str, *, again: bool = True) -> Failure:
    """There was an answer, but not one that can be read."""
    return Failure(ReplyUnreadable, f"sent an answer that {why}", again=again)


def error_of(
    failure: Failure, who: str, *, tries: int, now: datetime, seconds_left: float
) -> SyncSamError:
    """The error to raise after the last try. ``who`` is "The POS at app.alleaves.com"."""
    says = f"{who} {failure.says}" + (f" ({tries} tries)" if tries > 1 else "")
    kind = failure.error
    if failure.again and failure.retry_after is not None:
        when = now + timedelta(seconds=failure.retry_after)
        says += f"; it asks not to be called before {when:%Y-%m-%d %H:%M:%S} UTC"
        kind = ProviderBusy if failure.retry_after >= seconds_left else kind
    error = kind(f"{says}.")
    if isinstance(error, TokenRejected):
        error.tries = tries
    if isinstance(error, StatusRefused) and failure.status is not None:
        error.status = failure.status
    return error


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Seconds a ``Retry-After`` header asks to wait, given as seconds or as an HTTP date: from 0 to
    a day. None where there is no such header or it cannot be read."""
    text = (header or "").strip()
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
