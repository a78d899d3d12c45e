"""What stands behind ``functions/order_recompute``."""

from functools import cache

from pydantic import Field

from shared.bootstrap.later import LaterSettings, later
from shared.bootstrap.settings import start
from shared.entry import DocumentConsumer
from shared.services.spending.order_recompute import OrderRecompute


class OrderRecomputeSettings(LaterSettings):
    """Settings of ``order_recompute``."""

    spending_topic: str = Field(description="Full name of the topic `spending`.")


@cache
def watcher() -> DocumentConsumer:
    """Handles changed orders."""
    settings = start(OrderRecomputeSettings)
    return DocumentConsumer(OrderRecompute(later(settings, settings.spending_topic)))
