"""``sync_state/progress``: what an org's next run must know of the ones before."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field

from shared.domain.order_windows import OrderCursor
from shared.models import CamelModel
from shared.store import paths
from shared.store.database import Database, Put


class SyncProgress(CamelModel):
    """Cursors, shard counts and failures of an org. Changed in place during a run."""

    shards: dict[str, int] = Field(default_factory=dict)
    """Number of documents of each stream's manifest."""
    customers_complete_at: datetime | None = None
    orders: OrderCursor = OrderCursor()
    metadata_at: datetime | None = None
    """When brands, categories, vendors and locations were last listed, all of them."""
    sales_change_at: datetime | None = None
    """When a discount next begins or ends, if a refresh of the sales is planned for it."""
    last_success_at: datetime | None = None
    credential_failures: int = 0
    """Runs in a row whose credentials the POS refused."""
    held: str | None = None
    """Why a removal waits for a person, until a run of the products completes."""
    deletions_held: int = 0
    incidents: list[str] = Field(default_factory=list)
    """Keys of the open incidents that runs of the org have raised."""
    owed: list[str] = Field(default_factory=list)
    """Customers who lost an order to another: their recompute may not have been requested yet."""
    everybody_owed: bool = False
    """So many customers have changed that a recompute of all is to be requested."""


def read(database: Database, org_id: str) -> SyncProgress:
    """The org's progress; that of a new org where there is none."""
    return SyncProgress.model_validate(database.get(paths.progress(org_id)).fields)


def put(org_id: str, progress: SyncProgress) -> Put:
    """The write for it. Dates and times are stored as ISO text."""
    return Put(paths.progress(org_id), progress.model_dump(mode="json", by_alias=True))


def put_owed(org_id: str, customer_ids: Sequence[str]) -> Put:
    """The write for ``owed`` alone, to be committed with the records that cause it."""
    return Put(paths.progress(org_id), {"owed": list(customer_ids)}, owned=("owed",))
