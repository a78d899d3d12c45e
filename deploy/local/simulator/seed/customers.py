"""Customers as ``POST /customer/search`` lists them."""

from random import Random
from typing import Any

from deploy.local.simulator.seed.calendar import OLDEST_AGE, YOUNGEST_AGE, Calendar, utc_text
from deploy.local.simulator.seed.people import CITIES, email_address, full_name, phone_number

FIRST_CUSTOMER_ID = 100_001
_PEOPLE_PER_SHARED_CONTACT = 500


def generate_customers(
    count: int, first_order_age: dict[int, int], calendar: Calendar, rng: Random
) -> list[dict[str, Any]]:
    """``count`` customers. ``first_order_age`` tells, by position, how many days ago a buyer
    first bought: nobody signs up after that."""
    customers = [
        _customer(position, first_order_age.get(position, YOUNGEST_AGE), calendar, rng)
        for position in range(count)
    ]
    _share_contacts(customers)
    return customers


def _customer(position: int, bought_age: int, calendar: Calendar, rng: Random) -> dict[str, Any]:
    customer_id = FIRST_CUSTOMER_ID + position
    signed_up = calendar.opening_hours(rng.randint(bought_age, OLDEST_AGE + 400), rng)
    if rng.random() < 0.03:
        return _guest(customer_id, utc_text(signed_up))
    first, last = full_name(rng)
    city, state = rng.choice(CITIES)
    record: dict[str, Any] = {
        "id_customer": customer_id,
        "name_first": first,
        "name_last": last,
        "full_name": f"{first} {last}",
        "email": _email(first, last, position, rng),
        "phone": phone_number(position, rng) if rng.random() < 0.8 else "",
        "phone2": None,
        "date_of_birth": _date_of_birth(calendar, rng),
        "customer_since": signed_up.date().isoformat(),
        "date_created": utc_text(signed_up),
        "city": city,
        "state": state,
        "loyalty_points": rng.choice((0, 0, None)),
        "alpine_user_code": None,
        "springbig_user_code": None,
        "credit_balance": 0,
    }
    if rng.random() < 0.08:
        record["user_id"] = f"app-{customer_id}"
    return record


def _guest(customer_id: int, created: str) -> dict[str, Any]:
    return {
        "id_customer": customer_id,
        "name_first": "Guest",
        "name_last": "",
        "full_name": "Guest",
        "email": "",
        "phone": "",
        "phone2": None,
        "date_of_birth": None,
        "customer_since": None,
        "date_created": created,
        "city": None,
        "state": None,
        "loyalty_points": None,
        "alpine_user_code": None,
        "springbig_user_code": None,
        "credit_balance": 0,
    }


def _email(first: str, last: str, position: int, rng: Random) -> str | None:
    if rng.random() < 0.6:
        return email_address(first, last, position, rng)
    return "" if rng.random() < 0.9 else None


def _date_of_birth(calendar: Calendar, rng: Random) -> str | None:
    if rng.random() < 0.1:
        return None
    born = calendar.day(rng.randint(22 * 365, 80 * 365)).isoformat()
    return born if rng.random() < 0.8 else f"{born}T00:00:00.000Z"


def _share_contacts(customers: list[dict[str, Any]]) -> None:
    """A few households: two customers with one e-mail, two others with one telephone."""
    if len(customers) < 40:
        return
    people = [c for c in customers if c["email"] and c["phone"]]
    for household in range(1 + len(customers) // _PEOPLE_PER_SHARED_CONTACT):
        at = household * 7
        if at + 3 >= len(people):
            break
        people[at + 1]["email"] = people[at]["email"]
        people[at + 3]["phone"] = people[at + 2]["phone"]
