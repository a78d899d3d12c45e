"""Much at once is committed in parts that Firestore takes, and contention ends no run."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.spec import OrgSpec
from shared.clock import Deadline, utc_now
from shared.domain.runs import RunState
from shared.pos.port import Rejected
from shared.services.runs import lifecycle
from shared.services.runs.lifecycle import ActiveRun
from shared.services.sync.records import StreamRecords
from shared.services.sync.session import Session, WriteGroup
from shared.store import manifest, paths
from shared.store.database import Database, Put
from shared.store.runs import Run
from tests.emulator.environment import SyncRunner
from tests.fakes import RecordingPublisher
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments
from tests.strict_firestore.control import Control

ORG = "org_test"
FINGERPRINT = bytes(range(8))
ORDERS = f"tenants/{ORG}/orders"


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    return (OrgSpec(id=ORG, customers=30, orders=40, products=20, rows=24, seed=5),)


@pytest.fixture
def active(database: Database, sync: SyncRunner) -> ActiveRun[Run]:
    """A run of the org that has just begun."""
    opened = lifecycle.open_run(
        lifecycle.SYNC,
        database.metered(),
        ORG,
        "monday",
        Run(state=RunState.RUNNING, trigger="cron", started_at=utc_now()),
        clock=utc_now,
        lease_ttl=timedelta(seconds=60),
    )
    assert isinstance(opened, ActiveRun)
    return opened


def session_of(active: ActiveRun[Run]) -> Session:
    return Session(
        active,
        provider="alleaves",
        spending=RecordingPublisher(),
        clock=utc_now,
        deadline=Deadline(60),
    )


def test_sixty_rows_of_200_kb_go_to_quarantine_at_once(
    store: StoredDocuments, active: ActiveRun[Run]
) -> None:
    rejected = [
        Rejected(str(number), "bad_price", "The price is no number.", "x" * 200_000)
        for number in range(60)
    ]

    with active, session_of(active) as session:
        StreamRecords(session, "orders").quarantine(rejected)
        session.end()

    found = store.documents(f"tenants/{ORG}/quarantine")
    assert {len(fields["raw"]) for fields in found.values()} == {200_000}
    assert len(found) == 60


def test_sixty_records_that_were_refused_go_to_quarantine_with_the_manifest_that_knows_them(
    store: StoredDocuments, database: Database, active: ActiveRun[Run]
) -> None:
    with active, session_of(active) as session:
        for number in range(60):
            document = Put(f"tenants/{ORG}/quarantine/orders_{number}", {"raw": "x" * 200_000})
            session.manifests["orders"].quarantine(
                str(number), FINGERPRINT, document, now=utc_now()
            )
        session.end()

    assert len(store.documents(f"tenants/{ORG}/quarantine")) == 60
    kept = manifest.load(database, ORG, "alleaves", {"orders": 1})["orders"]
    assert {*kept.in_quarantine()} == {str(number) for number in range(60)}


def test_400_orders_of_200_lines_are_stored_at_once(
    store: StoredDocuments, active: ActiveRun[Run]
) -> None:
    line = {"productId": "1", "name": "Sample Vape 1 g", "category": "Vapes", "quantity": 1}
    groups = [
        WriteGroup((Put(f"{ORDERS}/{number}", {"items": [line] * 200}),)) for number in range(400)
    ]

    with active, session_of(active) as session:
        session.store_groups(groups)
        session.end()

    assert len(store.documents(ORDERS)) == 400


def test_a_manifest_of_370_000_entries_is_checkpointed_and_doubled(
    client: Client, database: Database, active: ActiveRun[Run]
) -> None:
    # Given a manifest that a checkpoint and a run's end store
    def load() -> manifest.Manifest:
        return manifest.load(Database(client), ORG, "alleaves", {"orders": 1})["orders"]

    count = 370_000
    with active, session_of(active) as session:
        marks = session.manifests["orders"]
        for number in range(count):
            marks.put(f"alleaves_{number}", FINGERPRINT)
        session.checkpoint()
        assert load().count(manifest.STORED) == count
        shards = marks.shards

        # When as many come again that it must be doubled, with a few of them at a time
        for number in range(count, 400_000):
            marks.put(f"alleaves_{number}", FINGERPRINT)
            if number % 10_000 == 0:
                session.checkpoint()
        assert load().count(manifest.STORED) == 390_001
        session.end()

    # Then all are there, in documents of one generation, and no log is left
    assert load().count(manifest.STORED) == 400_000
    assert load().shards == 2 * shards
    stored = {document.id for document in database.query(paths.manifests(ORG), select=["count"])}
    assert len([name for name in stored if name.startswith("orders-")]) == 2 * shards
    assert active.run.cost.writes > 0


@pytest.mark.parametrize("status", ["ABORTED", "UNAVAILABLE", "RESOURCE_EXHAUSTED"])
def test_contention_on_the_lease_ends_no_run(
    strict_firestore: Control | None, sync: SyncRunner, status: str
) -> None:
    if strict_firestore is None:
        return
    try:
        strict_firestore.fault(status, share=0.3, count=8, path=paths.lease(ORG))
        run = sync.run(ORG)
    finally:
        strict_firestore.clear()
    assert run["state"] == "succeeded"
    assert run["invocations"] == 1


def test_lost_answers_end_no_run_and_lose_none(
    strict_firestore: Control | None, sync: SyncRunner, pos: SimulatedPos, store: StoredDocuments
) -> None:
    if strict_firestore is None:
        return
    try:
        strict_firestore.fault("UNAVAILABLE", share=0.5, count=8, applied=True)
        run = sync.run(ORG)
    finally:
        strict_firestore.clear()
    assert run["state"] == "succeeded"
    assert len(store.documents(f"tenants/{ORG}/customers")) == len(pos.data(ORG)["customers"])
