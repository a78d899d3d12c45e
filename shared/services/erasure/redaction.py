"""Documents without what stands in them of a person who is erased."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import msgpack

from shared.domain.erasure import ERASED, REDACTED_RAW, ErasedPeople, PersonalData, data_of_contact
from shared.store import manifest, paths
from shared.store.database import Document, Put, Remove, Update, Write
from shared.store.packed_map import unpacked

_BY_CUSTOMER = re.compile(r"(?:(?:\w+_)?customers|loyalty)-")
"""Packed maps whose keys are ids of customers, by the ids of their documents."""
_BY_ORDER = re.compile(r"(?:\w+_)?orders-")
NO_CONTACT = {"email": None, "name": "", "phone": None}


def redaction(document: Document, person: PersonalData) -> Write | None:
    """The write after which a document names the person no more; None where it does not."""
    fields = dict(document.fields)
    parts = document.path.split("/")
    if parts[-2] == paths.QUARANTINE and person.is_in(_record_in(fields, parts[-1])):
        if fields.get("stream") == "customers":
            return Remove(document.path)
        fields["raw"] = REDACTED_RAW
    found = {name: person.redacted(value, name) for name, value in fields.items()}
    changed = {n: value for n, value in found.items() if value != document.fields[n]}
    if not changed:
        return None
    if parts[-2] == paths.DEAD_LETTERS and "data" in changed:
        sent = str(changed["data"]).encode()
        changed |= {"dataBytes": len(sent), "dataSha256": hashlib.sha256(sent).hexdigest()}
    return Update(document.path, changed, if_version=document.version)


def anonymous_order(document: Document, person: PersonalData) -> Write | None:
    """The write after which an order is nobody's, where it was the person's; else without what of
    the person stands on it. None where there is nothing."""
    fields = document.fields
    contact = fields.get("customer")
    named = contact if isinstance(contact, Mapping) else {}
    theirs = data_of_contact([named.get("email")], [named.get("phone")], [fields.get("userId")])
    email, phone = theirs.emails & person.emails, theirs.phones & person.phones
    user = theirs.users & person.users
    owner = fields.get("customerId")
    changed: dict[str, Any] = {}
    if owner in person.ids or (owner is None and (email or phone or user)):
        changed = {"customerId": ERASED, "customer": NO_CONTACT, "userId": None, "ecomKeys": None}
    elif email or phone or user:
        kept = NO_CONTACT if email else {**named, "phone": None} if phone else dict(named)
        changed = {"customer": kept} | ({"userId": None} if user else {})
    rest = {name: value for name, value in fields.items() if name not in changed}
    changed |= {n: new for n, v in rest.items() if (new := person.redacted(v, n)) != v}
    changed = {n: v for n, v in changed.items() if v != fields.get(n)}
    return Update(document.path, changed, if_version=document.version) if changed else None


def without_entries(document: Document, people: ErasedPeople) -> Write | None:
    """The write after which a part of a packed map has no entry of the people; None where it has
    none."""
    entries = unpacked(document.fields) if _is_map(document.id) else {}
    if _BY_CUSTOMER.match(document.id):
        gone = {key for key in entries if people.has_id(manifest.record_of(key))}
    else:
        gone = {
            key
            for key, value in entries.items()
            if value and people.has_id(manifest.customer_named(value))
        }
    if not gone:
        return None
    left = {key: value for key, value in entries.items() if key not in gone}
    fields: dict[str, Any] = {"entries": msgpack.packb(left)}
    if "count" in document.fields:
        fields["count"] = len(left)
    return Put(document.path, fields, owned=tuple(fields))


def _is_map(name: str) -> bool:
    return bool(_BY_CUSTOMER.match(name) or _BY_ORDER.match(name))


def _record_in(fields: Mapping[str, Any], name: str) -> object:
    """What of a document in quarantine tells whose record it is."""
    raw = fields.get("raw")
    try:
        decoded = json.loads(str(raw))
    except (ValueError, RecursionError):
        decoded = raw
    own = name.removeprefix("customers_") if fields.get("stream") == "customers" else None
    return {"raw": decoded, "customer": own}
