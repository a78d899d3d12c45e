"""A status that another part of the product sets on an order holds until the POS changes its."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.spec import OrgSpec
from shared.bus.messages import ComputeSpending
from shared.clock import utc_now
from shared.services.sync.commands import SyncOrg
from shared.store import paths
from tests.emulator.dashboard.client import DashboardClient
from tests.emulator.environment import TINY, Environment, SpendingRunner, SyncRunner
from tests.emulator.sync.webhook_pipeline import WebhookPipeline
from tests.fakes import OffsetClock
from tests.simulated_pos import Record, SimulatedPos, placed_order
from tests.stored import StoredDocuments

ORG = "org_test"
COMMAND = SyncOrg(ORG, "tuesday", "cron")
STATUS = paths.pos_status(ORG)
PLACED = 950_001
PATH = f"{paths.orders(ORG)}/alleaves_{PLACED}"


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    return (TINY,)


class OtherProgram:
    """Sets the status of the order, and has its customer's spending computed."""

    def __init__(self, client: Client, spending: SpendingRunner) -> None:
        self._order = client.document(PATH)
        self._spending = spending

    def set_status(self, status: str) -> None:
        self._order.update({"status": status})
        customer_id = str(self._order.get(["customerId"]).get("customerId"))
        self._spending.service(ComputeSpending(org_id=ORG, customer_ids=(customer_id,)))


@pytest.fixture
def other(client: Client, spending: SpendingRunner) -> OtherProgram:
    return OtherProgram(client, spending)


def place_order(pos: SimulatedPos, **fields: Any) -> Record:
    """A new order for $100 at the POS."""
    template = pos.newest_order(ORG)
    moment = utc_now().isoformat()
    order = placed_order(template, PLACED, template["id_customer"], moment) | fields
    pos.add(ORG, "orders", order)
    return order


def change_order(pos: SimulatedPos, **fields: Any) -> None:
    pos.change(ORG, "orders", PLACED, **fields)


def status_of(store: StoredDocuments) -> tuple[Any, ...]:
    """The order's status, the POS's, and what that stands for."""
    order = store.document(PATH)
    return tuple(order[name] for name in ("status", "posStatus", "statusFromPos"))


def test_it_holds_whatever_else_the_pos_changes_and_spending_goes_by_it(
    pos: SimulatedPos,
    store: StoredDocuments,
    sync: SyncRunner,
    spending: SpendingRunner,
    other: OtherProgram,
) -> None:
    # Given an order that counts, and that another program has cancelled
    order = place_order(pos)
    sync.run(ORG)
    spending.compute_requested()
    customer = f"{paths.customers(ORG)}/{order['id_customer']}"
    before = store.document(customer)["totalSpent"]
    other.set_status("cancelled")
    assert store.document(customer)["totalSpent"] == pytest.approx(before - 100)

    # When runs pass by, the total changes, and all is written anew
    sync.run(ORG)
    change_order(pos, total="70.00")
    sync.run(ORG)
    sync.run(ORG, full=True)
    spending.compute_requested()

    # Then the order is still cancelled, with what the POS says of it
    assert status_of(store) == ("cancelled", "completed", "completed")
    assert store.document(PATH)["total"] == 70
    assert store.document(customer)["totalSpent"] == pytest.approx(before - 100)

    # When the POS says something else than before, that is the status
    change_order(pos, status="delivered")
    sync.run(ORG)
    spending.compute_requested()
    assert status_of(store) == ("completed", "delivered", "completed")
    assert store.document(customer)["totalSpent"] == pytest.approx(before - 30)


def test_an_order_without_a_status_at_the_pos_is_complete_once_the_pos_says_so(
    pos: SimulatedPos, store: StoredDocuments, sync: SyncRunner, other: OtherProgram
) -> None:
    # Given a delivery to come, of which the POS gives no status
    place_order(pos, status=None, type="delivery", complete=False)
    sync.run(ORG)
    other.set_status("confirmed")

    # When the POS changes something else, then completes it
    change_order(pos, total="70.00")
    sync.run(ORG)
    assert status_of(store) == ("confirmed", None, "pending")
    change_order(pos, complete=True)
    sync.run(ORG)

    # Then
    assert status_of(store) == ("completed", None, "completed")


def test_it_holds_though_a_worker_died_that_had_stored_the_order_and_not_noted_it(
    pos: SimulatedPos, store: StoredDocuments, sync: SyncRunner, other: OtherProgram
) -> None:
    # Given a new order that a worker has stored and not noted
    sync.run(ORG)
    place_order(pos)
    sync.die_before_writing(STATUS, COMMAND)
    other.set_status("cancelled")

    # When the next worker takes over
    sync.run(ORG, run_id=COMMAND.run_id)
    assert status_of(store) == ("cancelled", "completed", "completed")

    # and when a worker dies with the POS's new status stored, and another program goes on from it
    change_order(pos, status="processing")
    sync.die_before_writing(STATUS, SyncOrg(ORG, "wednesday", "cron"))
    assert status_of(store) == ("preparing", "processing", "preparing")
    other.set_status("ready")
    sync.run(ORG, run_id="wednesday")

    # Then
    assert status_of(store) == ("ready", "processing", "preparing")


def test_a_status_that_the_pos_takes_back_is_not_held_for_another_programs(
    pos: SimulatedPos, store: StoredDocuments, sync: SyncRunner
) -> None:
    # Given an order whose new status a worker has stored and not noted
    place_order(pos, status="processing")
    sync.run(ORG)
    change_order(pos, status="completed")
    sync.die_before_writing(STATUS, COMMAND)
    assert status_of(store) == ("completed", "completed", "completed")

    # When the POS takes it back
    change_order(pos, status="processing")
    sync.run(ORG, run_id=COMMAND.run_id)

    # Then
    assert status_of(store) == ("preparing", "processing", "preparing")


def test_it_holds_while_the_order_cannot_be_read_and_once_it_can(
    pos: SimulatedPos, store: StoredDocuments, sync: SyncRunner, other: OtherProgram
) -> None:
    # Given
    place_order(pos)
    sync.run(ORG)
    other.set_status("cancelled")

    # When the order is in quarantine for a while
    change_order(pos, total="not a number")
    sync.run(ORG)
    assert len(store.documents(f"tenants/{ORG}/quarantine")) == 1
    change_order(pos, total="70.00")
    sync.run(ORG)

    # Then
    assert store.document(PATH)["total"] == 70
    assert status_of(store) == ("cancelled", "completed", "completed")


def test_it_holds_against_a_webhook_and_a_webhook_brings_the_pos_s_own(
    pos: SimulatedPos,
    store: StoredDocuments,
    sync: SyncRunner,
    environment: Environment,
    other: OtherProgram,
) -> None:
    # Given
    webhooks = WebhookPipeline(environment)
    place_order(pos)
    sync.run(ORG)
    other.set_status("cancelled")

    # When the POS says that the order has changed, though its status has not
    change_order(pos, total="70.00")
    webhooks.receive("order.updated", {"id_order": PLACED}, event_id="e1")
    webhooks.process()
    assert store.document(PATH)["total"] == 70
    assert status_of(store) == ("cancelled", "completed", "completed")

    # and that it has
    change_order(pos, status="ready")
    webhooks.receive("order.updated", {"id_order": PLACED}, event_id="e2")
    webhooks.process()

    # Then
    assert status_of(store) == ("ready", "ready", "ready")


def test_a_list_shows_what_a_webhook_brought_though_nobody_has_spent_more(
    pos: SimulatedPos, sync: SyncRunner, environment: Environment, clock: OffsetClock
) -> None:
    # Given a dashboard that keeps its answer about orders that do not count
    webhooks = WebhookPipeline(environment)
    place_order(pos, status="pending")
    sync.run(ORG)
    environment.spending.compute_requested()
    dashboard = DashboardClient(environment.database, ORG, clock)
    assert dashboard.get("orders", limit=1)["items"][0]["status"] == "pending"

    # When a webhook says that the newest has changed
    change_order(pos, status="processing")
    webhooks.receive("order.updated", {"id_order": PLACED})
    webhooks.process()
    clock.later += timedelta(seconds=2)

    # Then
    assert dashboard.get("orders", limit=1)["items"][0]["status"] == "preparing"


def test_an_order_of_an_earlier_version_gets_the_pos_s_status_once(
    client: Client,
    pos: SimulatedPos,
    store: StoredDocuments,
    sync: SyncRunner,
    other: OtherProgram,
) -> None:
    # Given an order of which is not stored what the POS's status stood for
    place_order(pos)
    sync.run(ORG)
    other.set_status("cancelled")
    document = store.document(PATH)
    del document["statusFromPos"]
    client.document(PATH).set(document)

    # When the order changes, then is cancelled once more and changes again
    change_order(pos, total="70.00")
    sync.run(ORG)
    assert status_of(store) == ("completed", "completed", "completed")
    other.set_status("cancelled")
    change_order(pos, total="60.00")
    sync.run(ORG)

    # Then
    assert status_of(store) == ("cancelled", "completed", "completed")
