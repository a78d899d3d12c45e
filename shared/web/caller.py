"""Who calls: what has been proven about the sender of a request."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Anyone:
    """Nothing is known, and nothing needs to be."""

    label: str = "anyone"


@dataclass(frozen=True, slots=True)
class Machine:
    """A program that knows a shared secret; ``label`` says which."""

    label: str


@dataclass(frozen=True, slots=True)
class Sender:
    """A POS whose signature fits the secret of an org."""

    org_id: str
    label: str = "pos"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody signed in. ``orgs`` are spelled as the claims spell them."""

    uid: str
    roles: frozenset[str]
    orgs: tuple[str, ...]
    label: str = "person"


Caller = Anyone | Machine | Sender | Person
