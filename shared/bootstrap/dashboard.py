"""The routes and services of ``functions/dashboard``."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from pydantic import Field

from shared.bootstrap.clients import database
from shared.bootstrap.http import HttpFunction, HttpFunctionSettings, firebase_sessions, staff_rule
from shared.clock import utc_now
from shared.console import static_files
from shared.console.error_pages import error_page
from shared.console.pages import analytics as analytics_pages
from shared.console.pages import audit as audit_pages
from shared.console.pages import customers as customer_pages
from shared.console.pages import decisions as decision_pages
from shared.console.pages import home
from shared.console.pages import loyalty as loyalty_pages
from shared.console.pages import menu as menu_pages
from shared.console.pages import orders as order_pages
from shared.console.pages import orgs as org_pages
from shared.console.pages import runs as run_pages
from shared.console.pages import settings as settings_pages
from shared.console.pages import sign_in as sign_in_pages
from shared.console.pages import why as why_pages
from shared.console.rendering import Console
from shared.outbound.destinations import Destinations
from shared.outbound.session import HttpSession, HttpSettings
from shared.services.admin.audit import Audit
from shared.services.ecom.completeness import EcomCompleteness
from shared.services.reads.analytics import AnalyticsReads
from shared.services.reads.customers import CustomerReads, OrderReads, SegmentReads
from shared.services.reads.explanations.customer import ExplainCustomer
from shared.services.reads.explanations.order import ExplainOrder
from shared.services.reads.explanations.product import ExplainProduct
from shared.services.reads.inventory import ExpiringStock, PriceHistory
from shared.services.reads.loyalty import LoyaltyReads
from shared.services.reads.menu import PublicMenu
from shared.services.reads.metrics import MetricsReads
from shared.services.reads.operations import (
    DeadLetterReads,
    IncidentReads,
    QuarantineReads,
    RemovalReads,
)
from shared.services.reads.org_status import OrgStatusReads, lease_version
from shared.services.reads.orgs import OrgReads, fleet_version
from shared.services.reads.products import ProductReads
from shared.services.reads.response_cache import ResponseCache
from shared.services.reads.run_history import RunHistory
from shared.services.reads.settings import SettingsReads
from shared.services.sign_in import GOOGLE, PasswordSignIn, emulated
from shared.services.spending.look_up import SpendingLookUp
from shared.store import metadata as metadata_store
from shared.web.auth import EveryOrg, PublicOfOrg, SignedIn, Staff
from shared.web.routes import (
    analytics,
    audit,
    cache,
    customers,
    dead_letters,
    ecom,
    explanations,
    incidents,
    inventory,
    loyalty_reads,
    menu,
    metadata,
    metrics,
    orders,
    orgs,
    products,
    quarantine,
    removals,
    run_history,
    session,
)
from shared.web.routes import settings as settings_routes
from shared.web.routes.session import BrowserSessions
from shared.web.routing import Route


class DashboardSettings(HttpFunctionSettings):
    """Settings of ``dashboard``."""

    firebase_auth_emulator_host: str = Field(
        default="",
        description="Where people sign in in the local cloud; there cookies travel over plain "
        "HTTP. A deployed function refuses it.",
    )
    firebase_api_key: str = Field(
        default="",
        description="The project's web API key, which is no secret; without one nobody can sign in "
        "with a password.",
    )


def _routes(settings: DashboardSettings) -> Iterable[Route[Any, Any]]:
    store = database(settings)
    staff = staff_rule(settings.google_cloud_project, store)
    sessions = BrowserSessions(
        firebase_sessions(settings.google_cloud_project),
        utc_now,
        secure=not settings.firebase_auth_emulator_host,
    )
    every_org = EveryOrg(staff)
    answers, people = ResponseCache(store), CustomerReads(store, SpendingLookUp(store))
    fleet = ResponseCache(store, version_of=fleet_version)
    statuses = ResponseCache(store, version_of=lease_version)
    org_list, org_status = OrgReads(store, utc_now, fleet), OrgStatusReads(store, utc_now, statuses)
    json_routes: tuple[Route[Any, Any], ...] = (
        *menu.routes(PublicMenu(store, utc_now), PublicOfOrg(staff.find_org)),
        *inventory.routes(ExpiringStock(store, utc_now), PriceHistory(store), staff),
        *products.routes(ProductReads(store, utc_now), answers, staff),
        *metadata.routes(partial(metadata_store.read_all, store), staff),
        *customers.routes(people, SegmentReads(store), answers, staff),
        *orders.routes(OrderReads(store), people, answers, staff),
        *analytics.routes(AnalyticsReads(store, utc_now), answers, staff),
        *loyalty_reads.routes(LoyaltyReads(store), staff),
        *explanations.routes(
            ExplainCustomer(store, utc_now), ExplainOrder(store), ExplainProduct(store), staff
        ),
        *metrics.report_routes(MetricsReads(store), staff),
        *ecom.routes(EcomCompleteness(store, utc_now), staff),
        *session.routes(sessions),
        *cache.routes(answers.statistics, every_org),
        *orgs.routes(org_list, org_status, staff, every_org),
        *run_history.run_routes(RunHistory(store), staff),
        *run_history.report_routes(RunHistory(store), staff),
        *quarantine.routes(QuarantineReads(store), staff),
        *removals.routes(RemovalReads(store), statuses, staff),
        *incidents.routes(IncidentReads(store), staff),
        *dead_letters.routes(DeadLetterReads(store), every_org),
        *settings_routes.routes(SettingsReads(store), staff),
        *audit.routes(Audit(store), every_org),
    )
    sign_in = sign_in_pages.routes(_password_sign_in(settings), sessions)
    return *json_routes, *sign_in, *_pages(Console.of(json_routes, utc_now), staff)


def _password_sign_in(settings: DashboardSettings) -> PasswordSignIn:
    host = settings.firebase_auth_emulator_host
    limits = HttpSettings(read_seconds=10, total_seconds=20, attempts=2)
    http = HttpSession(limits, Destinations(loopback=bool(host)))
    return PasswordSignIn(http, settings.firebase_api_key, emulated(host) if host else GOOGLE)


def _pages(console: Console, staff: Staff) -> Iterable[Route[Any, Any]]:
    return (
        *static_files.routes(),
        *home.routes(SignedIn(staff)),
        *org_pages.routes(console, staff),
        *run_pages.routes(console, staff),
        *decision_pages.routes(console, staff),
        *settings_pages.routes(console, staff),
        *customer_pages.routes(console, staff),
        *order_pages.routes(console, staff),
        *menu_pages.routes(console, staff),
        *loyalty_pages.routes(console, staff),
        *analytics_pages.routes(console, staff),
        *why_pages.routes(console, staff),
        *audit_pages.routes(console, staff),
    )


FUNCTION = HttpFunction("dashboard", DashboardSettings, _routes, error_page)
