"""How one try of a call failed, and which error of the tree that is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import (
    CredentialsRejected,
    ProviderBusy,
    ProviderFailed,
    ProviderRefused,
    ProviderUnreachable,
    ReplyUnreadable,
    SyncSamError,
)


class Unauthorized(CredentialsRejected):
    """401: the caller may have a token that ended early. ``tries`` is how many it took."""

    tries: int = 1


class Refused(ProviderRefused):
    """Another 4xx. ``status`` is which."""

    status: int = 400


_ERROR_OF_STATUS: dict[int, tuple[type[SyncSamError], str]] = {
    401: (Unauthorized, "does not accept the sign-in"),
    403: (CredentialsRejected, "does not allow a request for {what}"),
    429: (ProviderBusy, "limits how often it is called"),
}
_OTHER_SERVER_ERROR = (ProviderFailed, "had an error of its own")
_OTHER_STATUS = (Refused, "refused a request for {what}")


@dataclass(frozen=True, slots=True)
class Failure:
    """One try that failed. ``says`` goes after the provider's name and never holds a secret,
    a body or a query. ``retry_after`` is in seconds, where the provider asked for it. ``status`` is
    None where there was no answer."""

    error: type[SyncSamError]
    says: str
    again: bool
    retry_after: float | None = None
    status: int | None = None


def failed_status(status: int, what: str, retry_after: float | None) -> Failure:
    """The failure that an HTTP status other than 2xx is. 429 and 5xx may be tried again."""
    server_error = 500 <= status < 600
    otherwise = _OTHER_SERVER_ERROR if server_error else _OTHER_STATUS
    error, says = _ERROR_OF_STATUS.get(status, otherwise)
    return Failure(
        error,
        f"{says.format(what=what)} ({status})",
        again=server_error or status == 429,
        retry_after=retry_after,
        status=status,
    )


def no_answer(seconds: float) -> Failure:
    """The provider took the call but did not answer in time."""
    return Failure(ProviderUnreachable, f"did not answer within {seconds:.3g} s", again=True)


def not_reached() -> Failure:
    """There was no connection, or it broke."""
    return Failure(ProviderUnreachable, "could not be reached", again=True)


def unreadable(why: str, *, again: bool = True) -> Failure:
    """There was an answer, but not one that can be read."""
    return Failure(ReplyUnreadable, f"sent an answer that {why}", again=again)


def error_of(
    failure: Failure, who: str, *, tries: int, now: datetime, seconds_left: float
) -> SyncSamError:
    """The error to raise when it ends here. ``who`` is "The POS at app.alleaves.com"."""
    says = f"{who} {failure.says}" + (f" ({tries} tries)" if tries > 1 else "")
    kind = failure.error
    if failure.again and failure.retry_after is not None:
        when = now + timedelta(seconds=failure.retry_after)
        says += f"; it asks not to be called before {when:%Y-%m-%d %H:%M:%S} UTC"
        kind = ProviderBusy if failure.retry_after >= seconds_left else kind
    error = kind(f"{says}.")
    if isinstance(error, Unauthorized):
        error.tries = tries
    if isinstance(error, Refused) and failure.status is not None:
        error.status = failure.status
    return error
