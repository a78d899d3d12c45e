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
