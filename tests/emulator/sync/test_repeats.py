"""Messages that come twice, late, or at once with their twin."""

import threading

from google.cloud.firestore import Client

from shared.bus.messages import ComputeSpending
from shared.errors import Busy
from shared.services.sync.commands import SyncOrg
from shared.services.sync.org import OrgSync
from tests.emulator.environment import SMALL, SpendingRunner, SyncRunner
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments, differences

ORG = "org_test"
COPIES = 4


def test_a_message_delivered_again_after_its_run_changes_nothing(
    store: StoredDocuments, spending: SpendingRunner, sync: SyncRunner
) -> None:
    sync.run(ORG, run_id="monday")
    spending.compute_requested()
    before = store.records(ORG)
    run = store.document(f"tenants/{ORG}/sync_runs/monday")

    sync.run(ORG, run_id="monday")

    assert store.records(ORG) == before
    assert store.document(f"tenants/{ORG}/sync_runs/monday") == run
    assert spending.requests.take() == []


def test_two_syncs_of_an_org_at_once_leave_the_documents_of_one(
    store: StoredDocuments, pos: SimulatedPos, spending: SpendingRunner, sync: SyncRunner
) -> None:
    # Given a POS slow enough for the two to meet
    pos.fault("latency", ms=40)
    outcomes: list[str] = []

    def deliver(service: OrgSync, run_id: str) -> None:
        try:
            service(SyncOrg(ORG, run_id, "cron"))
            outcomes.append("acknowledged")
        except Busy:
            outcomes.append("to be delivered again")

    # When two runs, and a twin of one of their messages, arrive at once
    threads = [
        threading.Thread(target=deliver, args=(sync.service(), run_id))
        for run_id in ("monday", "tuesday", "monday")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    spending.compute_requested()

    # Then one run did all the work, the other left no trace, and no copy was lost
    runs = store.documents(f"tenants/{ORG}/sync_runs")
    assert [run["state"] for run in runs.values()] == ["succeeded"]
    assert len(outcomes) == 3
    at_once = store.records(ORG)
    sync.run(ORG, run_id="later", full=True)
    spending.compute_requested()
    assert differences(at_once, store.records(ORG)) == []
    assert store.document(f"tenants/{ORG}/sync_state/lease").get("runId") is None


def test_spending_computed_many_times_at_once_is_as_if_once(
    store: StoredDocuments, spending: SpendingRunner, sync: SyncRunner
) -> None:
    sync.run(ORG)
    asked = [m for m in spending.requests.take() if isinstance(m, ComputeSpending)]
    threads = [
        threading.Thread(target=spending.service, args=(message,))
        for message in asked
        for _ in range(COPIES)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    spending.compute_requested()
    at_once = store.records(ORG)

    spending.service(ComputeSpending(org_id=ORG))

    assert store.records(ORG) == at_once
    assert len(at_once["customer_spending"]) > SMALL.customers


def test_full_repairs_what_was_changed_by_hand(
    client: Client, store: StoredDocuments, spending: SpendingRunner, sync: SyncRunner
) -> None:
    sync.run(ORG)
    spending.compute_requested()
    before = store.records(ORG)
    customer = client.document(f"tenants/{ORG}/customers/{next(iter(before['customers']))}")
    order = client.document(f"tenants/{ORG}/orders/{next(iter(before['orders']))}")
    customer.update({"firstName": "Typo"})
    order.delete()

    sync.run(ORG)
    assert store.records(ORG) != before, "an ordinary sync trusts its manifest"
    sync.run(ORG, full=True)
    spending.compute_requested()

    assert store.records(ORG) == before


def test_what_others_put_on_a_document_survives(
    client: Client, store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    sync.run(ORG)
    data = pos.data(ORG)
    customer_id = str(data["customers"][0]["id_customer"])
    path = f"tenants/{ORG}/customers/{customer_id}"
    client.document(path).update({"userId": "web-1", "socialEquity": True, "notes": {"vip": "yes"}})

    pos.change(ORG, "customers", customer_id, name_first="Renamed")
    sync.run(ORG)
    sync.run(ORG, full=True)

    found = store.document(path)
    assert found["firstName"] == "Renamed"
    assert (found["userId"], found["socialEquity"]) == ("web-1", True)
    assert found["notes"] == {"vip": "yes"}
