"""Secrets of orgs in Google Secret Manager."""

from functools import cache

from google.api_core.exceptions import InvalidArgument, NotFound, PermissionDenied
from google.cloud.secretmanager import SecretManagerServiceClient

TIMEOUT_SECONDS = 10.0


@cache
def _client() -> SecretManagerServiceClient:
    # Made when the first reference is met: most orgs have none, and no emulator exists.
    return SecretManagerServiceClient()


def read_secret(resource: str) -> str:
    """Text of a secret version, by its full name. Raises LookupError where there is none to read;
    other errors of Google's pass."""
    try:
        answer = _client().access_secret_version(name=resource, timeout=TIMEOUT_SECONDS)
    except (NotFound, PermissionDenied, InvalidArgument) as error:
        raise LookupError(resource) from error
    return str(answer.payload.data.decode())
