"""What stands behind ``functions/dashboard``."""

from functools import cache, partial

from shared.bootstrap import doors
from shared.bootstrap.clients import database
from shared.bootstrap.settings import FunctionSettings, start
from shared.clock import utc_now
from shared.services.reads.customers import CustomerReads, OrderReads, SegmentReads
from shared.services.reads.inventory import ExpiringStock, PriceHistory
from shared.services.reads.menu import PublicMenu
from shared.services.reads.response_cache import ResponseCache
from shared.services.spending.look_up import SpendingLookUp
from shared.store import metadata as metadata_store
from shared.web.router import App
from shared.web.routes import customers, inventory, menu, metadata, orders
from shared.web.rules import PUBLIC_OF_ORG


@cache
def settings() -> FunctionSettings:
    """The settings, checked when the function starts."""
    return start(FunctionSettings)


@cache
def app() -> App:
    """Reads for dashboards and menus."""
    project = settings().google_cloud_project
    store = database(project)
    staff = doors.staff(project, store)
    answers, people = ResponseCache(store), CustomerReads(store, SpendingLookUp(store))
    return App(
        "dashboard",
        (
            *menu.routes(PublicMenu(store, utc_now), PUBLIC_OF_ORG),
            *inventory.routes(ExpiringStock(store, utc_now), PriceHistory(store), staff),
            *metadata.routes(partial(metadata_store.read_all, store), staff),
            *customers.routes(people, SegmentReads(store), answers, staff),
            *orders.routes(OrderReads(store), people, answers, staff),
        ),
    )
