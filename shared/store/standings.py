"""Customers by segment and age of their last order, and what age changes about them."""

from datetime import datetime

from shared.domain.ageing import Crossed
from shared.domain.standing import Standing
from shared.store import insights, paths
from shared.store.database import Database, Document, Update


def behind(database: Database, org_id: str, line: Crossed, limit: int) -> list[Document]:
    """Some of the customers who have crossed the line, found by index: nobody else is read."""
    segments = [segment.value for segment in line.segments]
    found = database.query(
        paths.customers(org_id),
        ("segment", "in", segments),
        ("lastOrderDate", "<=", line.until),
        select=insights.FIGURES,
        limit=limit,
    )
    return list(found)


def update(org_id: str, customer: Document, standing: Standing, now: datetime) -> Update:
    """The write for where a customer stands now; refused if the customer has changed since."""
    fields = {**insights.standing(standing), "updatedAt": now}
    return Update(f"{paths.customers(org_id)}/{customer.id}", fields, if_version=customer.version)
