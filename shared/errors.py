"""Every error Sync Sam raises on purpose, in one tree.

    SyncSamError                  code, owner, message for the person who must act
    ├── InvalidMessage            a message nobody can process: record it, acknowledge it
    ├── RetryLater                come back: the message is to be delivered again
    │   └── Busy                  the same run is being worked on by somebody else
    ├── LeaseLost                 somebody else took over: stop at once, write nothing more
    ├── OrgError                  the org must act (credentials, configuration)
    │   ├── CredentialsRejected
    │   └── ConfigurationInvalid
    ├── ProviderError             the POS or loyalty provider must recover: wait and retry
    │   ├── ProviderUnreachable   no answer, or not in time
    │   ├── ProviderBusy          429 after all retries
    │   ├── ProviderFailed        5xx after all retries
    │   ├── ProviderRefused       another 4xx: the call itself is not accepted
    │   ├── ReplyUnreadable       an answer that is no JSON, or not of the documented shape
    │   └── ListingIncomplete     fewer records than the provider itself announced
    └── RequestRefused            the caller of an HTTP route must act
        ├── RequestInvalid        400
        ├── Unauthenticated       401
        ├── Forbidden             403
        ├── NotFound              404
        ├── UnderWay              409: what is asked for is being done already
        └── RateLimited           429

``owner`` says whose turn it is; ``code`` is stable and safe to alert on. Messages never hold a
secret, a body or personal data.
"""

from collections.abc import Container
from enum import StrEnum
from typing import ClassVar

from pydantic import ValidationError


class Owner(StrEnum):
    """Who must act on an error."""

    ORG = "org"
    PROVIDER = "provider"
    CALLER = "caller"
    US = "us"


class SyncSamError(Exception):
    """Root of the tree. ``str(error)`` is what an operator reads."""

    code: ClassVar[str] = "internal"
    owner: ClassVar[Owner] = Owner.US


class InvalidMessage(SyncSamError):
    """The message can never be processed, however often it is delivered."""

    code = "invalid_message"


class RetryLater(SyncSamError):
    """Not now. The caller lets the message be delivered again."""

    code = "retry_later"


class Busy(RetryLater):
    """The same run is held by another worker; when its lease ends, this copy may go on."""

    code = "busy"


class LeaseLost(SyncSamError):
    """This worker's lease ended or was taken over: none of its writes are accepted any more."""

    code = "lease_lost"


class OrgError(SyncSamError):
    """The dispensary must act."""

    code = "org_error"
    owner = Owner.ORG


class CredentialsRejected(OrgError):
    """The provider does not accept the org's user name, password, pin or key."""

    code = "credentials_rejected"


class ConfigurationInvalid(OrgError):
    """Something in the org's own settings is missing or of the wrong form."""

    code = "configuration_invalid"


class ProviderError(SyncSamError):
    """The provider (POS or loyalty service) must recover."""

    code = "provider_error"
    owner = Owner.PROVIDER


class ProviderUnreachable(ProviderError):
    """No answer at all, or not within the time limit."""

    code = "provider_unreachable"


class ProviderBusy(ProviderError):
    """Rate limited, still so after every retry."""

    code = "provider_busy"


class ProviderFailed(ProviderError):
    """A server error, still so after every retry."""

    code = "provider_failed"


class ProviderRefused(ProviderError):
    """The provider refused the call itself (a 4xx that is neither about credentials nor rate)."""

    code = "provider_refused"


class ReplyUnreadable(ProviderError):
    """The answer was no JSON or not of a known shape, still so after every retry."""

    code = "reply_unreadable"


class ListingIncomplete(ProviderError):
    """A listing ended before the number of records that the provider announced."""

    code = "listing_incomplete"


class RequestRefused(SyncSamError):
    """A request that is not done as it was made. ``status`` is the HTTP status that says so."""

    code = "request_refused"
    owner = Owner.CALLER
    status: ClassVar[int] = 400


class RequestInvalid(RequestRefused):
    """Something in the request is missing or of the wrong form."""

    code = "request_invalid"


class Unauthenticated(RequestRefused):
    """No valid session, token, secret or signature came with the request."""

    code = "not_signed_in"
    status = 401


class Forbidden(RequestRefused):
    """The caller is known and may not do this."""

    code = "not_allowed"
    status = 403


class NotFound(RequestRefused):
    """There is nothing of that name."""

    code = "not_found"
    status = 404


class UnderWay(RequestRefused):
    """What is asked for is being done already."""

    code = "under_way"
    status = 409


class RateLimited(RequestRefused):
    """The caller asked too often; ``retry_after`` is the number of seconds to wait."""

    code = "too_often"
    status = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def at_fault(error: ValidationError, *, tags: Container[object] = ()) -> str:
    """The fields at fault and what is wrong with each, without their values: they may be secret.
    ``tags`` are those of tagged unions, which are no part of a field's name."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc'] if part not in tags) or 'document'}: "
        f"{item['msg']}"
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    )
