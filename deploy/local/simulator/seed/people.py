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

_AREA_CODES = ("212", "315", "347", "516", "518", "585", "607", "631", "646", "716", "718", "845")
_PHONE_FORMS = ("+1{a}{n}", "({a}) 555-{s}", "{a}-555-{s}", "{a}{n}", "1 {a} 555 {s}")


def full_name(rng: Random) -> tuple[str, str]:
    """First and last name."""
    return rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)


def email_address(first: str, last: str, number: int, rng: Random) -> str:
    """An address that only this person has; now and then with capitals, as people type it."""
    domain = rng.choice(("example.com", "example.org"))
    address = f"{first}.{last}{number}@{domain}"
    return address if rng.random() < 0.15 else address.lower()


def phone_number(rng: Random) -> str:
    """A number of the range 555-0100 to 555-0199 in one of the forms people type."""
    last_four = f"01{rng.randrange(100):02d}"
    form = rng.choice(_PHONE_FORMS)
    return form.format(a=rng.choice(_AREA_CODES), n=f"555{last_four}", s=last_four)
