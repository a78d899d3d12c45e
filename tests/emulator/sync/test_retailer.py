"""An org at the simulated Lightspeed is stored as its own data says, by code that shares nothing
with the product."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from deploy.local.simulator.lightspeed.truth import RetailerTruth
from deploy.local.simulator.spec import OrgSpec
from shared.clock import utc_now
from shared.pos.lightspeed.ecom_export import BadRow, ExportContext, read_export
from shared.services.ecom.importing import EcomImport, ImportReport
from tests.emulator.environment import SpendingRunner, SyncRunner
from tests.simulated_lightspeed import SMALL_RETAILER, SimulatedLightspeed
from tests.stored import StoredDocuments

ORG = SMALL_RETAILER.id


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    """Nobody at Alleaves."""
    return ()


def truth_of(lightspeed: SimulatedLightspeed, *, imported: bool = False) -> RetailerTruth:
    data = lightspeed.data(ORG)
    return RetailerTruth(data if imported else {**data, "ecom": ()}, SMALL_RETAILER.timezone)


class Export:
    """The eCom order export, imported as the operator does."""

    def __init__(
        self, sync: SyncRunner, spending: SpendingRunner, lightspeed: SimulatedLightspeed
    ) -> None:
        self._import = EcomImport(sync.database, spending.requests, utc_now)
        self._lightspeed = lightspeed

    def bring_in(self, path: Path) -> ImportReport:
        """Import what the shop exports now."""
        self._lightspeed.export(ORG, path)
        zone = ZoneInfo(SMALL_RETAILER.timezone)
        text = path.read_text(encoding="utf-8")
        context = ExportContext(lambda: io.StringIO(text, newline=""), zone, "main", utc_now())
        bad_rows: list[BadRow] = []
        report = self._import(ORG, read_export(context), bad_rows.append)
        assert bad_rows == []
        return report


def synced(sync: SyncRunner, spending: SpendingRunner) -> None:
    run = sync.run(ORG)
    assert run["state"] == "succeeded", run["errors"]
    spending.compute_requested()


def require_stored(store: StoredDocuments, truth: RetailerTruth) -> None:
    found = store.documents(f"tenants/{ORG}/orders")
    orders = {key: row for key, row in found.items() if not row.get("removedFromPosAt")}
    assert {
        order_id: (row.get("customerId"), Decimal(str(row["total"])), row["channel"])
        for order_id, row in orders.items()
    } == {o.id: (o.customer_id, o.total, o.channel) for o in truth.orders.values()}
    numbers = {order_id: row.get("ecomNumber") for order_id, row in orders.items()}
    assert numbers == {order.id: order.ecom_number for order in truth.orders.values()}
    now = datetime.now(UTC)
    customers = store.documents(f"tenants/{ORG}/customers")
    assert {
        customer_id: (Decimal(str(row["totalSpent"])), row["orderCount"], row["segment"])
        for customer_id, row in customers.items()
    } == {
        customer_id: (figures.spent, len(figures.moments), figures.segment(now))
        for customer_id, figures in truth.figures.items()
    }


def test_orders_and_customers_are_those_of_the_retailer(
    sync: SyncRunner,
    spending: SpendingRunner,
    lightspeed: SimulatedLightspeed,
    store: StoredDocuments,
) -> None:
    # When
    synced(sync, spending)

    # Then
    truth = truth_of(lightspeed)
    require_stored(store, truth)
    assert store.status(ORG)["ordersSkipped"] == truth.skipped > 0


def test_what_happens_at_the_retailer_follows_with_the_next_sync(
    sync: SyncRunner,
    spending: SpendingRunner,
    lightspeed: SimulatedLightspeed,
    store: StoredDocuments,
) -> None:
    # Given
    synced(sync, spending)
    sales = [
        sale
        for sale in lightspeed.data(ORG)["sales"]
        if sale["status"] == "CLOSED" and sale["customer_id"] and not sale["deleted_at"]
        if sale["total_price_incl"] > 0
    ]

    # When: a sale is voided, another deleted, and every late eCom order arrives
    lightspeed.set_status(ORG, sales[-1]["id"], "VOIDED")
    lightspeed.delete(ORG, "sales", sales[-2]["id"])
    arrived = lightspeed.let_arrive(ORG)
    synced(sync, spending)

    # Then
    assert len(arrived) == SMALL_RETAILER.late
    require_stored(store, truth_of(lightspeed))
    deleted = store.document(f"tenants/{ORG}/orders/lightspeed_{sales[-2]['id']}")
    assert deleted["removedFromPosAt"]


@pytest.mark.parametrize(
    "events",
    [
        ("sync", "import", "arrive", "sync"),
        ("import", "sync", "arrive", "import", "sync"),
        ("sync", "arrive", "import", "import", "sync"),
        ("import", "arrive", "sync", "sync", "import"),
    ],
    ids=" ".join,
)
def test_imports_syncs_and_late_arrivals_end_alike_in_any_order(
    events: tuple[str, ...],
    sync: SyncRunner,
    spending: SpendingRunner,
    lightspeed: SimulatedLightspeed,
    store: StoredDocuments,
    tmp_path: Path,
) -> None:
    # Given: most that is late arrives, and what nobody knew comes with its customer
    late = lightspeed.late_orders(ORG)
    export = Export(sync, spending, lightspeed)

    # When
    for event in events:
        match event:
            case "sync":
                synced(sync, spending)
            case "import":
                export.bring_in(tmp_path / "ecom_orders_export.csv")
                spending.compute_requested()
            case _:
                lightspeed.let_arrive(ORG, *late[:-5])

    # Then
    truth = truth_of(lightspeed, imported=True)
    require_stored(store, truth)
    superseded = {order.id: order.superseded_by for order in truth.orders.values()}
    found = store.documents(f"tenants/{ORG}/orders")
    assert {key: row.get("supersededBy") for key, row in found.items()} == superseded


def test_notes_of_sales_are_stored_nowhere(
    sync: SyncRunner,
    spending: SpendingRunner,
    lightspeed: SimulatedLightspeed,
    store: StoredDocuments,
) -> None:
    # When
    synced(sync, spending)

    # Then
    notes = [
        line
        for sale in lightspeed.data(ORG)["sales"]
        for line in sale["note"].split("\n")[1:]
        if line
    ]
    everything = str(store.everything(ORG))
    assert len(notes) == SMALL_RETAILER.ecom_orders - SMALL_RETAILER.late
    assert not any(note in everything for note in notes)
    assert "Order ID" not in everything
