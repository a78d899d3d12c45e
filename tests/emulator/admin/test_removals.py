"""A person decides on a removal that is held: just that one, as it was shown."""

import pytest

from shared.services.admin.removals import held_removals
from shared.store.database import Database
from tests.emulator.admin.client import OTHER, AdminClient
from tests.emulator.environment import SyncRunner
from tests.emulator.functions import InProcess
from tests.emulator.sync.test_removal import drop
from tests.simulated_pos import SimulatedPos
from tests.stored import MENU, StoredDocuments

ORG = "org_test"
INCIDENT = f"tenants/{ORG}/incidents/removal_held"


@pytest.fixture
def gone(pos: SimulatedPos, sync: SyncRunner) -> set[str]:
    """Products that the POS lists no more, a third of them all, which is held."""
    sync.run(ORG)
    dropped = drop(pos, 20)
    sync.run(ORG)
    return dropped


def held(database: Database) -> str:
    """The id of the removal that is held."""
    (found,) = held_removals(database, ORG)
    return found.hold.id


def test_an_approved_removal_is_made_and_noted(
    database: Database, store: StoredDocuments, admin: AdminClient, gone: set[str]
) -> None:
    # Given a removal that is shown with what would go
    (shown,) = held_removals(database, ORG)
    assert (shown.stream, shown.hold.count) == ("products", 20)
    assert set(shown.hold.record_ids) == gone

    # When the dispensary's manager approves it
    answer = admin.post("removals", decision="approve", removals=[shown.hold.id])
    assert admin.do_syncs() == 1

    # Then the products go, and it is written down who wanted that
    run = store.run(ORG, answer["runId"])
    assert (run["state"], run["requestedBy"]) == ("succeeded", "manager")
    assert run["streams"]["products"]["deleted"] == 20
    assert set(store.documents(f"tenants/{ORG}/{MENU}")).isdisjoint(gone)
    assert store.status(ORG)["deletionsHeld"] == 0
    assert store.document(INCIDENT)["state"] == "resolved"
    (action,) = admin.actions(orgId=ORG)
    assert (action["by"], action["action"]) == ("manager", "removal_approved")
    assert shown.hold.id in action["target"]


def test_an_approval_removes_nothing_else(
    database: Database,
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
    admin: AdminClient,
    gone: set[str],
) -> None:
    # Given a removal that was approved, and one more product that goes before the sync begins
    approved = held(database)
    admin.post("removals", decision="approve", removals=[approved])
    more = drop(pos, 1)

    # When the sync is made
    admin.do_syncs()

    # Then nothing is removed: it is another removal, which is to be decided on anew
    menu = set(store.documents(f"tenants/{ORG}/{MENU}"))
    assert menu >= gone | more
    assert store.status(ORG)["deletionsHeld"] == 21
    assert held(database) != approved
    status, code, message = admin.refusal("removals", decision="approve", removals=[approved])
    assert (status, code) == (409, "removal_changed")
    assert "look again" in message
    assert admin.do_syncs() == 0


def test_a_refused_removal_waits_for_nobody_until_the_pos_answers_differently(
    database: Database,
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
    admin: AdminClient,
    gone: set[str],
) -> None:
    # When the removal is refused
    admin.post("removals", decision="refuse", removals=[held(database)])
    assert admin.do_syncs() == 1

    # Then the products stay, nothing is held, and the status says so
    status = store.status(ORG)
    assert (status["status"], status["deletionsHeld"]) == ("active", 0)
    assert any("are kept, as somebody has decided" in each for each in status["warnings"])
    assert set(store.documents(f"tenants/{ORG}/{MENU}")) >= gone
    assert store.document(INCIDENT)["state"] == "resolved"

    # and so it is at the next runs
    run = sync.run(ORG)
    assert run["state"] == "succeeded"
    assert store.document(INCIDENT)["state"] == "resolved"
    assert held_removals(database, ORG) == []

    # When one more goes, then people are asked anew
    drop(pos, 1)
    assert sync.run(ORG)["state"] == "held"
    assert store.document(INCIDENT)["state"] == "open"
    assert [each.hold.count for each in held_removals(database, ORG)] == [21]


def test_a_refusal_beside_a_run_under_way_is_kept_for_the_next(
    database: Database, store: StoredDocuments, sync: SyncRunner, admin: AdminClient, gone: set[str]
) -> None:
    removal = held(database)
    admin.post("removals", decision="approve", removals=[removal])

    answer = admin.post("removals", decision="refuse", removals=[removal])

    assert "runId" not in answer
    assert sync.run(ORG)["state"] == "succeeded"
    assert set(store.documents(f"tenants/{ORG}/{MENU}")) >= gone


def test_an_empty_list_is_no_proof_and_cannot_be_approved(
    database: Database, pos: SimulatedPos, sync: SyncRunner, admin: AdminClient
) -> None:
    sync.run(ORG)
    pos.fault("empty_list", endpoint="inventory")
    sync.run(ORG)

    status, code, message = admin.refusal("removals", decision="approve", removals=[held(database)])

    assert (status, code) == (409, "removal_unproven")
    assert "listed nothing at all" in message


@pytest.mark.usefixtures("gone")
def test_the_staff_of_another_org_decide_nothing(
    database: Database, store: StoredDocuments, admin: AdminClient, functions: InProcess
) -> None:
    status, code, _ = admin.refusal(
        "removals", by=OTHER, decision="approve", removals=[held(database)]
    )

    assert (status, code) == (403, "not_allowed")
    assert functions.published == []
    assert store.documents(f"tenants/{ORG}/audit") == {}
