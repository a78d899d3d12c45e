"""A customer as the POS knows one, and which customers of an org are the same person.

E-mail and telephone number have one form each. Records of one person are linked, never merged.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import phonenumbers

from shared.domain.ids import natural_key
from shared.domain.preferences import Preferences

NO_EMAIL = "no-email@"
"""How the placeholder of a customer without an e-mail begins; a ``.local`` domain follows."""
_PLACEHOLDER_DOMAINS = ".local"
"""Ends the domains of placeholders: reserved, there is no e-mail to them (RFC 6762)."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, as broken JSON has it: text with one cannot be encoded."""
HOME_REGION = "US"
"""Of telephone numbers without a country code."""
LONGEST_EMAIL = 254
"""Characters of an address (RFC 5321)."""
MAX_SHARING = 20
"""An e-mail or phone number on more records than this is a filler typed in at the till."""


@dataclass(frozen=True, slots=True)
class Customer:
    """POS-owned facts about one customer.

    ``email`` is lower case, a placeholder where the POS has none; ``date_of_birth`` is an ISO
    date; times are aware UTC. ``version`` is when the customer last changed, if the POS says so;
    ``preferences`` what its own summary of the customer says, if it has one.
    """

    id: str
    email: str
    first_name: str
    last_name: str
    phone: str | None
    date_of_birth: str | None
    user_id: str | None
    loyalty_points: int
    created_at: datetime | None
    source: str
    version: datetime | None = None
    preferences: Preferences | None = None


def normal_email(email: object) -> str:
    """Lower-case e-mail without surrounding white space; empty where there is none."""
    return email.strip().lower() if isinstance(email, str) else ""


def identifies(email: str | None) -> bool:
    """Whether an e-mail identifies a person: false for none, for every placeholder, and for what
    cannot be a key of documents (a slash is escaped there)."""
    if not isinstance(email, str) or "@" not in email or email.endswith(_PLACEHOLDER_DOMAINS):
        return False
    reserved = email.startswith("__") and email.endswith("__")
    return len(email) <= LONGEST_EMAIL and not reserved and not _LONE_SURROGATE.search(email)


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A telephone number that may be called, ``e164`` like ``+15185550123``. Only one ``assigned``
    by its country's numbering plan identifies a person: the others are often fillers."""

    e164: str
    assigned: bool


def phone_number(text: object) -> PhoneNumber | None:
    """The number in whatever spelling; None for what no telephone number can be, or for one
    without its area code."""
    try:
        number = phonenumbers.parse(text if isinstance(text, str) else "", HOME_REGION)
    except phonenumbers.NumberParseException:
        return None
    assigned = phonenumbers.is_valid_number(number)
    reason = phonenumbers.is_possible_number_with_reason
    if not assigned and reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return PhoneNumber(e164, assigned)


def normal_phone(text: object) -> str | None:
    """The number in E.164, assigned or not; None for what no telephone number can be."""
    number = phone_number(text)
    return number.e164 if number else None


def are_different_people(one: Customer, other: Customer) -> bool:
    """Whether two records surely are of different people: of e-mail, telephone number, date of
    birth and full name at least one is given in both, and none is the same."""
    given = False
    for fact in (_email_of, _date_of_birth_of, _name_of, _phone_of):
        here, there = fact(one), fact(other)
        if here and there:
            if here == there:
                return False
            given = True
    return given


def _email_of(customer: Customer) -> str | None:
    return customer.email if identifies(customer.email) else None


def _date_of_birth_of(customer: Customer) -> str | None:
    return customer.date_of_birth


def _name_of(customer: Customer) -> str:
    return " ".join(f"{customer.first_name} {customer.last_name}".casefold().split())


def _phone_of(customer: Customer) -> str | None:
    number = phone_number(customer.phone)
    return number.e164 if number and number.assigned else None


@dataclass(frozen=True, slots=True)
class CustomerContact:
    """How one customer can be reached. ``phone`` is E.164, None where none is
    assigned; ``linked`` are the ids of the customers stored as the same person."""

    id: str
    email: str | None
    phone: str | None
    linked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Customers that are one person: the record with the lowest id stands for the others."""

    primary_id: str
    duplicate_ids: tuple[str, ...]


def duplicate_groups(contacts: Iterable[CustomerContact]) -> tuple[DuplicateGroup, ...]:
    """The persons with several records, by the id of their primary.

    Records that share an e-mail or a phone number are one person, and so are records that only a
    third one connects. A placeholder e-mail connects no records, nor does an e-mail or number that
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
    """The ids in groups: those that one or more links connect. Each group is sorted by id (numbers
    as numbers), the groups by their first ids."""
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
    for member in sorted(parent, key=natural_key):
        groups[root(member)].append(member)
    return sorted(groups.values(), key=lambda group: natural_key(group[0]))
