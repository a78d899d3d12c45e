"""The routes and services of ``functions/manual_sync``."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, SecretStr

from shared.bootstrap.clients import database, publisher
from shared.bootstrap.http import HttpFunction, staff_rule
from shared.bootstrap.settings import FunctionSettings
from shared.clock import utc_now
from shared.services.manual_sync import ManualSync
from shared.web.auth import SharedSecret, StaffOrMachine
from shared.web.routes import runs
from shared.web.routing import Route


def _machine_rule(cron_secret: SecretStr) -> SharedSecret:
    return SharedSecret(tuple(cron_secret.get_secret_value().split()))


def _checked(cron_secret: SecretStr) -> SecretStr:
    _machine_rule(cron_secret)
    return cron_secret


class ManualSyncSettings(FunctionSettings):
    """Settings of ``manual_sync``. ``cron_secret`` is one secret, or two with white space between
    them during a rotation."""

    pos_sync_topic: str
    cron_secret: Annotated[SecretStr, AfterValidator(_checked)]


def _routes(settings: ManualSyncSettings) -> Iterable[Route[Any, Any]]:
    store = database(settings)
    sync = ManualSync(store, publisher(settings.pos_sync_topic), utc_now)
    staff = staff_rule(settings.google_cloud_project, store)
    machine = _machine_rule(settings.cron_secret)
    return runs.routes(sync, staff, machine, StaffOrMachine(staff, machine))


FUNCTION = HttpFunction("manual_sync", ManualSyncSettings, _routes)
