"""The routes and services of ``functions/admin_api``."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from shared.bootstrap.clients import database
from shared.bootstrap.http import HttpFunction, HttpFunctionSettings, staff_rule
from shared.bootstrap.later import LaterSettings, later
from shared.bootstrap.pos import PosSettings, account_opener
from shared.bootstrap.publishing import publisher
from shared.bootstrap.replay import dead_letter_replay, quarantine_replay
from shared.bus.notifier import Notifier
from shared.clock import utc_now
from shared.outbound.session import HttpSettings
from shared.services.admin.audit import Audit
from shared.services.admin.connection import TryConnection
from shared.services.admin.locations import LocationSettings
from shared.services.admin.loyalty_reviews import ReviewLoyalty
from shared.services.admin.removals import RemovalDecisions
from shared.services.admin.replays import Replays
from shared.services.admin.settings import OrgSettings
from shared.services.erasure.customer import EraseCustomer, ErasureReads
from shared.services.manual_sync import ManualSync
from shared.web.auth import EveryOrg
from shared.web.routes import admin, admin_erasures, admin_settings, audit
from shared.web.routing import Route

TRIES = 2
"""Of one call to a POS whose connection is tried: somebody waits."""
CALL_SECONDS = 20.0
ERASURE_SECONDS, ERASURE_WAIT_SECONDS = 30.0, 10.0
"""Of the function's 60: the rest of an erasure is done when it is asked for again."""


class AdminApiSettings(HttpFunctionSettings, PosSettings, LaterSettings):
    """Settings of ``admin_api``. A connection is tried with the first page of each list."""

    pos_concurrency: int = Field(default=1, ge=1, le=64)
    pos_read_seconds: float = Field(default=15, gt=0)
    pos_sync_topic: str = Field(description="Full name of the topic `pos-sync`.")
    topics_of_functions: dict[str, str] = Field(
        description="The topic of each function that listens to one: a JSON object of full names."
    )


def _routes(settings: AdminApiSettings) -> Iterable[Route[Any, Any]]:
    store = database(settings)
    staff = staff_rule(settings.google_cloud_project, store)
    pos_sync = publisher(settings.pos_sync_topic)
    sync = ManualSync(store, pos_sync, later(settings, settings.pos_sync_topic), utc_now)
    sealer, destinations = settings.sealer, settings.destinations
    notifier = Notifier(loopback=destinations.loopback)
    limits = HttpSettings(
        read_seconds=settings.pos_read_seconds, total_seconds=CALL_SECONDS, attempts=TRIES
    )
    replays = Replays(
        store,
        dead_letter_replay(store, settings.topics_of_functions, publisher),
        quarantine_replay(store, pos_sync),
        utc_now,
    )
    return (
        *admin.routes(
            RemovalDecisions(store, sync, utc_now),
            replays,
            ReviewLoyalty(store, utc_now),
            staff,
            EveryOrg(staff),
        ),
        *audit.routes(Audit(store), EveryOrg(staff)),
        *admin_settings.location_routes(
            LocationSettings(store, sealer, destinations, utc_now),
            TryConnection(
                store, account_opener(settings, store, limits, typed=True), destinations, utc_now
            ),
            sync,
            staff,
        ),
        *admin_settings.settings_routes(
            OrgSettings(store, sealer, destinations, notifier, utc_now), staff
        ),
        *admin_erasures.routes(
            EraseCustomer(store, utc_now, ERASURE_SECONDS, patience_seconds=ERASURE_WAIT_SECONDS),
            ErasureReads(store),
            EveryOrg(staff),
        ),
    )


FUNCTION = HttpFunction("admin_api", AdminApiSettings, _routes)
