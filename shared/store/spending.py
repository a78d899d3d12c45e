"""``customer_spending/{key}``: what has been spent by a customer, and under an e-mail."""

from datetime import datetime
from typing import Any

from shared.domain.spending import Spending
from shared.store import insights, paths
from shared.store.database import Create, Document, Put, Update, Write

FIELDS = ("email", "customerId", *insights.FIGURES, "orgId")


def id_key(customer_id: str) -> str:
    """Key of the document by customer id."""
    return f"cid_{customer_id}"


def path(org_id: str, key: str) -> str:
    """Where the spending of a key stands. An e-mail may hold a slash, a document id may not."""
    return f"{paths.customer_spending(org_id)}/{key.replace('/', '%2F')}"


def document_of(
    spent: Spending, *, org_id: str, customer_id: str, email: str | None
) -> dict[str, Any]:
    """The fields of a spending document, without the moment of writing."""
    fields = {
        "customerId": customer_id,
        "email": email,
        **insights.figures(spent),
        "orgId": org_id,
    }
    return {name: value for name, value in fields.items() if value is not None}


def differs(stored: Document, fields: dict[str, Any]) -> bool:
    """Whether a spending document says anything else than ``fields``."""
    return any(stored.fields.get(name) != fields.get(name) for name in FIELDS)


def put_by_id(
    org_id: str, customer_id: str, stored: Document, fields: dict[str, Any], now: datetime
) -> Write:
    """The write for a customer's ``cid_`` document; refused if it has changed since it was read
    as ``stored``."""
    where = path(org_id, id_key(customer_id))
    whole = fields | {"updatedAt": now}
    if stored.version is None:
        return Create(where, whole)
    cleared: dict[str, Any] = {name: None for name in FIELDS if name in stored.fields}
    return Update(where, cleared | whole, if_version=stored.version)


def put_by_email(org_id: str, email: str, fields: dict[str, Any], now: datetime) -> Put:
    """The write for the document of an e-mail."""
    return Put(path(org_id, email), fields | {"updatedAt": now})
