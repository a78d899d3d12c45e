"""What stands behind ``functions/spending``."""

from functools import cache

from pydantic import Field

from shared.admission import Admission
from shared.bootstrap.clients import database
from shared.bootstrap.publishing import publisher
from shared.bootstrap.settings import FunctionSettings, start
from shared.bus.messages import ComputeSpending
from shared.clock import utc_now
from shared.entry import MessageConsumer
from shared.services.spending.compute import SpendingService

ROOM_MB = 150
"""What 10,000 customers and their orders take, or a range of a larger org, in MiB."""


class SpendingSettings(FunctionSettings):
    """Settings of ``spending``."""

    spending_topic: str = Field(description="Full name of the topic `spending`.")
    spending_seconds: float = Field(
        default=450,
        gt=0,
        description="Seconds that one invocation works: less than the function's time limit, by as "
        "much as its last calls may take.",
    )


@cache
def consumer() -> MessageConsumer[ComputeSpending]:
    """Handles requests to compute spending."""
    settings = start(SpendingSettings)
    store = database(settings)
    compute = SpendingService(
        store, publisher(settings.spending_topic), utc_now, settings.spending_seconds
    )
    return MessageConsumer(
        "spending",
        ComputeSpending,
        lambda message, _: compute(message),
        store,
        utc_now,
        Admission(settings.memory_mb, room_mb=ROOM_MB),
    )
