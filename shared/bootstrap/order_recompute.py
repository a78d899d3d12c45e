"""What stands behind ``functions/order_recompute``."""

from functools import cache

from shared.bootstrap.clients import LaterSettings, later
from shared.bootstrap.settings import start
from shared.entry import Watcher
from shared.services.order_recompute import OrderRecompute


class Settings(LaterSettings):
    """Settings of ``order_recompute``."""

    spending_topic: str


@cache
def watcher() -> Watcher:
    """Handles changed orders."""
    settings = start(Settings)
    return Watcher(OrderRecompute(later(settings, settings.spending_topic)))
