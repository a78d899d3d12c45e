"""Secrets that people type into an org's settings: each becomes a version in Secret Manager, and
the settings only name it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from google.api_core.exceptions import (
    AlreadyExists,
    FailedPrecondition,
    GoogleAPIError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from google.auth.exceptions import GoogleAuthError
from pydantic import SecretStr

from shared.errors import ConfigurationInvalid
from shared.outbound.credentials import (
    PREFIX,
    TIMEOUT_SECONDS,
    SecretsUnavailable,
    secret_manager,
)

AddVersion = Callable[[str, str, str], str]
"""Adds a version with a text to a project's secret of a name, which is made if there is none; the
version's number. Raises LookupError, with the reason in words, where Sync Sam may not, and
SecretsUnavailable."""
DropVersion = Callable[[str], None]
"""Destroys a version, given by its resource name, as far as Sync Sam may. Never raises."""

LONGEST_NAME = 255


def add_version(project: str, name: str, text: str) -> str:
    """The AddVersion of Secret Manager."""
    client = secret_manager()
    parent = f"projects/{project}/secrets/{name}"
    request = {"parent": parent, "payload": {"data": text.encode()}}
    try:
        try:
            added = client.add_secret_version(request=request, timeout=TIMEOUT_SECONDS)
        except NotFound:
            _make(client, project, name)
            added = client.add_secret_version(request=request, timeout=TIMEOUT_SECONDS)
    except (NotFound, PermissionDenied, InvalidArgument, FailedPrecondition) as error:
        raise LookupError(error.message) from error
    except (GoogleAPIError, GoogleAuthError) as error:
        raise SecretsUnavailable(type(error).__name__) from error
    return str(added.name.rpartition("/")[2])


def _make(client: Any, project: str, name: str) -> None:
    secret: dict[str, Any] = {"replication": {"automatic": {}}}
    request = {"parent": f"projects/{project}", "secret_id": name, "secret": secret}
    with suppress(AlreadyExists):
        client.create_secret(request=request, timeout=TIMEOUT_SECONDS)


def drop_version(resource: str) -> None:
    """The DropVersion of Secret Manager."""
    with suppress(GoogleAPIError, GoogleAuthError):
        secret_manager().destroy_secret_version(name=resource, timeout=TIMEOUT_SECONDS)


def secret_name(org_id: str, *parts: str) -> str:
    """The name of an org's secret. Raises ConfigurationInvalid where Secret Manager takes none such
    as its ids make."""
    name = "-".join(("pos", org_id, *parts))
    plain = name.replace("-", "").replace("_", "")
    if not (plain.isascii() and plain.isalnum() and len(name) <= LONGEST_NAME):
        raise ConfigurationInvalid(
            "a secret cannot be kept for these ids: they may have letters, digits, - and _ only"
        )
    return name


def belongs_to(reference: str, org_id: str) -> bool:
    """Whether a reference ``secret:NAME`` names one of the org's secrets."""
    return reference.startswith(f"{PREFIX}pos-{org_id}-")


class WrittenSecrets:
    """The secrets of a project's orgs, to be written and never read.

    A reference names the version: who reads it has the new secret at once, whatever is cached, and
    of two people who save at once the one who comes too late has changed nothing.
    """

    def __init__(self, add: AddVersion, drop: DropVersion, project: str) -> None:
        self._add = add
        self._drop = drop
        self._project = project

    def write(self, name: str, text: SecretStr, *, replaced: bool = False) -> str:
        """Keep a text as a new version of the secret; the reference for the settings, without a
        version for one that its provider replaces. Raises ConfigurationInvalid where it cannot be
        kept, SecretsUnavailable where that cannot be known now."""
        try:
            version = self._add(self._project, name, text.get_secret_value())
        except LookupError as error:
            raise ConfigurationInvalid(f"the secret {name} cannot be kept: {error}") from None
        except SecretsUnavailable as error:
            raise SecretsUnavailable(f"the secret {name} could not be kept: {error}") from error
        return f"{PREFIX}{name}" if replaced else f"{PREFIX}{name}/versions/{version}"

    def drop(self, name: str, reference: object) -> None:
        """Destroy the version of the secret that a reference names, as nothing names it any more.
        What names no version, or one of another secret, stays."""
        if isinstance(reference, str) and reference.startswith(f"{PREFIX}{name}/versions/"):
            self._drop(f"projects/{self._project}/secrets/{reference.removeprefix(PREFIX)}")
