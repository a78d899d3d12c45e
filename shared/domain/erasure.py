"""Who was erased, without knowing who: salted hashes; and what of a person stands in a document.

An order of an erased person stays as an anonymous sale, under ERASED instead of a customer's id.
"""

import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from shared.domain.customers import Customer, identifies, normal_email, phone_number
from shared.domain.orders import Order

ERASED = "erased"
"""The ``customerId`` of an order whose customer was erased: no customer's."""
REDACTED = "[erased]"
"""What stands in a text for what was erased."""
HASH_BYTES = 16
SALT_BYTES = 32
REDACTED_RAW = "{}"
"""What is left of an unreadable record that names an erased person."""

_ABOUT_CUSTOMERS = re.compile(
    r"customer|buyer|duplicate|^owed$|^recordids$|^target$", re.IGNORECASE
)
_RECORDS = frozenset({"changes", "quarantine", "differences"})
"""Lists of reports whose entries are about one record each, by its ``id``."""
_LEAST_PHONE_DIGITS = 7
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s",:{}\[\]]+)')


def hash_of(salt: bytes, kind: str, value: str) -> bytes:
    """HASH_BYTES bytes that stand for a value of a person, under the org's salt."""
    text = f"{kind}:{value}".encode(errors="surrogatepass")
    return hmac.new(salt, text, "sha256").digest()[:HASH_BYTES]


@dataclass(frozen=True, slots=True)
class ErasedPeople:
    """The people of an org who were erased. Empty where nobody was."""

    salt: bytes = b""
    hashes: frozenset[bytes] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def has_id(self, customer_id: str | None) -> bool:
        """Whether the POS's id of a customer is that of an erased person."""
        return customer_id is not None and self._has("id", customer_id)

    def has_email(self, email: str | None) -> bool:
        """Whether an erased person had the e-mail."""
        return identifies(email) and self._has("email", normal_email(email))

    def has_phone(self, phone: str | None) -> bool:
        """Whether an erased person had the telephone number, in whatever spelling."""
        number = phone_number(phone) if phone else None
        return number is not None and number.assigned and self._has("phone", number.e164)

    def has_user(self, user_id: str | None) -> bool:
        """Whether an erased person had the user account."""
        return user_id is not None and self._has("user", user_id)

    def is_of(self, customer: Customer) -> bool:
        """Whether the customer is an erased person: by the id, else by what connects records to one
        person (domain.customers.duplicate_groups)."""
        return (
            self.has_id(customer.id)
            or self.has_email(customer.email)
            or self.has_phone(customer.phone)
        )

    def anonymous(self, order: Order) -> Order:
        """The order as it may be stored: without what names an erased person, and under ERASED
        where it is that person's. The strongest thing it says about its buyer decides."""
        email, phone = self.has_email(order.email), self.has_phone(order.phone)
        user = self.has_user(order.user_id)
        if self.has_id(order.pos_customer_id):
            return _anonymous(order)
        if not (email or phone or user):
            return order
        if order.pos_customer_id is None:
            known = email if identifies(order.email) else user if order.user_id else phone
            if known:
                return _anonymous(order)
        blank = replace(order, phone=None if phone else order.phone)
        return replace(
            blank,
            email=None if email else order.email,
            customer_name="" if email else order.customer_name,
            user_id=None if user else order.user_id,
        )

    def mentioned_in(self, raw: str) -> bool:
        """Whether the text of an unreadable record has an id, e-mail or number of one of them."""
        texts = {quoted or plain for quoted, plain in _TOKEN.findall(raw)}
        return any(map(self._is_anyones, texts))

    def adding(self, values: "PersonalData") -> "ErasedPeople":
        """These people and one more."""
        return replace(self, hashes=self.hashes | set(values.hashes(self.salt)))

    def _is_anyones(self, text: str) -> bool:
        return self.has_id(text) or self.has_email(normal_email(text)) or self.has_phone(text)

    def _has(self, kind: str, value: str) -> bool:
        return hash_of(self.salt, kind, value) in self.hashes


NOBODY = ErasedPeople()


def _anonymous(order: Order) -> Order:
    return replace(
        order, pos_customer_id=ERASED, user_id=None, email=None, customer_name="", phone=None
    )


@dataclass(frozen=True)
class PersonalData:
    """What identifies one person: ids of the records that stand for them, lower-case e-mails,
    telephone numbers in E.164, user accounts, full names."""

    ids: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    names: frozenset[str] = field(default=frozenset())

    def plus(self, other: "PersonalData") -> "PersonalData":
        """Both together."""
        return PersonalData(
            self.ids | other.ids,
            self.emails | other.emails,
            self.phones | other.phones,
            self.users | other.users,
            self.names | other.names,
        )

    def hashes(self, salt: bytes) -> Iterator[bytes]:
        """What ErasedPeople knows them by. No name: others have the same."""
        kinds = {"id": self.ids, "email": self.emails, "phone": self.phones, "user": self.users}
        return (hash_of(salt, kind, each) for kind, values in kinds.items() for each in values)

    def is_in(self, value: object) -> bool:
        """Whether a value holds anything of them."""
        return bool(self.redacted(value) != value)

    def redacted(self, value: Any, name: str = "") -> Any:
        """The value without anything of them: texts with REDACTED in its place, lists without their
        ids and without entries about their records, JSON in texts likewise. ``name`` is that of the
        field: an id counts only where a customer's may stand."""
        match value:
            case str():
                return self._text(value, name)
            case bool() | None:
                return value
            case int():
                return 0 if _names_customers(name) and str(value) in self.ids else value
            case Mapping():
                return {
                    self._text(str(key), ""): self.redacted(each, str(key))
                    for key, each in value.items()
                }
            case list() | tuple():
                return [
                    self.redacted(each, name) for each in value if not self._is_about(each, name)
                ]
        return value

    def _is_about(self, entry: object, name: str) -> bool:
        if isinstance(entry, Mapping):
            return name in _RECORDS and str(entry.get("id")) in self.ids
        return _names_customers(name) and str(entry) in self.ids

    def _text(self, text: str, name: str) -> str:
        if _names_customers(name) and text in self.ids:
            return REDACTED
        if text[:1] in "{[" and text[-1:] in "]}":
            try:
                decoded = json.loads(text)
            except (ValueError, RecursionError):
                pass
            else:
                redacted = self.redacted(decoded, name)
                if redacted != decoded:
                    return json.dumps(redacted, ensure_ascii=False, separators=(",", ":"))
                return text
        return self._pattern.sub(REDACTED, text) if self._pattern else text

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        parts = [re.escape(email) for email in self.emails]
        parts += [_spelled(phone) for phone in self.phones if len(phone) > _LEAST_PHONE_DIGITS]
        parts += [
            r"(?<!\w)" + r"\s+".join(map(re.escape, n.split())) + r"(?!\w)" for n in self.names
        ]
        parts += [rf"(?<![\w-]){re.escape(user)}(?![\w-])" for user in self.users]
        for each in self.ids:
            token = rf"{re.escape(each)}(?![\w-])"
            parts.append(rf"(?<=customers/){token}|(?<=customers_){token}|(?<=cid_){token}")
            parts.append(rf"(?<=customer ){token}|(?<=customers ){token}")
        return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def names_of(first: str, last: str) -> frozenset[str]:
    """A full name in both orders; none where a part is missing: one word is many people's."""
    first, last = " ".join(first.split()), " ".join(last.split())
    return frozenset(
        (f"{first} {last}", f"{last} {first}", f"{last}, {first}") if first and last else ()
    )


def data_of_contact(
    emails: Iterable[object] = (), phones: Iterable[object] = (), users: Iterable[object] = ()
) -> PersonalData:
    """What of this identifies a person, in the spelling in which it is compared."""
    numbers = map(phone_number, phones)
    return PersonalData(
        emails=frozenset(e for each in emails if identifies(e := normal_email(each))),
        phones=frozenset(n.e164 for n in numbers if n and n.assigned),
        users=frozenset(each for each in users if isinstance(each, str) and each),
    )


def _names_customers(name: str) -> bool:
    return bool(_ABOUT_CUSTOMERS.search(name))


def _spelled(e164: str) -> str:
    """The number with or without its country code, whatever stands between the digits."""
    digits = e164.lstrip("+")
    home = digits.removeprefix("1")
    return r"(?<!\d)(?:\+?1[\s().-]*)?" + r"[\s().-]*".join(f"\\(?{d}" for d in home) + r"(?!\d)"


def erasure_id(salt: bytes, customer_id: str) -> str:
    """By which the erasure of a customer is known."""
    return hash_of(salt, "erasure", customer_id).hex()
