"""What an order says about its buyer, from a full match down to nobody at all."""

from collections import Counter
from random import Random
from typing import Any

from deploy.local.simulator.seed.people import email_address, full_name, phone_number

PLACEHOLDER_EMAIL = "no-email@alleaves.local"
_UNLISTED_CUSTOMER_ID = 9_000_000


class BuyerFields:
    """Fills in ``id_customer``, names, e-mail, telephone and ``user_id`` of orders.

    About 1.5 % of the matched orders name the customer by e-mail only, 0.5 % by user id only.
    """

    def __init__(self, customers: list[dict[str, Any]], rng: Random) -> None:
        self._customers = customers
        self._rng = rng
        self._unmatched = 0
        holders = Counter((customer["email"] or "").lower() for customer in customers)
        self._unique_emails = frozenset(email for email, held in holders.items() if held == 1)

    def of_customer(self, position: int) -> dict[str, Any]:
        """The fields of an order by a listed customer."""
        customer = self._customers[position]
        email = customer["email"] or self._rng.choice((PLACEHOLDER_EMAIL, "", None))
        fields: dict[str, Any] = {
            "id_customer": customer["id_customer"],
            "name_first": customer["name_first"],
            "name_last": customer["name_last"],
            "email": email,
            "phone": customer["phone"],
        }
        user_id = customer.get("user_id")
        if user_id and self._rng.random() < 0.12:
            return {
                **fields,
                "id_customer": None,
                "email": self._rng.choice((PLACEHOLDER_EMAIL, "")),
                "user_id": user_id,
            }
        if (email or "").lower() in self._unique_emails and self._rng.random() < 0.03:
            return {**fields, "id_customer": None}
        return fields

    def of_nobody(self) -> dict[str, Any]:
        """The fields of an order that no listed customer matches, in four kinds by turns."""
        self._unmatched += 1
        guest: dict[str, Any] = {
            "id_customer": None,
            "name_first": "Guest",
            "name_last": "",
            "email": PLACEHOLDER_EMAIL,
            "phone": "",
        }
        match self._unmatched % 4:
            case 0:
                return guest
            case 1:
                return {**guest, "email": ""}
            case 2:
                first, last = full_name(self._rng)
                stranger = email_address(first, f"{last}.stranger", self._unmatched, self._rng)
                phone = phone_number(self._unmatched, self._rng)
                return {
                    **guest,
                    "name_first": first,
                    "name_last": last,
                    "email": stranger,
                    "phone": phone,
                }
            case _:
                unlisted = _UNLISTED_CUSTOMER_ID + self._unmatched
                return {**guest, "id_customer": unlisted, "email": None}
