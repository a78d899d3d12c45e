"""The loyalty routes, on what real runs wrote."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from google.cloud.firestore import Client

from shared.bus.messages import Loyalty
from shared.domain.loyalty import DEFAULT_TIERS
from tests.emulator.loyalty.api_client import LoyaltyApiClient
from tests.emulator.loyalty.runner import LoyaltyRunner
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"
TIERS = {tier.id: (tier.name, tier.color) for tier in DEFAULT_TIERS}


@pytest.fixture
def reconciled(loyalty: LoyaltyRunner) -> None:
    """The small org after its first run: 24 known at Alpine IQ, 3 of them in review."""
    loyalty.reconcile(ORG)


def known(
    store: StoredDocuments, loyalty: LoyaltyRunner, wanted: Callable[[dict[str, Any]], object]
) -> dict[str, Any]:
    """A contact, and the customer whose it is."""
    contact = next(c for c in loyalty.alpine(ORG).contacts if wanted(c))
    (customer,) = (
        {**fields, "id": customer_id}
        for customer_id, fields in store.documents(f"tenants/{ORG}/customers").items()
        if fields.get("alpineUserId") == contact["contactID"]
    )
    return {"contact": contact, "customer": customer}


@pytest.mark.usefixtures("reconciled")
def test_the_stats_are_those_of_the_contract(api: LoyaltyApiClient) -> None:
    reply = api.get("sync")
    assert reply["success"] is True
    assert reply["stats"].pop("lastSyncAt") > "2026"
    last = reply["lastRun"]
    assert (last["state"], last["successRate"], last["providerErrors"]) == ("succeeded", 1.0, 0)
    assert last["averageDiscrepancy"] > 0
    assert (last["counts"]["asked"], last["counts"]["needsReview"]) == (120, 3)
    assert reply["stats"] == {
        "totalCustomers": 120,
        "withAlpineSync": 24,
        "withCalculatedPoints": 120,
        "reconciled": 21,
        "needsReview": 3,
    }


def test_an_org_before_its_first_run_has_no_points(api: LoyaltyApiClient) -> None:
    stats = api.get("sync")["stats"]
    assert (stats["totalCustomers"], stats["withCalculatedPoints"]) == (120, 0)
    assert "lastSyncAt" not in stats
    assert "lastRun" not in api.get("sync")


@pytest.mark.usefixtures("reconciled")
def test_a_customers_reconciliation_gives_both_figures_and_why(
    loyalty: LoyaltyRunner, api: LoyaltyApiClient
) -> None:
    # Given a customer in review
    item = api.get("report")["items"][0]
    customer_id = item["customerId"]
    # When
    answer = api.get("sync", customerId=customer_id)["reconciliation"]
    # Then
    stored = loyalty.points(ORG)[customer_id]
    assert answer["points"] == answer["pointsFromAlpine"] == stored["pointsFromAlpine"]
    assert answer["discrepancy"] == stored["pointsFromAlpine"] - stored["pointsFromOrders"]
    assert (answer["reconciled"], answer["needsReview"]) == (False, True)
    assert (answer["tierSource"], answer["alpineIq"]) == ("alpine_iq", "found")
    assert TIERS[answer["tier"]] == (answer["tierName"], answer["tierColor"])
    assert TIERS[item["tier"]] == (item["tierName"], item["tierColor"])
    entries = sorted(stored["ledger"].values(), key=lambda e: e["at"], reverse=True)[:5]
    assert [e["orderId"] for e in answer["lastEntries"]] == [e["orderId"] for e in entries]
    assert answer["lastEntries"][0]["balance"] == stored["pointsFromOrders"]


@pytest.mark.usefixtures("reconciled")
def test_points_are_found_by_telephone_however_it_is_typed(
    store: StoredDocuments, loyalty: LoyaltyRunner, api: LoyaltyApiClient
) -> None:
    # Given a customer known at Alpine IQ by telephone
    found = known(store, loyalty, lambda c: c["mobilePhone"] and c["loyaltyPoints"] > 20)
    number = found["contact"]["mobilePhone"]
    typed = (number, f"({number[2:5]}) {number[5:8]}-{number[8:]}", number[1:], number[2:])
    # When
    replies = [api.get("points", phone=phone) for phone in typed]
    # Then
    customer = found["customer"]
    name, color = TIERS[customer["loyaltyTier"]]
    for reply in replies:
        assert reply["customerId"] == customer["id"]
        assert reply["primary"] == {
            "points": found["contact"]["loyaltyPoints"],
            "tier": customer["loyaltyTier"],
            "tierName": name,
            "tierColor": color,
            "source": "alpine_iq",
        }
        assert reply["calculated"]["points"] == customer["pointsFromOrders"]
        assert reply["calculated"]["source"] == "orders"
        calculated = reply["calculated"]
        assert TIERS[calculated["tier"]] == (calculated["tierName"], calculated["tierColor"])
        assert reply["reconciliation"]["alpineIq"] == "found"
        assert reply["reconciliation"]["reconciled"] is customer["loyaltyReconciled"]


@pytest.mark.usefixtures("reconciled")
def test_points_are_found_by_e_mail_and_are_those_of_this_moment(
    store: StoredDocuments, loyalty: LoyaltyRunner, api: LoyaltyApiClient
) -> None:
    # Given a customer whose points have just changed at Alpine IQ
    found = known(store, loyalty, lambda c: c["email"])
    account = loyalty.alpine(ORG)
    account.contacts.change(found["contact"]["contactID"], {"loyaltyPoints": 4321})
    # When
    reply = api.get("points", email=found["contact"]["email"].upper())
    # Then
    assert reply["primary"]["points"] == 4321
    assert reply["reconciliation"]["needsReview"] is True


@pytest.mark.usefixtures("reconciled")
def test_with_alpine_iq_down_the_calculated_points_are_given(
    store: StoredDocuments, pos: SimulatedPos, loyalty: LoyaltyRunner, api: LoyaltyApiClient
) -> None:
    # Given
    found = known(store, loyalty, lambda c: c["mobilePhone"])
    pos.fault("server_error", endpoint="wallet")
    # When
    reply = api.get("points", phone=found["contact"]["mobilePhone"])
    # Then
    assert reply["primary"]["source"] == "calculated"
    assert reply["primary"]["points"] == reply["calculated"]["points"]
    assert reply["reconciliation"]["alpineIq"] == "unavailable"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"points?orgId={ORG}", 400, "request_invalid"),
        (f"points?orgId={ORG}&phone=12345", 400, "request_invalid"),
        (f"points?orgId={ORG}&phone=%2B15551234567", 404, "not_found"),
        (f"points?orgId={ORG}&phone=%2B12125559999", 404, "not_found"),
        (f"points?orgId={ORG}&email=nobody@example.com", 404, "not_found"),
        (f"points?orgId={ORG}&email=no-email@alleaves.local", 400, "request_invalid"),
        (f"sync?orgId={ORG}&customerId=nobody", 404, "not_found"),
        (f"report?orgId={ORG}&format=xml", 400, "request_invalid"),
    ],
)
def test_what_cannot_be_answered_is_said_so(
    api: LoyaltyApiClient, path: str, status: int, code: str
) -> None:
    reply = api.client.get(f"/api/loyalty/{path}")
    assert reply.status_code == status
    assert reply.json is not None
    assert reply.json["error"]["code"] == code


@pytest.mark.usefixtures("reconciled")
def test_the_report_lists_all_in_review_as_json_and_as_csv(api: LoyaltyApiClient) -> None:
    # When
    items = api.get("report")["items"]
    reply = api.client.get(f"/api/loyalty/report?orgId={ORG}&format=csv")
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    # Then
    assert len(items) == 3
    assert [item["discrepancy"] for item in items] == sorted(
        (item["discrepancy"] for item in items), reverse=True
    )
    assert reply.content_type.startswith("text/csv")
    for item, row in zip(items, rows, strict=True):
        for name in ("customerId", "pointsFromOrders", "pointsFromAlpine", "discrepancy"):
            assert row[name] == str(item[name])
        last = item["lastEntries"][0]
        assert row["lastEntries"].startswith(f"{last['orderId']}: {last['points']:+d}")


def test_a_run_is_asked_for_and_found_under_way(
    store: StoredDocuments, loyalty: LoyaltyRunner, api: LoyaltyApiClient
) -> None:
    # Given
    # When the org's points are asked for
    status, started = api.post(orgId=ORG)
    # Then
    (message,) = api.published.take()
    assert message == Loyalty(org_id=ORG, run_id=started["runId"])
    assert status == 202
    assert started["statusUrl"] == f"/api/loyalty/sync?orgId={ORG}"
    # and one customer's
    customer_id = next(iter(store.documents(f"tenants/{ORG}/customers")))
    status, started = api.post(orgId=ORG, customerId=customer_id)
    (message,) = api.published.take()
    assert (status, message) == (
        202,
        Loyalty(org_id=ORG, run_id=started["runId"], customer_ids=(customer_id,)),
    )
    assert api.post(orgId=ORG, customerId="nobody")[0] == 404
    # and while another run is under way, that one is named
    with loyalty.lease_held(ORG, "run-9"):
        status, answer = api.post(orgId=ORG)
    assert (status, answer["runId"]) == (409, "run-9")
    assert api.published.take() == []


def test_a_tier_has_the_name_and_colour_that_the_org_gives_it_now(
    client: Client, loyalty: LoyaltyRunner, api: LoyaltyApiClient
) -> None:
    # Given an org's own tiers
    tenant = client.document(f"tenants/{ORG}")
    leaf = {"id": "leaf", "name": "Leaf", "threshold": 0, "color": "#0F0"}
    tenant.update({"loyaltySettings": {"tiers": [leaf]}})
    loyalty.reconcile(ORG)
    customer_id = next(iter(loyalty.points(ORG)))

    def shown() -> tuple[object, ...]:
        answer = api.get("sync", customerId=customer_id)["reconciliation"]
        return tuple(answer.get(name) for name in ("tier", "tierName", "tierColor"))

    assert shown() == ("leaf", "Leaf", "#0F0")
    # When it is renamed
    tenant.update({"loyaltySettings": {"tiers": [{**leaf, "name": "Green leaf"}]}})
    # Then at once
    assert shown() == ("leaf", "Green leaf", "#0F0")
    # and one that cannot be read has no name
    tenant.update({"loyaltySettings": {"tiers": [{"id": "leaf"}]}})
    assert shown() == ("leaf", None, None)


def test_a_customer_with_a_number_that_nobody_is_assigned_is_found_by_it(
    pos: SimulatedPos, loyalty: LoyaltyRunner, api: LoyaltyApiClient
) -> None:
    # Given
    person = pos.data(ORG)["customers"][0]
    customer_id = str(person["id_customer"])
    pos.change(ORG, "customers", customer_id, phone="(555) 123-4567")
    loyalty.prepare(ORG)
    # When
    reply = api.get("points", phone="+15551234567")
    loyalty.reconcile(ORG, customer_ids=(customer_id,))
    # Then
    assert reply["customerId"] == customer_id
    assert "+15551234567" in {call["phone"] for call in loyalty.look_ups(ORG)}


@pytest.mark.usefixtures("reconciled")
def test_the_largest_discrepancies_can_be_asked_for_alone(api: LoyaltyApiClient) -> None:
    everybody = api.get("report")["items"]
    assert api.get("report", limit="2")["items"] == everybody[:2]
    assert len(everybody) == 3


def test_runs_are_listed_the_latest_first(loyalty: LoyaltyRunner, api: LoyaltyApiClient) -> None:
    # Given
    assert api.get("runs")["items"] == []
    loyalty.reconcile(ORG)
    loyalty.reconcile(ORG)
    # When
    page = api.get("runs", limit="1")
    rest = api.get("runs", limit="1", cursor=page["nextCursor"])
    # Then
    runs = [*page["items"], *rest["items"]]
    assert [run["state"] for run in runs] == ["succeeded", "succeeded"]
    assert runs[0]["startedAt"] >= runs[1]["startedAt"]
    assert runs[0]["runId"] == api.get("sync")["lastRun"]["runId"]
    assert "nextCursor" not in rest
