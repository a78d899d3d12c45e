"""What stands behind ``functions/dead_letter``."""

from datetime import timedelta
from functools import cache

from pydantic import Field

from shared.bootstrap.alerts import AlertSettings, alerts
from shared.bootstrap.clients import database
from shared.bootstrap.later import LaterSettings, later
from shared.bootstrap.settings import start
from shared.clock import utc_now
from shared.services.dead_letters import RecordDeadLetter, ResendOnce


class DeadLetterSettings(AlertSettings, LaterSettings):
    """Settings of ``dead_letter``."""

    topics_of_functions: dict[str, str] = Field(
        description="The topic of each function that listens to one: a JSON object of full names."
    )
    resend_after_seconds: float = Field(
        default=900,
        ge=0,
        description="First pause before a letter is sent again by itself, in seconds; 0: never.",
    )


@cache
def recorder() -> RecordDeadLetter:
    """Records dead letters."""
    settings = start(DeadLetterSettings)
    store = database(settings)
    resend = ResendOnce(
        store,
        {name: later(settings, topic) for name, topic in settings.topics_of_functions.items()},
        utc_now,
        timedelta(seconds=settings.resend_after_seconds),
    )
    return RecordDeadLetter(
        store, alerts(settings, store), utc_now, resend if settings.resend_after_seconds else None
    )
