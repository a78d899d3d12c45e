"""Invented people: names, e-mails at example domains, telephone numbers of the fiction range."""

from pathlib import Path
from random import Random

_HERE = Path(__file__).parent
FIRST_NAMES = (_HERE / "first_names.txt").read_text().split()
LAST_NAMES = (_HERE / "last_names.txt").read_text().split()

CITIES = (
    ("Fairmont", "NY"),
    ("Port Ellery", "NY"),
    ("Millbrook Falls", "NY"),
    ("Lake Anders", "NY"),
    ("Sandhill", "NJ"),
)

_AREA_CODES = (_HERE / "area_codes.txt").read_text().split()
_NUMBERS_PER_AREA = 100
_PHONE_FORMS = ("+1{a}{n}", "({a}) 555-{s}", "{a}-555-{s}", "{a}{n}", "1 {a} 555 {s}")


def full_name(rng: Random) -> tuple[str, str]:
    """First and last name."""
    return rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)


def email_address(first: str, last: str, number: int, rng: Random) -> str:
    """An address that only this person has; now and then with capitals, as people type it."""
    domain = rng.choice(("example.com", "example.org"))
    address = f"{first}.{last}{number}@{domain}"
    return address if rng.random() < 0.15 else address.lower()


def phone_number(number: int, rng: Random) -> str:
    """The ``number``-th telephone number of the range 555-0100 to 555-0199 of many area codes, in
    one of the forms people type. Two numbers are the same only thousands apart."""
    area, last = divmod(number, _NUMBERS_PER_AREA)
    last_four = f"01{last:02d}"
    form = rng.choice(_PHONE_FORMS)
    return form.format(a=_AREA_CODES[area % len(_AREA_CODES)], n=f"555{last_four}", s=last_four)
