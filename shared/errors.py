"""Every error raised on purpose, in one tree.

``owner`` is who must act; ``code`` is stable and safe to alert on; ``str(error)`` is what an
operator reads. Messages never hold a secret, a body or personal data.
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
    """Root of the tree."""

    code: ClassVar[str] = "internal"
    owner: ClassVar[Owner] = Owner.US


class InvalidMessage(SyncSamError):
    """The message can never be processed: it is recorded and acknowledged."""

    code = "invalid_message"


class UnknownOrg(InvalidMessage):
    """The message is about an org that there is not, or not any more."""

    def __init__(self, org_id: str) -> None:
        super().__init__("there is no such org")
        self.org_id = org_id


class RetryLater(SyncSamError):
    """Not possible now: the message is to be delivered again."""

    code = "retry_later"


class Busy(RetryLater):
    """Another worker has the same run, until its lease ends."""

    code = "busy"


class LeaseLost(SyncSamError):
    """This worker's lease ended or was taken over: none of its writes is accepted any more."""

    code = "lease_lost"


class SecretsUnavailable(SyncSamError):
    """Secret Manager or Cloud KMS does not answer now, or not to Sync Sam."""

    code = "secrets_unavailable"


class OrgError(SyncSamError):
    """The dispensary must act."""

    code = "org_error"
    owner = Owner.ORG


class CredentialsRejected(OrgError):
    """The provider does not accept the org's user name, password, pin or key."""

    code = "credentials_rejected"


class ConfigurationInvalid(OrgError):
    """One of the org's own settings is missing or invalid."""

    code = "configuration_invalid"


class ProviderError(SyncSamError):
    """The provider (POS or loyalty service) must recover."""

    code = "provider_error"
    owner = Owner.PROVIDER


class ProviderUnreachable(ProviderError):
    """No answer at all, or not within the time limit."""

    code = "provider_unreachable"


class ProviderBusy(ProviderError):
    """Rate limited (429) after every retry."""

    code = "provider_busy"


class ProviderFailed(ProviderError):
    """A server error (5xx) after every retry."""

    code = "provider_failed"


class ProviderRefused(ProviderError):
    """The provider refused the call (a 4xx that is neither about credentials nor rate)."""

    code = "provider_refused"


class ReplyUnreadable(ProviderError):
    """The answer was not JSON, or not of the documented shape, after every retry."""

    code = "reply_unreadable"


class ListingIncomplete(ProviderError):
    """A listing ended before the number of records that the provider announced."""

    code = "listing_incomplete"


class RequestRefused(SyncSamError):
    """The caller of an HTTP route must act. ``status`` is the HTTP status of the answer."""

    code = "request_refused"
    owner = Owner.CALLER
    status: ClassVar[int] = 400


class RequestInvalid(RequestRefused):
    """Something in the request is missing or invalid."""

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
    """Nothing has that name."""

    code = "not_found"
    status = 404


class UnderWay(RequestRefused):
    """The same is being done already."""

    code = "under_way"
    status = 409


class RateLimited(RequestRefused):
    """Too many requests; ``retry_after`` is how many seconds to wait."""

    code = "too_often"
    status = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def at_fault(error: ValidationError, *, tags: Container[object] = ()) -> str:
    """The invalid fields and what is wrong with each, without their values, which may be secret.
    ``tags`` of tagged unions are not part of a field's name."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc'] if part not in tags) or 'document'}: "
        f"{item['msg']}"
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    )
