"""What stands behind ``functions/manual_sync``."""

from functools import cache
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from shared.bootstrap import doors
from shared.bootstrap.clients import database, publisher
from shared.bootstrap.settings import FunctionSettings, start
from shared.clock import utc_now
from shared.services.manual_sync import ManualSync
from shared.web.auth import SharedSecret, StaffOrMachine
from shared.web.router import App
from shared.web.routes import runs


def _rule(cron_secret: SecretStr) -> SharedSecret:
    return SharedSecret(tuple(cron_secret.get_secret_value().split()))


def _usable(cron_secret: SecretStr) -> SecretStr:
    _rule(cron_secret)
    return cron_secret


class Settings(FunctionSettings):
    """Settings of ``manual_sync``. ``cron_secret`` is one secret, or two with white space between
    them while the one takes the other's place."""

    pos_sync_topic: str
    cron_secret: Annotated[SecretStr, AfterValidator(_usable)]


@cache
def settings() -> Settings:
    """The settings, checked when the function starts."""
    return start(Settings)


@cache
def app() -> App:
    """Starts and watches runs."""
    given = settings()
    store = database(given.google_cloud_project)
    sync = ManualSync(store, publisher(given.pos_sync_topic), utc_now)
    staff = doors.staff(given.google_cloud_project, store)
    machine = _rule(given.cron_secret)
    return App("manual_sync", runs.routes(sync, staff, machine, StaffOrMachine(staff, machine)))
