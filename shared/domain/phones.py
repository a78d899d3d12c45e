"""Telephone numbers: one form for all the ways in which people write the same number."""

import phonenumbers

HOME_REGION = "US"
"""Where a number without a country code is taken to be."""


def normal_phone(text: str | None) -> str | None:
    """The number in E.164 (``+15185550123``); None for what is no valid telephone number."""
    try:
        number = phonenumbers.parse(text or "", HOME_REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def spellings(number: str) -> tuple[str, ...]:
    """The usual ways to write an E.164 number, itself first: for finding it where it was kept as
    it was typed. Few enough for one query."""
    parsed = phonenumbers.parse(number, None)
    forms = phonenumbers.PhoneNumberFormat
    national = phonenumbers.format_number(parsed, forms.NATIONAL)
    international = phonenumbers.format_number(parsed, forms.INTERNATIONAL)
    groups = "".join(c if c.isdigit() else " " for c in national).split()
    country = str(parsed.country_code)
    local = [separator.join(groups) for separator in ("", "-", ".", " ")]
    abroad = [
        prefix + separator + separator.join(groups)
        for prefix in (country, f"+{country}")
        for separator in ("", "-", ".", " ")
    ]
    mixed = [f"{country} {national}", f"+{country} {national}"]
    return tuple(dict.fromkeys((number, *local, national, international, *abroad, *mixed)))
