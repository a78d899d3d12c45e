"""How one try of a call failed, and which error of the tree that is."""

from dataclasses import dataclass

from shared.errors import (
    CredentialsRejected,
    ProviderBusy,
    ProviderFailed,
    ProviderRefused,
    ProviderUnreachable,
    ReplyUnreadable,
    SyncSamError,
)

_ERROR_OF_STATUS: dict[int, type[SyncSamError]] = {
    401: CredentialsRejected,
    403: CredentialsRejected,
    429: ProviderBusy,
}
_SERVER_ERRORS = range(500, 600)
_MEANING = {
    CredentialsRejected: "does not accept these credentials for {what}",
    ProviderBusy: "is limiting how often it is called",
    ProviderFailed: "had an error of its own",
    ProviderRefused: "refused a request for {what}",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One try that failed. ``says`` goes after the provider's name and never holds a secret,
    a body or a query. ``retry_after`` is in seconds, where the provider asked for it."""

    error: type[SyncSamError]
    says: str
    again: bool
    retry_after: float | None = None


def failed_status(status: int, what: str, retry_after: float | None) -> Failure:
    """The failure that an HTTP status other than 2xx is. 429 and 5xx may be tried again."""
    server = status in _SERVER_ERRORS
    error = ProviderFailed if server else _ERROR_OF_STATUS.get(status, ProviderRefused)
    says = f"{_MEANING[error].format(what=what)} ({status})"
    return Failure(error, says, again=server or status == 429, retry_after=retry_after)


def no_answer(seconds: float) -> Failure:
    """The provider took the call but did not answer in time."""
    return Failure(ProviderUnreachable, f"did not answer within {seconds:.3g} s", again=True)


def not_reached() -> Failure:
    """There was no connection, or it broke."""
    return Failure(ProviderUnreachable, "could not be reached", again=True)


def unreadable(why: str, *, again: bool = True) -> Failure:
    """There was an answer, but not one that can be read."""
    return Failure(ReplyUnreadable, f"sent an answer that {why}", again=again)
