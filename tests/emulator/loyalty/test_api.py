"""The loyalty routes, on what real runs wrote."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from flask import Request
from werkzeug.test import Client

from shared.bus.messages import Loyalty
from shared.clock import utc_now
from shared.services.loyalty.on_demand import AskForLoyalty, LookUpPoints, LoyaltyReads
from shared.web.auth import Caller, OrgRule, SignedInUser
from shared.web.request import RoutedRequest
from shared.web.routes import loyalty
from shared.web.routing import App
from tests.emulator.loyalty.world import LoyaltyWorld
from tests.emulator.sync.world import Outbox

ORG = "org_test"


@dataclass(frozen=True)
class Everybody(OrgRule):
    """Lets everybody in, as somebody of a given role."""

    role: str

    name: ClassVar[str] = "everybody"

    def identify(self, routed: RoutedRequest) -> Caller:
        return SignedInUser("someone", frozenset({self.role}), (ORG,))

    def admit(self, caller: Caller, org_id: str | None) -> str:
        return org_id or ORG


class Api:
    """The routes, and the messages they publish."""

    def __init__(self, world: LoyaltyWorld, role: str = "dispensary_admin") -> None:
        self.outbox = Outbox()
        routes = loyalty.routes(
            AskForLoyalty(world.database, self.outbox),
            LoyaltyReads(world.database),
            LookUpPoints(world.database, world.open_provider, utc_now),
            Everybody(role),
        )
        self.client = Client(Request.application(App("loyalty_api", routes)))  # type: ignore[arg-type]

    def get(self, path: str, **query: str) -> Any:
        reply = self.client.get(f"/api/loyalty/{path}", query_string={"orgId": ORG, **query})
        assert reply.status_code == 200, reply.text
        return reply.json

    def post(self, **body: object) -> tuple[int, Any]:
        reply = self.client.post("/api/loyalty/sync", json=body)
        return reply.status_code, reply.json


@pytest.fixture
def reconciled(world: LoyaltyWorld) -> LoyaltyWorld:
    """The small org after its first run: 24 known at Alpine IQ, 3 of them in review."""
    world.reconcile(ORG)
    return world


def known(world: LoyaltyWorld, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """A contact, and the customer whose it is."""
    contact = next(c for c in world.contacts(ORG) if wanted(c))
    (customer,) = (
        {**fields, "id": customer_id}
        for customer_id, fields in world.documents(f"tenants/{ORG}/customers").items()
        if fields.get("alpineUserId") == contact["contactID"]
    )
    return {"contact": contact, "customer": customer}


def test_the_stats_are_those_of_the_contract(reconciled: LoyaltyWorld) -> None:
    reply = Api(reconciled).get("sync")
    assert reply["success"] is True
    assert reply["stats"].pop("lastSyncAt") > "2026"
    assert reply["stats"] == {
        "totalCustomers": 120,
        "withAlpineSync": 24,
        "withCalculatedPoints": 120,
        "reconciled": 21,
        "needsReview": 3,
    }


def test_an_org_before_its_first_run_has_no_points(world: LoyaltyWorld) -> None:
    stats = Api(world).get("sync")["stats"]
    assert (stats["totalCustomers"], stats["withCalculatedPoints"]) == (120, 0)
    assert "lastSyncAt" not in stats


def test_a_customers_reconciliation_tells_both_figures_and_why(reconciled: LoyaltyWorld) -> None:
    # Given a customer in review
    item = Api(reconciled).get("report")["items"][0]
    customer_id = item["customerId"]
    # When
    told = Api(reconciled).get("sync", customerId=customer_id)["reconciliation"]
    # Then
    stored = reconciled.points(ORG)[customer_id]
    assert told["points"] == told["pointsFromAlpine"] == stored["pointsFromAlpine"]
    assert told["discrepancy"] == stored["pointsFromAlpine"] - stored["pointsFromOrders"]
    assert (told["reconciled"], told["needsReview"]) == (False, True)
    assert (told["tierSource"], told["alpineIq"]) == ("alpine_iq", "found")
    entries = sorted(stored["ledger"].values(), key=lambda e: e["at"], reverse=True)[:5]
    assert [e["orderId"] for e in told["lastEntries"]] == [e["orderId"] for e in entries]
    assert told["lastEntries"][0]["balance"] == stored["pointsFromOrders"]


def test_points_are_found_by_telephone_however_it_is_typed(reconciled: LoyaltyWorld) -> None:
    # Given somebody known at Alpine IQ by telephone
    found = known(reconciled, lambda c: c["mobilePhone"] and c["loyaltyPoints"] > 20)
    number = found["contact"]["mobilePhone"]
    typed = (number, f"({number[2:5]}) {number[5:8]}-{number[8:]}", number[1:], number[2:])
    # When
    replies = [Api(reconciled).get("points", phone=phone) for phone in typed]
    # Then
    customer = found["customer"]
    for reply in replies:
        assert reply["customerId"] == customer["id"]
        assert reply["primary"] == {
            "points": found["contact"]["loyaltyPoints"],
            "tier": customer["loyaltyTier"],
            "source": "alpine_iq",
        }
        assert reply["calculated"]["points"] == customer["pointsFromOrders"]
        assert reply["calculated"]["source"] == "orders"
        assert reply["reconciliation"]["alpineIq"] == "found"
        assert reply["reconciliation"]["reconciled"] is customer["loyaltyReconciled"]


def test_points_are_found_by_e_mail_and_are_those_of_this_moment(reconciled: LoyaltyWorld) -> None:
    # Given somebody whose points have just changed at Alpine IQ
    found = known(reconciled, lambda c: c["email"])
    account = reconciled.pos.simulation.orgs.get(ORG).alpine
    account.contacts.change(found["contact"]["contactID"], {"loyaltyPoints": 4321})
    # When
    reply = Api(reconciled).get("points", email=found["contact"]["email"].upper())
    # Then
    assert reply["primary"]["points"] == 4321
    assert reply["reconciliation"]["needsReview"] is True


def test_with_alpine_iq_down_the_calculated_points_are_told(reconciled: LoyaltyWorld) -> None:
    # Given
    found = known(reconciled, lambda c: c["mobilePhone"])
    reconciled.fault("server_error", endpoint="wallet")
    # When
    reply = Api(reconciled).get("points", phone=found["contact"]["mobilePhone"])
    # Then
    assert reply["primary"]["source"] == "calculated"
    assert reply["primary"]["points"] == reply["calculated"]["points"]
    assert reply["reconciliation"]["alpineIq"] == "unavailable"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"points?orgId={ORG}", 400, "request_invalid"),
        (f"points?orgId={ORG}&phone=12345", 400, "request_invalid"),
        (f"points?orgId={ORG}&phone=%2B12125559999", 404, "not_found"),
        (f"points?orgId={ORG}&email=nobody@example.com", 404, "not_found"),
        (f"points?orgId={ORG}&email=no-email@alleaves.local", 400, "request_invalid"),
        (f"sync?orgId={ORG}&customerId=nobody", 404, "not_found"),
        (f"report?orgId={ORG}&format=xml", 400, "request_invalid"),
    ],
)
def test_what_cannot_be_answered_is_said_so(
    world: LoyaltyWorld, path: str, status: int, code: str
) -> None:
    reply = Api(world).client.get(f"/api/loyalty/{path}")
    assert reply.status_code == status
    assert reply.json is not None
    assert reply.json["error"]["code"] == code


def test_the_report_lists_all_in_review_as_json_and_as_csv(reconciled: LoyaltyWorld) -> None:
    # When
    items = Api(reconciled).get("report")["items"]
    reply = Api(reconciled).client.get(f"/api/loyalty/report?orgId={ORG}&format=csv")
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


def test_a_run_is_asked_for_and_found_under_way(world: LoyaltyWorld) -> None:
    # Given
    api = Api(world)
    # When the org's points are asked for
    status, started = api.post(orgId=ORG)
    # Then
    (message,) = api.outbox.take()
    assert message == Loyalty(org_id=ORG, run_id=started["runId"])
    assert status == 202
    assert started["statusUrl"] == f"/api/loyalty/sync?orgId={ORG}"
    # and one customer's
    customer_id = next(iter(world.documents(f"tenants/{ORG}/customers")))
    status, started = api.post(orgId=ORG, customerId=customer_id)
    (message,) = api.outbox.take()
    assert (status, message) == (
        202,
        Loyalty(org_id=ORG, run_id=started["runId"], customer_ids=(customer_id,)),
    )
    assert api.post(orgId=ORG, customerId="nobody")[0] == 404
    # and while another run is under way, that one is named
    with world.holding(ORG, "run-9"):
        status, told = api.post(orgId=ORG)
    assert (status, told["runId"]) == (409, "run-9")
    assert api.outbox.take() == []


def test_a_full_run_is_for_the_products_own_people(world: LoyaltyWorld) -> None:
    assert Api(world).post(orgId=ORG, full=True)[0] == 403
    api = Api(world, role="super_admin")
    assert api.post(orgId=ORG, full=True)[0] == 202
    (message,) = api.outbox.take()
    assert isinstance(message, Loyalty)
    assert message.full
