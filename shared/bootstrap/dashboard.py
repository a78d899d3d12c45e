"""The routes and services of ``functions/dashboard``."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from shared.bootstrap.clients import database
from shared.bootstrap.http import HttpFunction, staff_rule
from shared.bootstrap.settings import FunctionSettings
from shared.clock import utc_now
from shared.services.ecom.completeness import EcomCompleteness
from shared.services.reads.analytics import AnalyticsReads
from shared.services.reads.customers import CustomerReads, OrderReads, SegmentReads
from shared.services.reads.inventory import ExpiringStock, PriceHistory
from shared.services.reads.loyalty import LoyaltyReads
from shared.services.reads.menu import PublicMenu
from shared.services.reads.metrics import MetricsReads
from shared.services.reads.products import ProductReads
from shared.services.reads.response_cache import ResponseCache
from shared.services.spending.look_up import SpendingLookUp
from shared.store import metadata as metadata_store
from shared.web.auth import EveryOrg, PublicOfOrg
from shared.web.routes import (
    analytics,
    cache,
    customers,
    ecom,
    inventory,
    loyalty,
    menu,
    metadata,
    metrics,
    orders,
    products,
)
from shared.web.routing import Route


def _routes(settings: FunctionSettings) -> Iterable[Route[Any, Any]]:
    store = database(settings)
    staff = staff_rule(settings.google_cloud_project, store)
    answers, people = ResponseCache(store), CustomerReads(store, SpendingLookUp(store))
    return (
        *menu.routes(PublicMenu(store, utc_now), PublicOfOrg(staff.find_org)),
        *inventory.routes(ExpiringStock(store, utc_now), PriceHistory(store), staff),
        *products.routes(ProductReads(store, utc_now), answers, staff),
        *metadata.routes(partial(metadata_store.read_all, store), staff),
        *customers.routes(people, SegmentReads(store), answers, staff),
        *orders.routes(OrderReads(store), people, answers, staff),
        *analytics.routes(AnalyticsReads(store, utc_now), answers, staff),
        *loyalty.read_routes(LoyaltyReads(store), staff),
        *metrics.report_routes(MetricsReads(store), staff),
        *ecom.routes(EcomCompleteness(store, utc_now), staff),
        *cache.routes(answers.statistics, EveryOrg(staff)),
    )


FUNCTION = HttpFunction("dashboard", FunctionSettings, _routes)
