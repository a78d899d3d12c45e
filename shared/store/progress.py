"""``sync_state/progress``: what an org's next run must know of the ones before."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from shared.domain.order_windows import OrderCursor
from shared.store import paths
from shared.store.database import Database, Put


class SyncProgress(BaseModel):
    """Cursors, shard counts and failures of an org. Changed in place during a run."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True)

    shards: dict[str, int] = {}
    customers_complete_at: datetime | None = None
    orders: OrderCursor = OrderCursor()
    metadata_at: datetime | None = None
    """When brands, categories, vendors and locations were last told by the POS, all of them."""
    sales_change_at: datetime | None = None
    """When a discount next begins or ends, as far as a refresh of the sales is planned for it."""
    last_success_at: datetime | None = None
    credential_failures: int = 0
    """Runs in a row whose credentials the POS refused."""
    held: str | None = None
    """Why a removal waits for a person, until a run over the products settles it."""
    deletions_held: int = 0
    incidents: list[str] = []
    """Keys of the incidents that runs of the org told people of and that are not over."""
    owed: list[str] = []
    """Customers who lost an order to another, and whose spending may not have been asked for."""
    everybody_owed: bool = False
    """So many customers have changed that everybody's spending is to be asked for."""


def read(database: Database, org_id: str) -> SyncProgress:
    """The org's progress; that of a new org where there is none."""
    return SyncProgress.model_validate(database.get(paths.progress(org_id)).fields)


def put(org_id: str, progress: SyncProgress) -> Put:
    """The write that keeps it. Days and moments stand as ISO text."""
    return Put(paths.progress(org_id), progress.model_dump(mode="json", by_alias=True))


def put_owed(org_id: str, customer_ids: Sequence[str]) -> Put:
    """The write that keeps no more than ``owed``, beside the records that it is about."""
    return Put(paths.progress(org_id), {"owed": list(customer_ids)}, owned=("owed",))
