"""Which secrets are an org's: where one stands in its settings, and what its name begins with."""

import re
from dataclasses import dataclass
from hashlib import sha256
from shlex import quote

_PLAIN = re.compile(r"(?!x__)[A-Za-z0-9_]{1,200}")
_NAME = re.compile(r"pos-([A-Za-z0-9_]+)-[A-Za-z0-9_-]+")
LONGEST_NAME = 255
"""Characters of a secret's name that Secret Manager takes."""


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where a secret stands: ``field`` (``posConfig.password``) of a location, or of the org's own
    document where ``location_id`` is empty."""

    org_id: str
    field: str
    location_id: str = ""

    def __str__(self) -> str:
        whose = f"location {self.location_id}" if self.location_id else f"org {self.org_id}"
        return f"{self.field} of {whose}"

    @property
    def command(self) -> str:
        """What an operator types to replace the secret there."""
        typed = ["sync-sam", "secret", "rotate", self.org_id, self.field]
        typed += ["--location", self.location_id] if self.location_id else []
        return " ".join(map(quote, typed))


def name_prefix(org_id: str) -> str:
    """What the names of an org's secrets begin with, as ``pos-org_harbor-``.

    No two orgs have one of which one begins like the other: the part of the org holds no "-". It is
    the id itself where that has letters, digits and "_" only, else a hash of it.
    """
    if not _PLAIN.fullmatch(org_id):
        org_id = f"x__{sha256(org_id.encode()).hexdigest()}"
    return f"pos-{org_id}-"


def is_name_of(org_id: str, name: str) -> bool:
    """Whether the org may name this secret."""
    found = _NAME.fullmatch(name)
    return bool(found) and len(name) <= LONGEST_NAME and name.startswith(name_prefix(org_id))
