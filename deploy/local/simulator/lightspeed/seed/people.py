"""Customers as ``/customers`` lists them."""

from collections.abc import Iterator
from random import Random
from typing import Any

from deploy.local.simulator.lightspeed.seed.ids import iso_text, record_id
from deploy.local.simulator.seed.calendar import OLDEST_AGE, YOUNGEST_AGE, Calendar
from deploy.local.simulator.seed.people import CITIES, email_address, full_name, phone_number

_PEOPLE_PER_SHARED_CONTACT = 500
_DELETED_SHARE = 0.004
_FILLERS = (
    "noemail@example.com",
    "no-email{n}@example.org",
    "placeholder{n}@example.com",
    "customer@example.com",
    "NoEmail{n}@example.com",
)
"""What is typed in where a customer gives no address."""


def generate_people(
    count: int, first_sale_age: dict[int, int], calendar: Calendar, rng: Random
) -> list[dict[str, Any]]:
    """``count`` customers. ``first_sale_age`` tells, by position, how many days ago a buyer first
    bought: nobody signs up after that. A few households share an e-mail or a telephone."""
    people = [
        _person(position, first_sale_age.get(position, YOUNGEST_AGE), calendar, rng)
        for position in range(count)
    ]
    for position in rng.sample(range(count), k=round(count * _DELETED_SHARE)):
        deleted = calendar.opening_hours(rng.randint(1, YOUNGEST_AGE), rng)
        people[position]["deleted_at"] = iso_text(deleted)
    _share_contacts(people)
    return people


def new_person(
    person_id: str, first: str, last: str, email: str, phone: str, created: str
) -> dict[str, Any]:
    """A customer as the eCom shop makes one."""
    return {
        "id": person_id,
        "customer_code": f"{first}-{person_id[:4].upper()}",
        "first_name": first,
        "last_name": last,
        "name": f"{first} {last}".strip(),
        "email": email,
        "phone": phone,
        "mobile": None,
        "customer_group_id": None,
        "enable_loyalty": True,
        "loyalty_balance": 0,
        "balance": 0,
        "year_to_date": 0,
        "date_of_birth": None,
        "gender": None,
        "do_not_email": False,
        "note": None,
        "company_name": None,
        "physical_address_1": None,
        "physical_city": None,
        "physical_state": None,
        "physical_postcode": None,
        "physical_country_id": "US",
        "postal_address_1": None,
        "postal_city": None,
        "postal_state": None,
        "postal_postcode": None,
        "custom_field_1": None,
        "custom_field_2": None,
        "custom_field_3": None,
        "custom_field_4": None,
        "on_account_limit": None,
        "created_at": created,
        "updated_at": created,
        "deleted_at": None,
    }


def has_address(person: dict[str, Any]) -> bool:
    """Whether the customer has an e-mail that is one."""
    email = (person["email"] or "").lower()
    words = ("noemail", "no-email", "placeholder", "customer@")
    return bool(email) and not email.startswith(words)


def _person(position: int, bought_age: int, calendar: Calendar, rng: Random) -> dict[str, Any]:
    created = calendar.opening_hours(rng.randint(bought_age, OLDEST_AGE + 400), rng)
    first, last = full_name(rng)
    city, state = rng.choice(CITIES)
    phone = phone_number(position, rng) if rng.random() < 0.8 else None
    mobile = rng.random() < 0.5
    person = new_person(
        record_id(rng), first, last, _email(first, last, position, rng), "", iso_text(created)
    )
    return {
        **person,
        "phone": None if mobile else phone,
        "mobile": phone if mobile else None,
        "loyalty_balance": rng.choice((0, 0, 12.5, 240, 1180.25)),
        "date_of_birth": _date_of_birth(calendar, rng),
        "note": rng.choice((None, None, "prefers to be called after six")),
        "physical_address_1": f"{rng.randrange(1, 400)} Invented Street",
        "physical_city": city,
        "physical_state": state,
    }


def _email(first: str, last: str, position: int, rng: Random) -> Any:
    drawn = rng.random()
    if drawn < 0.7:
        return email_address(first, last, position, rng)
    if drawn < 0.85:
        return rng.choice(_FILLERS).format(n=position)
    return "" if drawn < 0.95 else None


def _date_of_birth(calendar: Calendar, rng: Random) -> str | None:
    return None if rng.random() < 0.1 else calendar.day(rng.randint(8_030, 29_200)).isoformat()


def _share_contacts(people: list[dict[str, Any]]) -> None:
    reachable = list(_reachable(people))
    if len(people) < 40:
        return
    for household in range(1 + len(people) // _PEOPLE_PER_SHARED_CONTACT):
        at = household * 7
        if at + 3 >= len(reachable):
            break
        reachable[at + 1]["email"] = reachable[at]["email"]
        one, other = reachable[at + 2], reachable[at + 3]
        other["phone"], other["mobile"] = one["phone"], one["mobile"]


def _reachable(people: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for person in people:
        if has_address(person) and (person["phone"] or person["mobile"]):
            yield person
