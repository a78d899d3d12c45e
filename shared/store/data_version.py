"""The version of an org's data: changes whenever what a dashboard shows may have changed.

It is made of what is written anyway: the status, which every sync writes at its end, and the moment
at which a customer was last changed, by a sync, by spending or by age.
"""

from shared.store import paths
from shared.store.database import Database

NEWEST = (("updatedAt", "DESCENDING"),)


def read(database: Database, org_id: str) -> tuple[object, ...]:
    """The version, to be compared with another one. Two reads."""
    status = database.get(paths.pos_status(org_id))
    newest = database.query(paths.customers(org_id), select=["updatedAt"], order_by=NEWEST, limit=1)
    return status.version, *((each.id, each.version) for each in newest)
