"""Who may call what: every route of every HTTP function, with its rule.

A route that is not in this list fails, as does one whose rule is another: whoever adds a route
says here who may call it.
"""

import importlib
import re
from typing import Any

import pytest
from flask import Request
from werkzeug.test import Client

from deploy.manifest import Manifest
from shared.bootstrap.http import HttpFunction
from shared.web.routing import App
from tests.unit.web.calling import named

STAFF = "staff of the org"
STAFF_OR_CRON = "staff of the org, or cron secret"
ANY_STAFF = "staff"
EVERY_ORG = "role for every org"
CRON = "cron secret"
POS = "signed by the org's POS"
ADDRESS = "secret of the org in the address"
ANYONE = "public"
MENU = "public, of one org"
SIGNED_IN = (STAFF, STAFF_OR_CRON, ANY_STAFF, EVERY_ORG, CRON)

RULES = {
    "manual_sync": {
        "POST /api/pos/sync": STAFF,
        "GET /api/pos/sync": STAFF,
        "GET /api/pos/sync/{runId}": STAFF_OR_CRON,
        "POST /api/cron/pos-sync": CRON,
        "POST /api/pos/metrics": STAFF,
        "POST /api/pos/customers": STAFF,
        "POST /api/pos/orders": STAFF,
        "POST /api/pos/orders/{orderId}/discount": STAFF,
        "GET /openapi.json": ANYONE,
    },
    "loyalty_api": {
        "POST /api/loyalty/sync": STAFF,
        "GET /api/loyalty/sync": STAFF,
        "GET /api/loyalty/points": STAFF,
        "GET /api/loyalty/report": STAFF,
        "GET /api/loyalty/runs": STAFF,
        "GET /openapi.json": ANYONE,
    },
    "dashboard": {
        "GET /api/menu": MENU,
        "GET /api/menu/builder": MENU,
        "GET /api/menu/{productId}/explanation": STAFF,
        "GET /api/inventory/expiring": STAFF,
        "GET /api/products/{productId}/price-history": STAFF,
        "GET /api/metadata": STAFF,
        "GET /api/customers": STAFF,
        "GET /api/customers/{customerId}": STAFF,
        "GET /api/customers/{customerId}/explanation": STAFF,
        "GET /api/customers/{customerId}/orders": STAFF,
        "GET /api/orders": STAFF,
        "GET /api/orders/{orderId}": STAFF,
        "GET /api/orders/skipped": STAFF,
        "GET /api/products": STAFF,
        "GET /api/products/{productId}": STAFF,
        "GET /api/analytics": STAFF,
        "GET /api/loyalty/sync": STAFF,
        "GET /api/loyalty/report": STAFF,
        "GET /api/loyalty/runs": STAFF,
        "GET /api/orders/{orderId}/explanation": STAFF,
        "GET /api/segments": STAFF,
        "GET /api/ecom/completeness": STAFF,
        "GET /api/metrics": STAFF,
        "GET /api/metrics/{date}": STAFF,
        "GET /api/cache": EVERY_ORG,
        "POST /api/session": ANYONE,
        "DELETE /api/session": ANYONE,
        "GET /sign-in": ANYONE,
        "POST /sign-in": ANYONE,
        "POST /sign-out": ANYONE,
        "GET /assets/{version}/{name}": ANYONE,
        "GET /": ANY_STAFF,
        "GET /orgs": EVERY_ORG,
        "GET /orgs/{orgId}": STAFF,
        "GET /orgs/{orgId}/runs": STAFF,
        "GET /orgs/{orgId}/runs/{runId}": STAFF,
        "GET /orgs/{orgId}/reports/{runId}": STAFF,
        "GET /orgs/{orgId}/quarantine": STAFF,
        "GET /orgs/{orgId}/removals": STAFF,
        "GET /orgs/{orgId}/incidents": STAFF,
        "GET /orgs/{orgId}/settings": STAFF,
        "GET /dead-letters": EVERY_ORG,
        "GET /audit": EVERY_ORG,
        "GET /orgs/{orgId}/customers": STAFF,
        "GET /orgs/{orgId}/customers/{customerId}": STAFF,
        "GET /orgs/{orgId}/orders": STAFF,
        "GET /orgs/{orgId}/orders/skipped": STAFF,
        "GET /orgs/{orgId}/orders/{orderId}": STAFF,
        "GET /orgs/{orgId}/menu": STAFF,
        "GET /orgs/{orgId}/menu/expiring": STAFF,
        "GET /orgs/{orgId}/menu/{productId}": STAFF,
        "GET /orgs/{orgId}/loyalty": STAFF,
        "GET /orgs/{orgId}/analytics": STAFF,
        "GET /orgs/{orgId}/customers/{customerId}/why": STAFF,
        "GET /orgs/{orgId}/orders/{orderId}/why": STAFF,
        "GET /orgs/{orgId}/menu/{productId}/why": STAFF,
        "GET /api/orgs": EVERY_ORG,
        "GET /api/orgs/{orgId}/status": STAFF,
        "GET /api/pos/sync": STAFF,
        "GET /api/pos/sync/{runId}": STAFF,
        "GET /api/reports/{runId}": STAFF,
        "GET /api/quarantine": STAFF,
        "GET /api/removals": STAFF,
        "GET /api/incidents": STAFF,
        "GET /api/dead-letters": EVERY_ORG,
        "GET /api/settings": STAFF,
        "GET /api/admin/audit": EVERY_ORG,
        "GET /openapi.json": ANYONE,
    },
    "admin_api": {
        "POST /api/admin/removals": STAFF,
        "POST /api/admin/quarantine/replay": STAFF,
        "POST /api/admin/dead-letters/replay": EVERY_ORG,
        "POST /api/admin/loyalty/reviewed": STAFF,
        "GET /api/admin/audit": EVERY_ORG,
        "POST /api/admin/erasures": EVERY_ORG,
        "GET /api/admin/erasures": EVERY_ORG,
        "POST /api/admin/locations": STAFF,
        "POST /api/admin/locations/test": STAFF,
        "POST /api/admin/locations/{locationId}": STAFF,
        "POST /api/admin/locations/{locationId}/pause": STAFF,
        "POST /api/admin/locations/{locationId}/resume": STAFF,
        "POST /api/admin/settings": STAFF,
        "POST /api/admin/alerts/test": STAFF,
        "GET /openapi.json": ANYONE,
    },
    "webhooks": {
        "POST /api/webhooks/alleaves": POS,
        "POST /api/webhooks/alleaves/{orgId}": POS,
        "GET /api/webhooks/alleaves": ANYONE,
        "GET /api/webhooks/alleaves/{orgId}": ANYONE,
        "POST /api/webhooks/lightspeed/sale-created": POS,
        "POST /api/webhooks/lightspeed/sale-created/{orgId}": POS,
        "POST /api/webhooks/lightspeed/sale-created/{orgId}/{secret}": ADDRESS,
        "GET /openapi.json": ANYONE,
    },
}

FUNCTIONS = [f.name for f in Manifest.read().functions.values() if f.trigger == "http"]


@pytest.fixture
def app(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> App:
    """The function's routes, wired as when it is deployed; nothing is called."""
    manifest = Manifest.read()
    function = manifest.functions[request.param]
    environment = {
        **manifest.environment(function, "demo-routes"),
        **dict.fromkeys(function.secrets, "a-secret-of-thirty-two-characters"),
        "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1",
        "PUBSUB_EMULATOR_HOST": "127.0.0.1:1",
        "CLOUD_TASKS_EMULATOR_HOST": "127.0.0.1:1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    bootstrap = importlib.import_module(f"shared.bootstrap.{function.name}")
    wired: HttpFunction[Any] = bootstrap.FUNCTION
    return HttpFunction(wired.name, wired.model, wired.routes).app()


@pytest.mark.parametrize("app", FUNCTIONS, indirect=True)
def test_every_route_has_the_rule_it_is_listed_with(app: App) -> None:
    assert named(app.routes) == RULES[app.name]


@pytest.mark.parametrize("app", FUNCTIONS, indirect=True)
def test_only_the_public_menu_is_read_by_pages_of_other_sites(app: App) -> None:
    rules = RULES[app.name]
    assert {f"{each.method} {each.path}" for each in app.routes if each.any_origin} == {
        name for name, rule in rules.items() if rule == MENU
    }
    assert all(each.method == "GET" for each in app.routes if each.any_origin)


@pytest.mark.parametrize("app", FUNCTIONS, indirect=True)
def test_whatever_is_refused_bears_the_strict_headers(app: App) -> None:
    client = Client(Request.application(app))  # type: ignore[arg-type]
    asked = [
        (each.method, re.sub(r"{\w+}", "x", each.path))
        for each in app.routes
        if RULES[app.name][f"{each.method} {each.path}"] in SIGNED_IN
    ]
    for method, path in [*asked, ("GET", "/nothing/here"), ("PUT", "/openapi.json")]:
        answer = client.open(path, method=method, headers={"Origin": "https://evil.example.com"})
        assert answer.status_code in (401, 404, 405), (method, path)
        headers = answer.headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'"), path
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in headers


def test_no_function_is_listed_that_is_not_deployed() -> None:
    assert RULES.keys() == set(FUNCTIONS)
