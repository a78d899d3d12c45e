"""What stands behind ``functions/dead_letter``."""

from functools import cache

from shared.bootstrap.clients import database
from shared.bootstrap.settings import FunctionSettings, start
from shared.clock import utc_now
from shared.services.dead_letters import RecordDeadLetter


@cache
def recorder() -> RecordDeadLetter:
    """Records dead letters."""
    return RecordDeadLetter(database(start(FunctionSettings).google_cloud_project), utc_now)
