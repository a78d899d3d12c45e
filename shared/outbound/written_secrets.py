"""Secrets that people type into an org's settings: each becomes a version in Secret Manager, and
the settings only name it."""

import re
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
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

from shared.domain.org_secrets import SecretPlace, name_prefix
from shared.errors import ConfigurationInvalid
from shared.outbound.credentials import (
    PREFIX,
    TIMEOUT_SECONDS,
    SecretsUnavailable,
    secret_manager,
)

_PLAIN = re.compile(r"(?!x__)[A-Za-z0-9_-]{1,100}")

AddVersion = Callable[[str, str, str], str]
"""Adds a version with a text to a project's secret of a name, which is made if there is none; the
version's number. Raises LookupError, with the reason in words, where Sync Sam may not, and
SecretsUnavailable."""
DropVersion = Callable[[str], None]
"""Destroys a version, given by its resource name, as far as Sync Sam may. Never raises."""


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


def name_for(place: SecretPlace) -> str:
    """The name under which the secret of a place is kept, as ``pos-org_harbor-main-password``. A
    location whose id a name cannot have is in it as a hash."""
    where = place.location_id or "org"
    if not _PLAIN.fullmatch(where):
        where = f"x__{blake2b(where.encode(), digest_size=16).hexdigest()}"
    return f"{name_prefix(place.org_id)}{where}-{place.field.replace('.', '-')}"


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
