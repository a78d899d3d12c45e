"""What stands behind ``functions/segments``."""

from functools import cache

from pydantic import Field

from shared.bootstrap.clients import database
from shared.bootstrap.publishing import publisher
from shared.bootstrap.settings import FunctionSettings, start
from shared.bus.messages import AgeSegments
from shared.clock import utc_now
from shared.entry import MessageConsumer
from shared.services.spending.scores import Ageing


class SegmentsSettings(FunctionSettings):
    """Settings of ``segments``."""

    segments_topic: str = Field(description="Full name of the topic `segments`.")
    spending_topic: str = Field(description="Full name of the topic `spending`.")
    ageing_seconds: float = Field(
        default=450,
        gt=0,
        description="Seconds that one invocation works: less than the function's time limit, by as "
        "much as its last calls may take.",
    )


@cache
def consumer() -> MessageConsumer[AgeSegments]:
    """Handles requests to age an org's segments."""
    settings = start(SegmentsSettings)
    store = database(settings)
    age = Ageing(
        store,
        segments=publisher(settings.segments_topic),
        spending=publisher(settings.spending_topic),
        clock=utc_now,
        seconds=settings.ageing_seconds,
    )
    return MessageConsumer("segments", AgeSegments, lambda message, _: age(message), store, utc_now)
