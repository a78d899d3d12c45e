"""The people an org has at Alpine IQ, drawn from its customers at the POS.

Each contact is one customer's alone: nobody else has its telephone or e-mail, so that the number
of contacts is the number of customers that a look-up finds.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

from deploy.local.simulator.table import Record
from deploy.local.simulator.truth import Truth

FIRST_CONTACT_ID = 7_000_001
_CLEARLY_DIFFERENT = Decimal("1.4")
_LEAST_POINTS_TO_DIFFER = 100
_NATIONAL_DIGITS = 10


def generate_contacts(
    customers: Sequence[Record], truth: Truth, *, count: int, differing: int, rng: Random
) -> list[Record]:
    """``count`` contacts, fewer where not so many customers can be told apart. ``differing`` of
    them have far more points than their orders gave; all others about as many."""
    ways = _own_ways(customers)
    people = [c for c in customers if c["id_customer"] in ways]
    chosen = rng.sample(people, min(count, len(people)))
    points = {c["id_customer"]: _points(truth, c["id_customer"]) for c in chosen}
    rich = [i for i, given in points.items() if given >= _LEAST_POINTS_TO_DIFFER]
    wrong = set(rich[:differing])
    return [
        _contact(
            number, customer, ways[customer_id], _held(points[customer_id], customer_id in wrong)
        )
        for number, customer in enumerate(chosen)
        if (customer_id := customer["id_customer"])
    ]


def phone_of(text: object) -> str | None:
    """A United States number as Alpine IQ keeps it, ``+12125550100``."""
    digits = "".join(c for c in str(text or "") if c.isdigit())
    national = digits[-_NATIONAL_DIGITS:]
    return f"+1{national}" if len(national) == _NATIONAL_DIGITS else None


def email_of(text: object) -> str | None:
    """An e-mail as Alpine IQ keeps it, lower case."""
    return str(text).strip().lower() if text else None


def _own_ways(customers: Iterable[Record]) -> dict[int, dict[str, str]]:
    """By customer, the telephone and e-mail that nobody else has."""
    found = [
        (c["id_customer"], {"mobilePhone": phone_of(c["phone"]), "email": email_of(c["email"])})
        for c in customers
    ]
    held = Counter(value for _, ways in found for value in ways.values() if value)
    own = {
        customer_id: {kind: value for kind, value in ways.items() if value and held[value] == 1}
        for customer_id, ways in found
    }
    return {customer_id: ways for customer_id, ways in own.items() if ways}


def _points(truth: Truth, customer_id: int) -> int:
    spent = max(truth.figures[customer_id].spent, Decimal(0))
    return int(spent.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _held(points: int, differs: bool) -> int:
    """Points at Alpine IQ: a little may always have been given or taken there by hand."""
    if differs:
        return int(points * _CLEARLY_DIFFERENT)
    return points + points % 7 if points > _LEAST_POINTS_TO_DIFFER else points


def _contact(number: int, customer: Record, ways: dict[str, str], points: int) -> dict[str, Any]:
    """Every third contact is known by telephone only, every third by e-mail only."""
    by_phone_only = number % 3 == 1 and "mobilePhone" in ways
    by_email_only = number % 3 == 2 and "email" in ways
    return {
        "contactID": str(FIRST_CONTACT_ID + number),
        "firstName": customer["name_first"],
        "lastName": customer["name_last"],
        "mobilePhone": None if by_email_only else ways.get("mobilePhone"),
        "email": None if by_phone_only else ways.get("email"),
        "loyaltyPoints": points,
        "hidePointsInWallet": False,
    }
