"""The customers of a large org in parts: ranges of ids for what follows from each customer alone,
groups for what follows from several together.

Ranges are read by an index. Groups, whose members' ids lie anywhere, are read by look-ups.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.domain.customers import (
    MAX_SHARING,
    CustomerContact,
    connected,
    identifies,
    normal_email,
)

USUAL_ID_BYTES = 100
"""A longer id counts for several: so many of a range's ids as are ``apart`` fit one document."""


@dataclass(frozen=True, slots=True)
class CustomerRange:
    """The customers whose ids come after ``after``, up to and including ``until`` (None: no
    bound). Ids are compared by code point, as Firestore does. Those ``apart`` are in a group."""

    after: str | None = None
    until: str | None = None
    apart: tuple[str, ...] = ()

    @property
    def bounded(self) -> bool:
        """Whether there are customers outside."""
        return self.after is not None or self.until is not None


@dataclass(frozen=True, slots=True)
class CustomerParts:
    """Each of ``ranges`` with how many customers it has: every customer is in one. Each of
    ``groups`` belongs together as its members share an e-mail or a number, or are linked, directly
    or through others. ``fillers`` are the numbers that connect nobody, by customer id."""

    ranges: tuple[tuple[CustomerRange, int], ...]
    groups: tuple[tuple[str, ...], ...]
    fillers: Mapping[str, str]

    def fillers_of(self, customer_ids: Iterable[str]) -> tuple[str, ...]:
        """The fillers that any of the customers has, sorted."""
        return tuple(sorted({self.fillers[i] for i in customer_ids if i in self.fillers}))


def customer_parts(contacts: Iterable[CustomerContact], size: int) -> CustomerParts:
    """The parts of all customers of an org, in ranges of at most ``size`` customers each."""
    ids: list[str] = []
    links: list[list[str]] = []
    emails: defaultdict[str, list[str]] = defaultdict(list)
    phones: defaultdict[str, list[str]] = defaultdict(list)
    for contact in contacts:
        ids.append(contact.id)
        email = normal_email(contact.email)
        if identifies(email):
            emails[email].append(contact.id)
        if contact.phone:
            phones[contact.phone].append(contact.id)
        if contact.linked:
            links.append([contact.id, *contact.linked])
    ids.sort()
    links += (sharing for sharing in emails.values() if len(sharing) > 1)
    links += (sharing for sharing in phones.values() if 1 < len(sharing) <= MAX_SHARING)
    everybody = frozenset(ids)
    present = (tuple(i for i in group if i in everybody) for group in connected(links))
    groups = tuple(group for group in present if group)
    fillers = {
        customer_id: phone
        for phone, sharing in phones.items()
        if len(sharing) > MAX_SHARING
        for customer_id in sharing
    }
    return CustomerParts(tuple(_ranges(ids, groups, size)), groups, fillers)


def _ranges(
    ids: Sequence[str], groups: Iterable[Sequence[str]], size: int
) -> Iterator[tuple[CustomerRange, int]]:
    grouped = {i for group in groups for i in group}
    after: str | None = None
    start = 0
    for end in _ends(ids, size):
        inside = ids[start:end]
        until = inside[-1] if end < len(ids) else None
        apart = tuple(i for i in inside if i in grouped)
        yield CustomerRange(after, until, apart), len(inside)
        start, after = end, until


def _ends(ids: Sequence[str], size: int) -> Iterator[int]:
    """Where the ranges of sorted ids end: after ``size`` ids, or fewer where they are long."""
    weight = 0
    for place, customer_id in enumerate(ids):
        more = 1 + len(customer_id.encode()) // USUAL_ID_BYTES
        if weight and weight + more > size:
            yield place
            weight = 0
        weight += more
    if ids:
        yield len(ids)
