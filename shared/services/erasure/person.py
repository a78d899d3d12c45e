"""Who is to be erased: a customer and the other records of the same person."""

from collections.abc import Iterable
from typing import Literal

from shared.domain.customers import MAX_SHARING
from shared.domain.erasure import PersonalData, data_of_contact, names_of
from shared.store import customers, erasures, paths
from shared.store.database import Database, Document, Fields

READ = ("email", "phone", "phoneE164", "userId", "firstName", "lastName", *customers.LINK_FIELDS)


def person_of(
    database: Database, org_id: str, customer_id: str, *, alone: bool = False
) -> PersonalData:
    """What identifies the person whom a customer's record stands for: also of the records linked
    with it, and of those that share its e-mail or telephone number. One that more than MAX_SHARING
    records have is a filler, and nobody's. Of a customer who is not stored only the id is known.

    ``alone``: of that record only, as others of the same person stay, with what these have."""
    found: dict[str, Document] = {}
    wanted = {customer_id}
    fillers: set[str] = set()
    if alone:
        return _record_alone(database, org_id, customer_id)
    while wanted:
        read = database.get_all([f"{paths.customers(org_id)}/{i}" for i in sorted(wanted)], READ)
        new = {each.id: each for each in read.values() if each.exists}
        found |= new
        contacts = data_of(new.values())
        near: set[str] = {i for each in new.values() for i in _linked(each.fields)}
        for name, values in _shared(contacts):
            for value in values:
                sharing = erasures.sharing(database, org_id, name, value, MAX_SHARING + 1)
                if len(sharing) > MAX_SHARING:
                    fillers.add(value)
                else:
                    near |= sharing
        wanted = near - found.keys() - wanted
    data = data_of(found.values())
    return PersonalData(
        ids=frozenset({customer_id, *found}),
        emails=data.emails - fillers,
        phones=data.phones - fillers,
        users=data.users,
        names=data.names,
    )


def _record_alone(database: Database, org_id: str, customer_id: str) -> PersonalData:
    found = database.get_all([f"{paths.customers(org_id)}/{customer_id}"], READ)
    data = data_of(each for each in found.values() if each.exists)
    own = {customer_id}
    kept: dict[str, frozenset[str]] = {
        name: frozenset(v for v in values if erasures.sharing(database, org_id, name, v, 2) <= own)
        for name, values in _shared(data)
    }
    shared = kept["email"] != data.emails or kept["phoneE164"] != data.phones
    return PersonalData(
        ids=frozenset(own),
        emails=kept["email"],
        phones=kept["phoneE164"],
        users=data.users,
        names=frozenset() if shared else data.names,
    )


def data_of(documents: Iterable[Document]) -> PersonalData:
    """What identifies people on customers' documents."""
    whole = PersonalData()
    for document in documents:
        fields = document.fields
        contact = data_of_contact(
            [fields.get("email")], [fields.get("phone")], [fields.get("userId")]
        )
        names = names_of(str(fields.get("firstName") or ""), str(fields.get("lastName") or ""))
        whole = whole.plus(contact).plus(PersonalData(frozenset({document.id}), names=names))
    return whole


def _linked(fields: Fields) -> set[str]:
    return {i for i in (fields.get("duplicateOf"), *(fields.get("duplicateIds") or ())) if i}


def _shared(
    contacts: PersonalData,
) -> tuple[tuple[Literal["email", "phoneE164"], frozenset[str]], ...]:
    """By what records are one person's, by the names of the fields."""
    return ("email", contacts.emails), ("phoneE164", contacts.phones)
