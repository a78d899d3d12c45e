"""A customer as the POS knows one, with e-mail and telephone number in one form each."""

from dataclasses import dataclass
from datetime import datetime

import phonenumbers

NO_EMAIL = "no-email@"
"""How the placeholder of a customer without an e-mail begins; a ``.local`` domain follows."""

_PLACEHOLDER_DOMAINS = ".local"
"""Ends the domains of placeholders: reserved, there is no e-mail to them (RFC 6762)."""

HOME_REGION = "US"
"""Where a number without a country code is taken to be."""


@dataclass(frozen=True, slots=True)
class Customer:
    """POS-owned facts about one customer.

    ``email`` is lower case, a placeholder where the POS has none; ``date_of_birth`` is an ISO
    date; times are aware UTC. ``version`` is when the POS says the customer last changed, None
    where it does not say.
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


def normal_email(email: object) -> str:
    """Lower-case e-mail without surrounding white space; empty where there is none."""
    return email.strip().lower() if isinstance(email, str) else ""


def identifies(email: str | None) -> bool:
    """Whether an e-mail says who somebody is: false for none and for every placeholder."""
    return bool(email) and "@" in str(email) and not str(email).endswith(_PLACEHOLDER_DOMAINS)


def normal_phone(text: str | None) -> str | None:
    """The number in E.164 (``+15185550123``); None for what is no valid telephone number."""
    try:
        number = phonenumbers.parse(text or "", HOME_REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
