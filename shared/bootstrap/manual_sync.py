"""The routes and services of ``functions/manual_sync``."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr

from shared.bootstrap.clients import database
from shared.bootstrap.http import HttpFunction, HttpFunctionSettings, staff_rule
from shared.bootstrap.later import LaterSettings, later
from shared.bootstrap.pos import PosSettings, account_opener
from shared.bootstrap.publishing import publisher
from shared.clock import utc_now
from shared.outbound.session import HttpSettings
from shared.services.manual_sync import ManualSync
from shared.services.metrics.requests import MetricsRequests
from shared.services.reads.run_history import RunHistory
from shared.services.write_back import OpenWriteBack
from shared.web.auth import SharedSecret, StaffOrMachine
from shared.web.routes import metrics, run_history, runs, write_back
from shared.web.routing import Route

CALL_SECONDS = 20.0
"""All of one call to the POS, its tries included: somebody waits."""


def _machine_rule(cron_secret: SecretStr) -> SharedSecret:
    return SharedSecret(tuple(cron_secret.get_secret_value().split()))


def _checked(cron_secret: SecretStr) -> SecretStr:
    _machine_rule(cron_secret)
    return cron_secret


class ManualSyncSettings(HttpFunctionSettings, PosSettings, LaterSettings):
    """Settings of ``manual_sync``."""

    pos_read_seconds: float = Field(default=15, gt=0)
    pos_sync_topic: str = Field(description="Full name of the topic `pos-sync`.")
    metrics_topic: str = Field(description="Full name of the topic `metrics`.")
    cron_secret: Annotated[SecretStr, AfterValidator(_checked)] = Field(
        description="What the cron route is called with: at least 32 characters; two secrets with "
        "white space between while they are exchanged.",
    )


def _routes(settings: ManualSyncSettings) -> Iterable[Route[Any, Any]]:
    store = database(settings)
    pos_sync = publisher(settings.pos_sync_topic)
    sync = ManualSync(store, pos_sync, later(settings, settings.pos_sync_topic), utc_now)
    limits = HttpSettings(read_seconds=settings.pos_read_seconds, total_seconds=CALL_SECONDS)
    open_account = OpenWriteBack(store, account_opener(settings, store, limits), pos_sync, utc_now)
    staff = staff_rule(settings.google_cloud_project, store)
    machine = _machine_rule(settings.cron_secret)
    either = StaffOrMachine(staff, machine)
    yield from runs.routes(sync, staff, machine)
    yield from run_history.run_routes(RunHistory(store), staff, either)
    yield from write_back.routes(open_account, staff)
    reports = MetricsRequests(store, publisher(settings.metrics_topic), utc_now)
    yield from metrics.request_routes(reports, staff)


FUNCTION = HttpFunction("manual_sync", ManualSyncSettings, _routes)
