"""``tenants/{orgId}/customers/{id}``: the POS's part of a customer, and looking customers up."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from shared.domain.customers import Customer, normal_phone
from shared.domain.ids import natural_key
from shared.domain.spending import Spending
from shared.store import customer_fields, paths
from shared.store.database import Database, Put
from shared.store.documents import Field, Schema

CUSTOMER = Schema[Customer](
    Field("id", lambda c: c.id),
    Field("email", lambda c: c.email),
    Field("firstName", lambda c: c.first_name),
    Field("lastName", lambda c: c.last_name),
    Field("phone", lambda c: c.phone),
    Field("dateOfBirth", lambda c: c.date_of_birth),
    Field("loyaltyPoints", lambda c: c.loyalty_points),
    Field("source", lambda c: c.source),
    Field("userId", lambda c: c.user_id),
    Field("createdAt", lambda c: c.created_at),
    given=("orgId",),
    stamps=("updatedAt", "posUpdatedAt", "phoneE164", "nameKey", "lastNameKey"),
    once=("userId", "createdAt"),
)
"""``phoneE164`` (absent where ``phone`` is no valid number), ``nameKey`` and ``lastNameKey`` (see
``name_key``) are derived from other fields, for look-ups."""


def fields_of(customer: Customer, org_id: str) -> dict[str, Any]:
    """The POS-owned fields as stored, without the moment of writing."""
    return CUSTOMER.fields(customer, orgId=org_id)


def put(
    org_id: str,
    fields: dict[str, Any],
    *,
    now: datetime,
    first: bool,
    version: datetime | None = None,
) -> Put:
    """The write for a customer; ``first`` when no sync has written it before, ``version`` when
    the POS says it last changed."""
    whole = fields | {"updatedAt": now} | _keys(fields)
    if version is not None:
        whole["posUpdatedAt"] = version
    if first:
        whole.setdefault("createdAt", now)
    return CUSTOMER.put(f"{paths.customers(org_id)}/{fields['id']}", whole)


def versions(database: Database, org_id: str, ids: Iterable[str]) -> dict[str, datetime]:
    """When the POS last changed these customers, as far as is stored, by id."""
    found = database.get_all([f"{paths.customers(org_id)}/{i}" for i in ids], ["posUpdatedAt"])
    return {d.id: at for d in found.values() if (at := d.fields.get("posUpdatedAt"))}


def ids_by(database: Database, org_id: str, field: str, values: Iterable[str]) -> dict[str, str]:
    """Customer id for each value of ``field`` that a customer has; of several the first by id."""
    found: dict[str, str] = {}
    for value, customer_id in having(database, org_id, field, values):
        found[value] = min(found.get(value, customer_id), customer_id, key=natural_key)
    return found


def having(
    database: Database, org_id: str, field: str, values: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Value and customer id, for every customer whose ``field`` is one of the values."""
    for document in database.query_in(paths.customers(org_id), field, values, select=[field]):
        yield str(document.fields[field]), document.id


def count_all(database: Database, org_id: str) -> int:
    """How many customers the org has. A read for every thousand."""
    return database.totals(paths.customers(org_id)).count


def all_spending(database: Database, org_id: str) -> dict[str, Spending]:
    """What each customer has spent as far as it is stored, by id."""
    found = database.query(paths.customers(org_id), select=customer_fields.SPENDING_FIELDS)
    return {document.id: customer_fields.spending_in(document.fields) for document in found}


def name_key(*names: str) -> str:
    """Names as they are searched: in lower case, one space between."""
    return " ".join(" ".join(names).casefold().split())


def _keys(fields: dict[str, Any]) -> dict[str, str]:
    first, last = fields.get("firstName") or "", fields.get("lastName") or ""
    keys = {
        "phoneE164": normal_phone(fields.get("phone")),
        "nameKey": name_key(first, last),
        "lastNameKey": name_key(last),
    }
    return {name: key for name, key in keys.items() if key}
