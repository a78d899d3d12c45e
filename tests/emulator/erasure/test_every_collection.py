"""Of an org that uses everything: nothing of the person is left in any collection, and the erasure
knows all collections."""

import json
from typing import Any

import pytest

from shared.bus.messages import ReportMetrics
from shared.services.erasure.collections import COLLECTIONS
from shared.services.metrics.report import MetricsReports
from tests.emulator.environment import Environment, SpendingRunner, SyncRunner
from tests.emulator.erasure.erasing import (
    EMAIL,
    FIRST,
    LAST,
    ORG,
    PHONE,
    TRACES,
    Erasing,
    documents,
    make_unique,
)
from tests.emulator.erasure.traces import seed
from tests.fakes import RecordingPublisher
from tests.simulated_pos import SimulatedPos

NAME = f"{FIRST} {LAST}"


@pytest.fixture
def customer_id(
    environment: Environment, pos: SimulatedPos, sync: SyncRunner, spending: SpendingRunner
) -> str:
    """A customer of whom something stands in every collection that can hold anything."""
    found = make_unique(pos)
    unreadable = {**pos.data(ORG)["customers"][0], "id_customer": "__x__", "email": EMAIL}
    pos.add(ORG, "customers", {**unreadable, "phone": PHONE})
    sync.run(ORG)
    spending.compute_requested()
    _report(environment)
    seed(environment.client, found, environment.clock.now())
    return found


def _report(environment: Environment) -> None:
    database, clock = environment.database, environment.clock
    service = MetricsReports(database, RecordingPublisher(), clock.now, 60)
    service(ReportMetrics(org_id=ORG, as_of=clock.now()))


def test_nothing_is_left_in_any_collection(erasing: Erasing, customer_id: str) -> None:
    # Given
    before = erasing.left_of(*TRACES)
    assert {path.split("/")[2] for path in before if path.startswith("tenants/")} >= {
        *("quarantine", "sync_runs", "sync_reports", "metrics_state", "metrics_reports"),
        *("orders", "customers", "customer_spending", "incidents"),
    }
    # When
    erasing(customer_id)
    # Then
    assert erasing.left_of(*TRACES, customer_id) == []


def test_what_is_about_others_stays(erasing: Erasing, customer_id: str) -> None:
    # Given
    client = erasing.client
    # When
    erasing(customer_id)
    # Then
    org = f"tenants/{ORG}"

    def fields(path: str) -> dict[str, Any]:
        return client.document(path).get().to_dict() or {}

    assert fields(f"{org}/webhook_events/w1")["customerIds"] == ["5"]
    assert fields(f"{org}/spending_requests/s1")["customerIds"] == ["5"]
    assert fields(f"{org}/sync_runs/r9")["holds"]["customers"]["recordIds"] == ["6"]
    assert [
        c["id"] for c in fields(f"{org}/sync_reports/d1")["streams"]["customers"]["changes"]
    ] == ["6"]
    assert json.loads(fields("dead_letters/m1")["data"])["customerIds"] == ["5"]
    assert fields(f"{org}/orders/another")["customerId"] == "100001"
    assert fields(f"{org}/orders/another")["total"] == 7.0
    assert fields(f"{org}/orders/ecom_12")["customerId"] == "erased"
    assert fields(f"{org}/quarantine/orders_alleaves_7")["raw"] == "{}"


def test_every_collection_is_known_to_the_erasure(erasing: Erasing, customer_id: str) -> None:
    # Given
    erasing(customer_id)
    # When
    stored = {pattern(path) for path, _ in documents(erasing.client)}
    # Then
    assert stored <= {pattern(f"{each.path}/x") for each in COLLECTIONS}


def pattern(path: str) -> str:
    """The names of the collections on the way to a document."""
    return "/".join(path.split("/")[::2])
