"""Customers of one org that are the same person. Nothing is merged away."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.customers import identifies, normal_email
from shared.domain.union_find import UnionFind

MAX_SHARING = 20
"""An e-mail or phone number on more records than this is a filler typed in at the till."""


@dataclass(frozen=True, slots=True)
class CustomerContact:
    """How one customer can be reached. ``phone`` is E.164, None where it is no valid number."""

    id: str
    email: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Customers that are one person: the record with the lowest id stands for the others.

    ``duplicate_ids`` are the others (``duplicateIds`` of the primary, whose id is their
    ``duplicateOf``), by id, numbers as numbers.
    """

    primary_id: str
    duplicate_ids: tuple[str, ...]


def duplicate_groups(contacts: Iterable[CustomerContact]) -> tuple[DuplicateGroup, ...]:
    """Those who have several records, by the id of their primary.

    Records that share an e-mail or a phone number are one person, and so are records that only a
    third one connects. A placeholder e-mail connects nobody, nor does one that more than
    MOST_SHARING records have. The order of the contacts does not matter.
    """
    sharing: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for contact in contacts:
        email = normal_email(contact.email)
        if identifies(email):
            sharing["email", email].append(contact.id)
        if contact.phone:
            sharing["phone", contact.phone].append(contact.id)
    same = UnionFind()
    for ids in sharing.values():
        if 1 < len(ids) <= MAX_SHARING:
            same.connect(ids)
    return tuple(DuplicateGroup(ids[0], tuple(ids[1:])) for ids in same.groups() if len(ids) > 1)
