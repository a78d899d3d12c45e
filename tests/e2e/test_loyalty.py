"""Loyalty on the whole local cloud: from a tick to points, and through a kill."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from deploy.local.simulator.truth import Truth
from shared.store import loyalty
from shared.store.database import Database
from tests.e2e.cloud import Cloud

SIZES = {"customers": 260, "orders": 330, "products": 12, "rows": 14}
CONTACTS, DIFFERING = 60, 3
IN_FLIGHT = 50


@pytest.fixture
def org(cloud: Cloud, open_org: Callable[..., str]) -> str:
    """An org that is synced, its spending computed, with an account at Alpine IQ."""
    org_id = open_org(**SIZES, alpine_contacts=CONTACTS, alpine_differing=DIFFERING)
    tenants = {t["id"]: t["document"] for t in cloud.pos.control("GET", "tenants")}
    cloud.client.document(f"tenants/{org_id}").set(tenants[org_id])
    cloud.stack.publish("cron-tick", {"job": "pos-sync", "orgId": org_id})
    cloud.wait("spending", lambda: spending_is_computed(cloud, org_id), 120)
    return org_id


def spending_is_computed(cloud: Cloud, org_id: str) -> bool:
    documents = cloud.store.documents(f"tenants/{org_id}/customer_spending")
    runs = cloud.store.runs(org_id).values()
    ended = bool(runs) and all(run["state"] == "succeeded" for run in runs)
    return ended and sum(i.startswith("cid_") for i in documents) == SIZES["customers"]


def ended(cloud: Cloud, org_id: str) -> dict[str, Any]:
    """The only loyalty run of the org, once it has ended."""

    def run() -> dict[str, Any]:
        found = cloud.store.documents(f"tenants/{org_id}/loyalty_runs")
        return next(iter(found.values()), {})

    cloud.wait("the loyalty run ends", lambda: run().get("endedAt"), 90)
    return run()


def assert_all_is_right(cloud: Cloud, org_id: str) -> None:
    """Points follow from the POS's own data, and the ledger of each customer adds up."""
    truth = Truth(cloud.pos.data(org_id), "America/New_York")
    counts = loyalty.counts(Database(cloud.client), org_id)
    assert counts.with_calculated_points == SIZES["customers"]
    assert (counts.with_alpine_sync, counts.needs_review) == (CONTACTS, DIFFERING)
    assert counts.reconciled == CONTACTS - DIFFERING
    for customer_id, fields in cloud.store.documents(f"tenants/{org_id}/customers").items():
        spent = max(truth.figures[int(customer_id)].spent, Decimal(0))
        assert fields["pointsFromOrders"] == int(spent + Decimal("0.5"))
        ledger = cloud.store.documents(f"tenants/{org_id}/customers/{customer_id}/points_ledger")
        assert sum(e["points"] for e in ledger.values()) == fields["pointsFromOrders"]


@pytest.mark.timeout(240)
def test_a_tick_brings_every_customer_points_tier_and_ledger(cloud: Cloud, org: str) -> None:
    # When
    cloud.stack.publish("cron-tick", {"job": "loyalty", "orgId": org})
    # Then
    run = ended(cloud, org)
    assert run["state"] == "succeeded"
    assert run["counts"]["newlyInReview"] == DIFFERING
    assert_all_is_right(cloud, org)


@pytest.mark.timeout(240)
def test_a_run_whose_process_is_killed_ends_as_if_nothing_had_been(cloud: Cloud, org: str) -> None:
    # Given look-ups slow enough to be killed among
    fault = {"kind": "latency", "ms": 150, "endpoint": "wallet", "org": org}
    [number] = cloud.pos.control("POST", "faults", fault)["ids"]
    cloud.stack.publish("loyalty", {"orgId": org, "runId": "run-1"})
    calls = f"orgs/{org}/look-ups"
    cloud.wait("two batches", lambda: len(cloud.pos.control("GET", calls)) > 2.5 * IN_FLIGHT)

    # When
    cloud.stack.kill("loyalty_reconcile")
    cloud.pos.control("DELETE", f"faults/{number}")

    # Then the message is delivered again and the run goes on
    run = ended(cloud, org)
    assert run["state"] == "succeeded"
    assert run["invocations"] >= 2
    assert (run["counts"]["asked"], run["counts"]["found"]) == (SIZES["customers"], CONTACTS)
    assert_all_is_right(cloud, org)
    # and only those were asked for again whose answers died with the process
    asked = Counter((call["phone"], call["email"]) for call in cloud.pos.control("GET", calls))
    assert sum(count - 1 for count in asked.values()) <= 2 * IN_FLIGHT
