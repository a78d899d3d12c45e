"""Each route by which somebody changes something leaves the entries that tests/audited.py lists."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Request
from google.cloud.firestore import Client as Firestore
from werkzeug.test import Client

from deploy.local.simulator.spec import OrgSpec
from shared.bootstrap import admin_api, loyalty_api, manual_sync
from shared.services.admin.removals import held_removals
from shared.store import dead_letters
from shared.store.database import Database, version_text
from tests.audited import ROUTES
from tests.emulator.admin.client import MANAGER, OPERATOR, ORG, AdminClient
from tests.emulator.environment import PRODUCTS_ONLY, SyncRunner
from tests.emulator.functions import InProcess
from tests.emulator.sync.test_removal import drop
from tests.fakes import OffsetClock
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

REMOVALS = "POST /api/admin/removals"
LOCATION = "org_test-1000"


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    return (PRODUCTS_ONLY,)


class People:
    """Calls the functions as the manager, or as the operator; notes which entries each call left,
    by its route."""

    def __init__(self, functions: InProcess, store: StoredDocuments) -> None:
        apps = {
            module.FUNCTION.name: functions.app(module)
            for module in (admin_api, loyalty_api, manual_sync)
        }
        self._clients = {
            name: Client(Request.application(app))  # type: ignore[arg-type]
            for name, app in apps.items()
        }
        self._store = store
        self._key = 0
        self.left: dict[tuple[str, str], list[str]] = {}

    def __call__(self, function: str, route: str, body: dict[str, Any], **ids: str) -> Any:
        """The answer, which must be one."""
        operator = route in ("/api/admin/erasures", "/api/admin/dead-letters/replay")
        who, before, path = OPERATOR if operator else MANAGER, set(self._entries()), route
        for name, value in ids.items():
            path = path.replace(f"{{{name}}}", value)
        self._key += 1
        reply = self._clients[function].post(
            path,
            json=body,
            headers={
                "Authorization": f"Bearer {json.dumps(who)}",
                "Idempotency-Key": f"key-{self._key}",
            },
        )
        assert reply.status_code in (200, 201, 202), reply.text
        new = [each for key, each in self._entries().items() if key not in before]
        assert all(each["by"] == who["uid"] and each["requestId"] for each in new), new
        left = self.left.setdefault((function, f"POST {route}"), [])
        left += [each["action"] for each in new]
        return reply.json

    def _entries(self) -> dict[str, dict[str, Any]]:
        return self._store.documents(f"tenants/{ORG}/audit")


def test_whoever_changes_something_by_a_route_is_in_the_audit_log(
    functions: InProcess,
    admin: AdminClient,
    database: Database,
    client: Firestore,
    store: StoredDocuments,
    sync: SyncRunner,
    pos: SimulatedPos,
    clock: OffsetClock,
) -> None:
    # Given an org with something to decide about
    sync.run(ORG)
    drop(pos, 20)
    sync.run(ORG)
    data = {"orgId": ORG, "runId": "doomed", "trigger": "cron"}
    dead_letters.record(
        database,
        "71",
        topic="org-sync-push",
        data=json.dumps(data).encode(),
        code="delivery_attempts_exhausted",
        reason="not processed after 5 deliveries",
        now=clock.now(),
    )
    figures = {"pointsFromOrders": 475, "pointsFromAlpine": 300, "loyaltyDiscrepancy": 175}
    customer = min(store.documents(f"tenants/{ORG}/customers"))
    reviewed = {"loyaltyReconciled": False, "points": 300, "tierSource": "alpine_iq"}
    client.document(f"tenants/{ORG}/customers/{customer}").update({**figures, **reviewed})
    people, org = People(functions, store), {"orgId": ORG}

    # When people do all that can be done
    _at_the_pos(people, pos)
    people("manual_sync", "/api/pos/sync", {**org, "dryRun": True})
    people("manual_sync", "/api/pos/sync", {**org, "streams": ["discounts"]})
    people("manual_sync", "/api/pos/metrics", org)
    people("loyalty_api", "/api/loyalty/sync", {**org, "customerId": customer})
    admin.do_syncs()
    for decision in ("refuse", "approve"):
        [found] = held_removals(database, ORG)
        body = {**org, "decision": decision, "removals": [found.hold.id]}
        people("admin_api", "/api/admin/removals", body)
        if decision == "approve":
            break
        functions.published.clear()
        client.document(f"tenants/{ORG}/sync_state/manual").delete()
    admin.do_syncs()
    people("admin_api", "/api/admin/quarantine/replay", org)
    people("admin_api", "/api/admin/dead-letters/replay", {"id": "71"})
    people("admin_api", "/api/admin/loyalty/reviewed", {**org, "customerId": customer})
    _settings(people, database, client)
    functions.published.clear()
    erased = {**org, "customerId": customer, "confirm": customer}
    people("admin_api", "/api/admin/erasures", erased)

    # Then each stands in the audit log, as what it is listed with
    expected = {route: sorted(actions) for route, actions in ROUTES.items()}
    # A refusal starts the run that settles it.
    expected["admin_api", REMOVALS] = sorted([*expected["admin_api", REMOVALS], "sync_started"])
    assert {route: sorted(actions) for route, actions in people.left.items()} == expected


def _at_the_pos(people: Callable[..., Any], pos: SimulatedPos) -> None:
    """Create a customer and an order there, with a discount."""
    someone = {"firstName": "Ada", "lastName": "Quill", "email": "ada.quill@example.com"}
    made = people("manual_sync", "/api/pos/customers", {"orgId": ORG, **someone})
    row = next(row for row in pos.data(ORG)["inventory"] if row["available"] >= 2)
    batch, area = str(row["id_batch"]), str(row["id_area"])
    line = {"batchId": batch, "areaId": area, "quantity": 1}
    order = {"orgId": ORG, "customerId": made["customerId"], "type": "pickup", "lines": [line]}
    made = people("manual_sync", "/api/pos/orders", order)
    route = "/api/pos/orders/{orderId}/discount"
    people("manual_sync", route, {"orgId": ORG, "discountId": "2"}, orderId=made["orderId"])


def _settings(people: Callable[..., Any], database: Database, client: Firestore) -> None:
    """Change the org's settings and its locations'."""
    config = (client.document(f"locations/{LOCATION}").get().to_dict() or {})["posConfig"]
    fields = ("provider", "username", "password", "baseUrl", "locationId")
    another = {name: config[name] for name in fields}
    people("admin_api", "/api/admin/settings", {"orgId": ORG, "sync": {"maxDeletePercent": 5}})
    people("admin_api", "/api/admin/alerts/test", {"orgId": ORG})
    body = {"orgId": ORG, "locationId": "another", "posConfig": another}
    people("admin_api", "/api/admin/locations", body)
    read = database.get(f"locations/{LOCATION}").version
    assert read is not None
    route, name = "/api/admin/locations/{locationId}", {"locationId": LOCATION}
    body = {"orgId": ORG, "version": version_text(read), "name": "Main Street"}
    people("admin_api", route, body, **name)
    people("admin_api", f"{route}/pause", {"orgId": ORG}, **name)
    people("admin_api", f"{route}/resume", {"orgId": ORG}, **name)
