"""Several locations and accounts in one org: nothing counts double, and no companies are mixed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.spec import OrgSpec
from tests.emulator.environment import Environment, SpendingRunner, SyncRunner
from tests.emulator.sync.webhook_pipeline import WebhookPipeline
from tests.simulated_pos import SimulatedPos, placed_order
from tests.stored import StoredDocuments, differences

ORG, OTHER = "org_one", "org_two"
SIZES = {"customers": 205, "orders": 60, "products": 20, "rows": 24}
ONE = OrgSpec(id=ORG, seed=1, locations=2, **SIZES)
TWO = OrgSpec(id=OTHER, seed=2, **SIZES)
FIRST, SECOND = f"{ORG}-1000", f"{ORG}-1001"
OTHERS = f"{OTHER}-1000"
NEW_ORDER = 990_001

pytestmark = pytest.mark.parametrize("specs", [[ONE, TWO]], ids=["two companies"])


def configure(client: Client, location: str, **fields: Any) -> None:
    client.document(f"locations/{location}").update(fields)


def add_other_company(client: Client) -> None:
    """The location of another company is configured in the org too."""
    configure(client, OTHERS, orgId=ORG)


def set_inactive(client: Client, location: str) -> None:
    configure(client, location, **{"posConfig.status": "inactive"})


def progress(store: StoredDocuments) -> dict[str, Any]:
    return store.document(f"tenants/{ORG}/sync_state/progress")


def refusals(run: dict[str, Any]) -> dict[str, str]:
    """Stream and message of each error; all are for the org to correct."""
    assert {(e["code"], e["owner"]) for e in run["errors"]} <= {("configuration_invalid", "org")}
    return {error["stream"]: error["message"] for error in run["errors"]}


@pytest.mark.parametrize("spelled", ["{}", "{}/", "HTTP{}"], ids=["equal", "slash", "scheme"])
def test_the_same_location_twice_counts_once_and_is_said(
    client: Client,
    store: StoredDocuments,
    pos: SimulatedPos,
    spending: SpendingRunner,
    sync: SyncRunner,
    spelled: str,
) -> None:
    # Given an org that has been synced
    sync.run(ORG)
    spending.compute_requested()
    before = store.records(ORG)
    usual = sync.run(ORG)

    # When one of its locations is configured a second time
    location = client.document(f"locations/{FIRST}").get().to_dict() or {}
    url = f"{pos.url}/api"
    url = spelled.format(url.removeprefix("http") if spelled.startswith("HTTP") else url)
    location["posConfig"]["baseUrl"] = url
    client.document("locations/the-twin").set(location)
    run = sync.run(ORG)

    # Then nothing changes, at the same cost, and both documents are named
    assert store.records(ORG) == before
    assert run["state"] == "succeeded"
    assert run["cost"]["writes"] == usual["cost"]["writes"]
    (warning,) = run["warnings"]
    assert FIRST in warning
    assert "the-twin" in warning
    assert store.status(ORG)["warnings"] == [warning]
    assert store.status(ORG)["status"] == "active"

    # When one of them is set inactive, then nothing is said any more
    set_inactive(client, FIRST)
    assert "warnings" not in sync.run(ORG)
    assert "warnings" not in store.status(ORG)
    assert store.records(ORG) == before


def test_another_company_is_refused_until_it_is_taken_out(
    client: Client,
    store: StoredDocuments,
    pos: SimulatedPos,
    spending: SpendingRunner,
    sync: SyncRunner,
    environment: Environment,
) -> None:
    # Given an org that has been synced
    sync.run(ORG)
    spending.compute_requested()
    before = store.records(ORG)

    # When a company with ids of the same range is added, then it is refused, in each run
    add_other_company(client)
    for _ in range(2):
        run = sync.run(ORG)
        spending.compute_requested()
        found = refusals(run)
        assert set(found) == {"customers", "products"}
        for message in found.values():
            assert FIRST in message
            assert OTHERS in message
            assert "an org of its own" in message
        assert store.status(ORG)["lastErrorOwner"] == "org"
        assert differences(before, store.records(ORG)) == []

    # and nothing that a webhook names is stored of either
    webhooks = WebhookPipeline(environment, ORG)
    buyer = pos.data(ORG)["customers"][0]["id_customer"]
    at = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    template = pos.data(OTHER)["orders"][-1]
    pos.add(OTHER, "orders", placed_order(template, NEW_ORDER, buyer, at))
    webhooks.receive("order.created", {"id_order": NEW_ORDER})
    webhooks.process()
    assert differences(before, store.records(ORG)) == []
    assert webhooks.states() == ["failed"]

    # When it is taken out, then the next run is right, and webhooks are again
    set_inactive(client, OTHERS)
    assert sync.run(ORG)["state"] == "succeeded"
    spending.compute_requested()
    assert differences(before, store.records(ORG)) == []
    assert progress(store)["accountsRefused"] is None
    pos.add(ORG, "orders", placed_order(template, NEW_ORDER, buyer, at))
    webhooks.receive("order.updated", {"id_order": NEW_ORDER})
    webhooks.process()
    assert webhooks.stored("orders", f"alleaves_{NEW_ORDER}")["customerId"] == str(buyer)


@pytest.mark.parametrize("seconds", [60, 0], ids=["in one go", "page by page"])
def test_a_new_org_of_two_companies_has_the_records_of_the_first_alone(
    client: Client, store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner, seconds: float
) -> None:
    # Given an org that was never synced, with the accounts of two companies
    add_other_company(client)

    # When it is synced
    run = sync.run(ORG, seconds=seconds)

    # Then the customers are those of the first, and no orders are matched to them
    assert "customers" in refusals(run)
    names = {str(each["id_customer"]): each["name_first"] for each in pos.data(ORG)["customers"]}
    stored = store.documents(f"tenants/{ORG}/customers")
    assert {key: fields["firstName"] for key, fields in stored.items()} == names
    assert store.documents(f"tenants/{ORG}/orders") == {}
    assert store.documents(f"tenants/{ORG}/products") == {}

    # When the second is taken out, then the next run stores all of the first
    set_inactive(client, OTHERS)
    assert sync.run(ORG)["state"] == "succeeded"
    assert len(store.documents(f"tenants/{ORG}/orders")) > 0


def test_one_id_of_two_orders_is_refused_even_where_the_customers_differ(
    client: Client,
    store: StoredDocuments,
    pos: SimulatedPos,
    spending: SpendingRunner,
    sync: SyncRunner,
) -> None:
    # Given an org that has been synced, and a company of which only an order has an id of its own
    buyer = pos.data(ORG)["customers"][0]["id_customer"]
    template = pos.data(ORG)["orders"][-1]
    now = datetime.now(UTC)
    mine, theirs = ((now - timedelta(hours=hours)).isoformat() for hours in (2, 1))
    pos.add(ORG, "orders", placed_order(template, NEW_ORDER, buyer, mine))
    for kind in ("customers", "inventory"):
        pos.replace(OTHER, kind, [])
    pos.replace(OTHER, "orders", [placed_order(template, NEW_ORDER, buyer, theirs)])
    sync.run(ORG)
    spending.compute_requested()
    before = store.records(ORG)

    # When it is added, then the orders are refused, in each run, and stay as they were
    add_other_company(client)
    for _ in range(2):
        run = sync.run(ORG)
        spending.compute_requested()
        found = refusals(run)
        assert set(found) == {"orders"}
        assert FIRST in found["orders"]
        assert OTHERS in found["orders"]
        assert differences(before, store.records(ORG)) == []

    # When it is taken out, then the next run is right
    set_inactive(client, OTHERS)
    assert sync.run(ORG)["state"] == "succeeded"
    assert differences(before, store.records(ORG)) == []
    assert progress(store)["accountsRefused"] is None


def test_stock_of_different_products_is_not_summed(
    client: Client, store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given an org that has been synced, and a company that has only stock
    for kind in ("customers", "orders"):
        pos.replace(OTHER, kind, [])
    sync.run(ORG)
    before = store.records(ORG)

    # When it is added, then the menu stays as it was
    add_other_company(client)
    found = refusals(sync.run(ORG))
    assert set(found) == {"products"}
    assert FIRST in found["products"]
    assert OTHERS in found["products"]
    assert differences(before, store.records(ORG)) == []

    # When it is taken out, then the next run is right
    set_inactive(client, OTHERS)
    assert sync.run(ORG)["state"] == "succeeded"
    assert differences(before, store.records(ORG)) == []


def test_two_logins_of_one_company_are_one(
    client: Client,
    store: StoredDocuments,
    pos: SimulatedPos,
    spending: SpendingRunner,
    sync: SyncRunner,
    environment: Environment,
) -> None:
    # Given an org of two locations that has been synced, and a second login to its company
    sync.run(ORG)
    spending.compute_requested()
    before = store.records(ORG)
    pos.control("PATCH", f"orgs/{OTHER}", {"locations": 2})
    for kind, records in pos.data(ORG).items():
        pos.replace(OTHER, kind, records)

    # When one location is changed to the second login
    account = pos.control("GET", f"orgs/{OTHER}")
    login = {name: account[name] for name in ("username", "password")}
    configure(client, SECOND, **{f"posConfig.{name}": text for name, text in login.items()})
    run = sync.run(ORG)
    full = sync.run(ORG, full=True)
    spending.compute_requested()

    # Then everything is as it was, and webhooks are fetched
    assert (run["state"], full["state"]) == ("succeeded", "succeeded")
    assert "warnings" not in run
    assert differences(before, store.records(ORG)) == []
    webhooks = WebhookPipeline(environment, ORG)
    webhooks.receive("order.updated", {"id_order": pos.data(ORG)["orders"][0]["id_order"]})
    webhooks.process()
    assert webhooks.states() == ["done"]
