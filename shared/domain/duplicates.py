"""Which customers of one org are the same person: those who share an e-mail or a phone number.

The records are linked, never merged.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.customers import identifies, normal_email
from shared.domain.ids import natural_key

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
    """The persons with several records, by the id of their primary.

    Records that share an e-mail or a phone number are one person, and so are records that only a
    third one connects. A placeholder e-mail connects nobody, nor does an e-mail or number that
    more than MAX_SHARING records have. The order of the contacts does not matter.
    """
    sharing: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for contact in contacts:
        email = normal_email(contact.email)
        if identifies(email):
            sharing["email", email].append(contact.id)
        if contact.phone:
            sharing["phone", contact.phone].append(contact.id)
    groups = connected(ids for ids in sharing.values() if 1 < len(ids) <= MAX_SHARING)
    return tuple(DuplicateGroup(ids[0], tuple(ids[1:])) for ids in groups if len(ids) > 1)


def connected(links: Iterable[Iterable[str]]) -> list[list[str]]:
    """The ids in groups: those of one link are in one group, and so are those that other links
    connect. Each group is sorted by id (numbers as numbers), the groups by their first ids."""
    parent: dict[str, str] = {}

    def root(member: str) -> str:
        while (above := parent.setdefault(member, member)) != member:
            parent[member] = parent[above]  # so that the next way up is shorter
            member = above
        return member

    for link in links:
        first, *others = link
        for other in others:
            parent[root(other)] = root(first)
        root(first)
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for member in sorted(parent, key=_by_id):
        groups[root(member)].append(member)
    return sorted(groups.values(), key=lambda group: _by_id(group[0]))


def _by_id(record_id: str) -> tuple[tuple[int, int, str], str]:
    return natural_key(record_id), record_id
