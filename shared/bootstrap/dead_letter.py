"""What stands behind ``functions/dead_letter``."""

from functools import cache

from shared.bootstrap.clients import AlertSettings, alerts, database
from shared.bootstrap.settings import start
from shared.clock import utc_now
from shared.services.dead_letters import RecordDeadLetter


@cache
def recorder() -> RecordDeadLetter:
    """Records dead letters."""
    settings = start(AlertSettings)
    store = database(settings.google_cloud_project)
    return RecordDeadLetter(store, alerts(settings, store), utc_now)
