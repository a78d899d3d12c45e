"""An org's sync between its runs: ``integrations/pos``, the status that people look at, and
``sync_state/progress``, what the next run must know of the ones before: of the org's sync with one
provider, each has its own (paths.progress)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import Field, model_validator

from shared.domain.order_windows import OrderCursor
from shared.models import CamelModel
from shared.store import paths
from shared.store.database import Database, Fields, Put, Update
from shared.store.runs import Hold, RunError

PAUSED = "paused"

OWNED = (
    *("status", "provider", "lastSyncAt", "lastSuccessAt", "lastRunId", "nextTryAt"),
    *("lastError", "lastErrorCode", "lastErrorOwner", "durationSeconds"),
    *("customersCount", "ordersCount", "menuProductsCount", "ordersSkipped"),
    *("quarantined", "deletionsHeld", "warnings", "providers"),
    *("orgId", "name", "nameKey", "failingSince", "streams"),
)


def put(org_id: str, fields: Fields) -> Put:
    """The write for the status. Other fields of the document survive, and without a new
    ``lastSuccessAt`` the one before. Raises ValueError for a field that is not of OWNED."""
    owned = tuple(name for name in OWNED if name != "lastSuccessAt" or fields.get(name))
    return Put(paths.pos_status(org_id), fields, owned=owned)


def put_error(
    database: Database, org_id: str, run_id: str, now: datetime, error: dict[str, Any]
) -> Put:
    """The write for a run that ended without counting anything: the counts before it survive, and
    since when the org is failing. One read."""
    fields = {"orgId": org_id, "status": "error", "lastSyncAt": now, "lastRunId": run_id, **error}
    fields["failingSince"] = failing_since(database, org_id) or now
    return Put(paths.pos_status(org_id), fields, owned=tuple(fields))


def failing_since(database: Database, org_id: str) -> datetime | None:
    """When the first run failed since the last that succeeded; None where none has."""
    path = paths.pos_status(org_id)
    since: datetime | None = database.get_all([path], ["failingSince"])[path].fields.get(
        "failingSince"
    )
    return since


def paused_until(database: Database, org_id: str) -> datetime | None:
    """When the org is next to be tried, where its sync is paused."""
    fields = database.get(paths.pos_status(org_id)).fields
    return fields.get("nextTryAt") if fields.get("status") == PAUSED else None


def last_successes(database: Database, org_ids: Iterable[str]) -> dict[str, datetime | None]:
    """When each of the orgs last succeeded, None where one never did. Paused orgs, which are not
    expected to, are left out."""
    found = database.get_all([paths.pos_status(org_id) for org_id in org_ids])
    return {
        paths.org_of(path): document.fields.get("lastSuccessAt")
        for path, document in found.items()
        if document.fields.get("status") != PAUSED
    }


def last_succeeded(
    database: Database, after: datetime, before: datetime, limit: int
) -> dict[str, datetime]:
    """Orgs that are not paused and whose last success is between two moments, the latest
    ``limit`` of them."""
    found = database.query(
        paths.INTEGRATIONS,
        ("lastSuccessAt", ">", after),
        ("lastSuccessAt", "<", before),
        order_by=[("lastSuccessAt", "DESCENDING")],
        limit=limit,
        everywhere=True,
    )
    return {
        paths.org_of(document.path): document.fields["lastSuccessAt"]
        for document in found
        if document.id == paths.POS and document.fields.get("status") != PAUSED
    }


def fleet_version(database: Database) -> object:
    """Differs where a run of any org has ended since. One read."""
    newest = database.query(
        paths.INTEGRATIONS,
        select=["lastSyncAt"],
        order_by=[("lastSyncAt", "DESCENDING")],
        limit=1,
        everywhere=True,
    )
    return tuple((each.path, each.version) for each in newest)


def menu_changed(org_id: str, now: datetime) -> Put:
    """The write that invalidates cached menus after a change between two syncs."""
    return Put(paths.pos_status(org_id), {"menuChangedAt": now}, owned=("menuChangedAt",))


def put_spending_outstanding(org_id: str, customers: int, since: datetime) -> Put:
    """The write that tells how many customers' spending was asked for long ago (``since``) and is
    not computed yet."""
    fields = {"spendingOutstanding": {"customers": customers, "since": since}}
    return Put(paths.pos_status(org_id), fields, owned=("spendingOutstanding",))


def clear_spending_outstanding(org_id: str) -> Update:
    """The write that takes it back; refused where the org has no status."""
    return Update(paths.pos_status(org_id), {"spendingOutstanding": None})


def _is_empty(kept: object) -> bool:
    return not kept


class Place(CamelModel):
    """What the POS said of the location that an org's settings mean, at ``asked_at``. ``timezone``
    is None where it did not say. ``more`` are the others where the settings mean several."""

    location_id: str
    timezone: str | None = None
    asked_at: datetime
    more: list["Place"] = Field(default_factory=list, exclude_if=_is_empty)


class RecordCounts(CamelModel):
    """How many records are stored, skipped, and in quarantine."""

    customers: int = 0
    orders: int = 0
    menu_products: int = 0
    orders_skipped: int = 0
    quarantined: int = 0


class StreamStanding(CamelModel):
    """When a stream was last synced without a failure, and why it was not since."""

    last_success_at: datetime | None = None
    error: RunError | None = None


class SyncProgress(CamelModel):
    """Cursors, shard counts and failures of an org's sync with one provider. Changed in place
    during a run."""

    shards: dict[str, int] = Field(default_factory=dict)
    """Number of documents of each stream's manifest."""
    customers_complete_at: datetime | None = None
    orders: OrderCursor = OrderCursor()
    versions: dict[str, int] = Field(default_factory=dict, exclude_if=_is_empty)
    """Up to which version each list was read, of a POS that numbers its changes: by stream and
    account (services/sync/version_lists.py)."""
    listed_whole_at: dict[str, datetime] = Field(default_factory=dict, exclude_if=_is_empty)
    """When each of these lists was last read from its beginning to its end."""
    orders_since: dict[str, date] = Field(default_factory=dict, exclude_if=_is_empty)
    """From which day on the orders of such an account were stored, by account."""
    metadata_at: datetime | None = None
    """When brands, categories, vendors and locations were last listed, all of them."""
    places: dict[str, Place] = Field(default_factory=dict)
    """The org's locations at the POS, by a hash of their settings."""
    sales_change_at: datetime | None = None
    """When a discount next begins or ends, if a refresh of the sales is planned for it."""
    last_success_at: datetime | None = None
    counts: RecordCounts = RecordCounts()
    """As the last run that was at work here left them."""
    error: RunError | None = None
    """Why that run did not do all of its work."""
    streams: dict[str, StreamStanding] = Field(default_factory=dict, exclude_if=_is_empty)
    """Each stream, as the last run that tried it left it."""
    credential_failures: int = 0
    """Runs in a row whose credentials the POS refused."""
    next_try_at: datetime | None = None
    """Until when no run begins by itself here, as the credentials are refused. Of an org with this
    provider alone its status says the same."""
    accounts_refused: str | None = None
    """Why the accounts cannot be synced into one org, until a run finds no reason."""
    holds: dict[str, Hold] = Field(default_factory=dict)
    """Removals that wait for a person, by stream, until a run of that stream completes."""
    incidents: list[str] = Field(default_factory=list)
    """Keys of the open incidents that runs of the org have raised."""
    refused: dict[str, str] = Field(default_factory=dict, exclude=True)
    """By stream the id of the removal that a person does not want. Written beside the runs."""
    erased: bool = Field(default=False, exclude=True)
    """Somebody of the org was erased (store/erasures.py). Written beside the runs."""
    pending_recompute: list[str] = Field(default_factory=list, alias="owed")
    """Customers who lost an order to another: their recompute may not have been requested yet."""
    customers_to_erase: list[str] = Field(default_factory=list, exclude_if=_is_empty)
    """Customers whom the POS has deleted and the org wants erased: done once the run has ended."""
    pending_notifications: list[str] = Field(default_factory=list)
    """Ids of new eCom orders that the org asked to hear of and may not have been told of yet."""
    recompute_all: bool = Field(default=False, alias="everybodyOwed")
    """So many customers have changed that a recompute of all is to be requested."""
    ecom_import: str | None = Field(default=None, exclude=True)
    """The last import of eCom orders that has changed any. Imports write it, beside the runs."""
    ecom_linked: str | None = None
    """The import all of whose waiting orders were compared with customers and sales since."""
    ecom_changed: bool = False
    """The figures of the eCom orders in the status are to be counted again."""

    def forget_versions(self, stream: str) -> None:
        """Have the lists of a stream read from their beginning."""
        for kept in (self.versions, self.listed_whole_at):
            for key in [key for key in kept if key.split()[0] == stream]:
                del kept[key]

    @model_validator(mode="before")
    @classmethod
    def _read_hold_of_products(cls, stored: Any) -> Any:
        """Progress of earlier versions has one hold, that of the products."""
        if isinstance(stored, dict) and stored.get("held") and "holds" not in stored:
            hold = {"reason": stored["held"], "count": stored.get("deletionsHeld", 0)}
            return {**stored, "holds": {"products": hold}}
        return stored


def read_progress(database: Database, org_id: str, provider: str) -> SyncProgress:
    """The progress of the org's sync with a provider; that of a new one where there is none."""
    return SyncProgress.model_validate(database.get(paths.progress(org_id, provider)).fields)


def put_progress(org_id: str, provider: str, progress: SyncProgress) -> Put:
    """The write for it, without ``ecom_import``, ``refused`` and ``erased``. Dates and times are
    stored as ISO text."""
    fields = progress.model_dump(mode="json", by_alias=True)
    return Put(paths.progress(org_id, provider), fields, owned=tuple(fields))


def put_refused(org_id: str, provider: str, refused: Mapping[str, str]) -> Put:
    """The write for ``refused`` alone."""
    fields = {"refused": dict(refused)}
    return Put(paths.progress(org_id, provider), fields, owned=tuple(fields))


def put_erased(org_id: str, provider: str) -> Put:
    """The write for ``erased`` alone."""
    return Put(paths.progress(org_id, provider), {"erased": True}, owned=("erased",))


def put_ecom_import(org_id: str, provider: str, import_id: str) -> Put:
    """The write for ``ecom_import`` alone."""
    fields = {"ecomImport": import_id}
    return Put(paths.progress(org_id, provider), fields, owned=tuple(fields))


def clear_ecom_linked(org_id: str, provider: str) -> Put:
    """The write that takes ``ecom_linked`` away alone, to be committed with the customers that it
    is because of."""
    return Put(paths.progress(org_id, provider), {}, owned=("ecomLinked",))


def put_ecom(org_id: str, figures: Fields) -> Put:
    """The write for the figures of the eCom orders in the status."""
    return Put(paths.pos_status(org_id), {"ecom": dict(figures)}, owned=("ecom",))


def put_pending_recompute(org_id: str, provider: str, customer_ids: Sequence[str]) -> Put:
    """The write for ``pending_recompute`` alone, to be committed with the records that cause it."""
    return Put(paths.progress(org_id, provider), {"owed": list(customer_ids)}, owned=("owed",))


def put_pending_notifications(org_id: str, provider: str, order_ids: Sequence[str]) -> Put:
    """The write for ``pending_notifications`` alone, to be committed with these orders."""
    fields = {"pendingNotifications": list(order_ids)}
    return Put(paths.progress(org_id, provider), fields, owned=tuple(fields))
