"""The routes and services of ``functions/dashboard``."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from shared.bootstrap.clients import database
from shared.bootstrap.http import HttpFunction, staff_rule
from shared.bootstrap.settings import FunctionSettings
from shared.clock import utc_now
from shared.services.ecom.completeness import EcomCompleteness
from shared.services.reads.customers import CustomerReads, OrderReads, SegmentReads
from shared.services.reads.explanations.customer import ExplainCustomer
from shared.services.reads.explanations.order import ExplainOrder
from shared.services.reads.explanations.product import ExplainProduct
from shared.services.reads.inventory import ExpiringStock, PriceHistory
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
from shared.services.reads.response_cache import ResponseCache
from shared.services.reads.run_history import RunHistory
from shared.services.reads.settings import SettingsReads
from shared.services.spending.look_up import SpendingLookUp
from shared.store import metadata as metadata_store
from shared.web.auth import EveryOrg, PublicOfOrg
from shared.web.routes import (
    cache,
    customers,
    dead_letters,
    ecom,
    explanations,
    incidents,
    inventory,
    menu,
    metadata,
    metrics,
    orders,
    orgs,
    quarantine,
    removals,
    run_history,
)
from shared.web.routes import settings as settings_routes
from shared.web.routing import Route


def _routes(settings: FunctionSettings) -> Iterable[Route[Any, Any]]:
    store = database(settings)
    staff = staff_rule(settings.google_cloud_project, store)
    every_org = EveryOrg(staff)
    answers, people = ResponseCache(store), CustomerReads(store, SpendingLookUp(store))
    fleet = ResponseCache(store, version_of=fleet_version)
    statuses = ResponseCache(store, version_of=lease_version)
    org_list, org_status = OrgReads(store, utc_now, fleet), OrgStatusReads(store, utc_now, statuses)
    return (
        *menu.routes(PublicMenu(store, utc_now), PublicOfOrg(staff.find_org)),
        *inventory.routes(ExpiringStock(store, utc_now), PriceHistory(store), staff),
        *metadata.routes(partial(metadata_store.read_all, store), staff),
        *customers.routes(people, SegmentReads(store), answers, staff),
        *orders.routes(OrderReads(store), people, answers, staff),
        *explanations.routes(
            ExplainCustomer(store, utc_now), ExplainOrder(store), ExplainProduct(store), staff
        ),
        *metrics.report_routes(MetricsReads(store), staff),
        *ecom.routes(EcomCompleteness(store, utc_now), staff),
        *cache.routes(answers.statistics, every_org),
        *orgs.routes(org_list, org_status, staff, every_org),
        *run_history.run_routes(RunHistory(store), staff),
        *run_history.report_routes(RunHistory(store), staff),
        *quarantine.routes(QuarantineReads(store), staff),
        *removals.routes(RemovalReads(store), statuses, staff),
        *incidents.routes(IncidentReads(store), staff),
        *dead_letters.routes(DeadLetterReads(store), every_org),
        *settings_routes.routes(SettingsReads(store), staff),
    )


FUNCTION = HttpFunction("dashboard", FunctionSettings, _routes)
