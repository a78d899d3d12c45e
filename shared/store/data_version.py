"""The version of an org's data: changes whenever what a dashboard shows may have changed.

It is made of two documents' versions: the status, which every sync writes at its end, and
``sync_state/data``, which is written along with every change of spending or segments.
"""

from datetime import datetime

from shared.store import paths
from shared.store.database import Database, Put


def touch(org_id: str, now: datetime) -> Put:
    """The write that goes along with changed customers."""
    return Put(paths.data_version(org_id), {"changedAt": now})


def read(database: Database, org_id: str) -> tuple[datetime | None, ...]:
    """The version, to be compared with another. One call, two reads."""
    found = database.get_all([paths.pos_status(org_id), paths.data_version(org_id)], ["__name__"])
    return tuple(
        found[path].version for path in (paths.pos_status(org_id), paths.data_version(org_id))
    )
