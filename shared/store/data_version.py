"""The version of an org's data: changes whenever what a dashboard shows may have changed.

It is made of what is written anyway: the status, which every sync writes at its end, and the newest
of the spending documents, one of which goes with every change of a customer's figures or segment.
"""

from datetime import datetime

from shared.store import paths, spending
from shared.store.database import Database, Update


def read(database: Database, org_id: str) -> tuple[object, ...]:
    """The version, to be compared with another one. Two reads."""
    status = database.get(paths.pos_status(org_id))
    newest = database.query(
        paths.customer_spending(org_id),
        ("orgId", "==", org_id),
        select=["updatedAt"],
        order_by=[("updatedAt", "DESCENDING")],
        limit=1,
    )
    return status.version, *((each.id, each.version) for each in newest)


def touch(org_id: str, customer_id: str, now: datetime) -> Update:
    """The write that follows a change of customers whose figures stay the same; any of them will
    do. Refused where that one has no spending document."""
    return Update(spending.path(org_id, spending.id_key(customer_id)), {"updatedAt": now})
