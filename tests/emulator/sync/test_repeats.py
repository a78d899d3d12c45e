"""Messages that come twice, late, or at once with their twin."""

import threading

import pytest

from shared.bus.messages import ComputeSpending
from shared.errors import Busy
from shared.services.sync.commands import SyncOrg
from shared.services.sync.org import OrgSync
from tests.emulator.sync.world import World, differences

ORG = "org_test"


def test_a_message_delivered_again_after_its_run_changes_nothing(world: World) -> None:
    world.sync(ORG, run_id="monday")
    world.compute_spending()
    before = world.records(ORG)
    run = world.document(f"tenants/{ORG}/sync_runs/monday")

    world.sync(ORG, run_id="monday")

    assert world.records(ORG) == before
    assert world.document(f"tenants/{ORG}/sync_runs/monday") == run
    assert world.spending_asked.take() == []


def test_two_syncs_of_an_org_at_once_leave_the_documents_of_one(world: World) -> None:
    # Given a POS slow enough for the two to meet
    world.fault("latency", ms=40)
    outcomes: list[str] = []

    def deliver(service: OrgSync, run_id: str) -> None:
        try:
            service(SyncOrg(ORG, run_id, "cron"))
            outcomes.append("acknowledged")
        except Busy:
            outcomes.append("to be delivered again")

    # When two runs, and a twin of one of their messages, arrive at once
    threads = [
        threading.Thread(target=deliver, args=(world.service(), run_id))
        for run_id in ("monday", "tuesday", "monday")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    world.compute_spending()

    # Then one run did all the work, the other left no trace, and no copy was lost
    runs = world.documents(f"tenants/{ORG}/sync_runs")
    assert [run["state"] for run in runs.values()] == ["succeeded"]
    assert len(outcomes) == 3
    at_once = world.records(ORG)
    world.sync(ORG, run_id="later", full=True)
    world.compute_spending()
    assert differences(at_once, world.records(ORG)) == []
    assert world.document(f"tenants/{ORG}/sync_state/lease").get("runId") is None


@pytest.mark.parametrize("copies", [2, 4])
def test_spending_computed_many_times_at_once_is_as_if_once(world: World, copies: int) -> None:
    world.sync(ORG)
    asked = [m for m in world.spending_asked.take() if isinstance(m, ComputeSpending)]
    threads = [
        threading.Thread(target=world.spending, args=(message,))
        for message in asked
        for _ in range(copies)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    world.compute_spending()
    at_once = world.records(ORG)

    world.spending(ComputeSpending(org_id=ORG))

    assert world.records(ORG) == at_once
    assert len(at_once["customer_spending"]) > 230


def test_full_repairs_what_was_changed_by_hand(world: World) -> None:
    world.sync(ORG)
    world.compute_spending()
    before = world.records(ORG)
    customer = world.client.document(f"tenants/{ORG}/customers/{next(iter(before['customers']))}")
    order = world.client.document(f"tenants/{ORG}/orders/{next(iter(before['orders']))}")
    customer.update({"firstName": "Typo"})
    order.delete()

    world.sync(ORG)
    assert world.records(ORG) != before, "an ordinary sync trusts its manifest"
    world.sync(ORG, full=True)
    world.compute_spending()

    assert world.records(ORG) == before


def test_what_others_put_on_a_document_survives(world: World) -> None:
    world.sync(ORG)
    data = world.pos_data(ORG)
    customer_id = str(data["customers"][0]["id_customer"])
    path = f"tenants/{ORG}/customers/{customer_id}"
    world.client.document(path).update(
        {"userId": "web-1", "socialEquity": True, "notes": {"vip": "yes"}}
    )

    world.change(ORG, "customers", customer_id, name_first="Renamed")
    world.sync(ORG)
    world.sync(ORG, full=True)

    found = world.document(path)
    assert found["firstName"] == "Renamed"
    assert (found["userId"], found["socialEquity"]) == ("web-1", True)
    assert found["notes"] == {"vip": "yes"}
