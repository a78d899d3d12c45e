"""Whose spending a sync asks for, and when."""

import pytest

from shared.bus.messages import ComputeSpending
from shared.services.sync import session
from shared.store import paths
from tests.emulator.environment import SpendingRunner, SyncRunner
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints as if the org were a hundred times as large."""
    monkeypatch.setattr(session, "CHECKPOINT_WRITES", 80)
    monkeypatch.setattr(session, "WRITES_PER_COMMIT", 40)
    monkeypatch.setattr(session, "MANY_CUSTOMERS", 50)


def asked(spending: SpendingRunner) -> list[tuple[str, ...] | None]:
    messages = spending.requests.take()
    return [m.customer_ids for m in messages if isinstance(m, ComputeSpending)]


def test_everybodys_spending_is_asked_for_once_however_many_checkpoints_there_are(
    store: StoredDocuments,
    spending: SpendingRunner,
    sync: SyncRunner,
) -> None:
    # When an org is synced for the first time, with several checkpoints
    sync.run(ORG)

    # Then everybody is asked for once, since it reads all orders, and nothing is pending any more
    assert asked(spending) == [None]
    assert not store.document(paths.progress(ORG, "alleaves"))["everybodyOwed"]


def test_what_a_dead_worker_left_pending_is_asked_for_by_the_next_run(
    store: StoredDocuments,
    spending: SpendingRunner,
    sync: SyncRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a first run whose worker ended after a checkpoint, before the run's end
    with monkeypatch.context() as dying:

        def die(*_: object, **__: object) -> None:
            raise ConnectionAbortedError

        dying.setattr(session.Session, "end", die)
        with pytest.raises(ConnectionAbortedError):
            sync.run(ORG, run_id="first")
    assert asked(spending) == []
    assert store.document(paths.progress(ORG, "alleaves"))["everybodyOwed"]

    # When its message is delivered again, and little is left to do
    sync.run(ORG, run_id="first")

    # Then everybody is asked for
    assert asked(spending) == [None]


def test_a_few_changed_customers_are_asked_for_by_name(
    pos: SimulatedPos, spending: SpendingRunner, sync: SyncRunner
) -> None:
    # Given an org that is in step with its POS
    sync.run(ORG)
    asked(spending)

    # When one order changes
    data = pos.data(ORG)
    order = max((o for o in data["orders"] if o["id_customer"]), key=lambda o: o["date_created"])
    pos.change(ORG, "orders", order["id_order"], total=12.34)
    sync.run(ORG)

    # Then its customer alone is asked for
    assert asked(spending) == [(str(order["id_customer"]),)]
