"""One org's account at Alpine IQ."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from threading import Lock
from typing import Any

from deploy.local.simulator.alpine.contacts import email_of, phone_of
from deploy.local.simulator.spec import OrgSpec
from deploy.local.simulator.table import Record

_CALLS_KEPT = 100_000


class Contacts:
    """Contacts by id, and by telephone and e-mail. Safe to read and change from several threads."""

    def __init__(self, contacts: Iterable[Record]) -> None:
        self._lock = Lock()
        self._by_id: dict[str, Record] = {}
        self._by_way: dict[tuple[str, str], Record] = {}
        self.replace(contacts)

    def __iter__(self) -> Iterator[Record]:
        return iter(list(self._by_id.values()))

    def replace(self, contacts: Iterable[Record]) -> None:
        """Hold these and no others."""
        with self._lock:
            self._by_id = {str(contact["contactID"]): contact for contact in contacts}
            self._index()

    def change(self, contact_id: str, fields: Record) -> Record:
        """Set some fields of a contact and return it whole. Raises KeyError without one."""
        with self._lock:
            changed = self._by_id[contact_id] = {**self._by_id[contact_id], **fields}
            self._index()
        return changed

    def remove(self, contact_id: str) -> None:
        """Take a contact out. Raises KeyError without one."""
        with self._lock:
            del self._by_id[contact_id]
            self._index()

    def find(self, phone: object, email: object) -> Record | None:
        """The contact with this telephone, else the one with this e-mail."""
        ways = (("mobilePhone", phone_of(phone)), ("email", email_of(email)))
        found = (self._by_way.get((kind, value)) for kind, value in ways if value)
        return next((contact for contact in found if contact), None)

    def _index(self) -> None:
        self._by_way = {
            (kind, contact[kind]): contact
            for contact in self._by_id.values()
            for kind in ("mobilePhone", "email")
            if contact.get(kind)
        }


class AlpineAccount:
    """The contacts of an account, and who was looked up when."""

    def __init__(self, contacts: Iterable[Record]) -> None:
        self.contacts = Contacts(contacts)
        self._calls: deque[dict[str, Any]] = deque(maxlen=_CALLS_KEPT)
        self._lock = Lock()

    def note_call(self, phone: object, email: object) -> None:
        """Somebody is looked up."""
        with self._lock:
            self._calls.append({"at": time.time(), "phone": phone, "email": email})

    def calls(self) -> list[dict[str, Any]]:
        """``{"at": epoch seconds, "phone", "email"}`` of each call, in order of arrival."""
        with self._lock:
            return list(self._calls)

    def forget_calls(self) -> None:
        """Count from nothing."""
        with self._lock:
            self._calls.clear()


def user_id_of(spec: OrgSpec) -> str:
    """The account's number."""
    return str(10_000 + spec.company_id % 1_000_000)


def api_key_of(spec: OrgSpec) -> str:
    """The account's key, invented like everything here."""
    return f"aiq-{spec.company_id:08x}-{spec.seed}"
