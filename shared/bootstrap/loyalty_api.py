"""What stands behind ``functions/loyalty_api``."""

from functools import cache

from shared.bootstrap import doors
from shared.bootstrap.clients import database, publisher
from shared.bootstrap.loyalty import LoyaltyProviderSettings, opener
from shared.bootstrap.settings import start
from shared.clock import utc_now
from shared.services.loyalty.on_demand import AskForLoyalty, LookUpPoints, LoyaltyReads
from shared.web.router import App
from shared.web.routes import loyalty


class Settings(LoyaltyProviderSettings):
    """Settings of ``loyalty_api``."""

    loyalty_topic: str


@cache
def settings() -> Settings:
    """The settings, checked when the function starts."""
    return start(Settings)


@cache
def app() -> App:
    """Starts loyalty runs, reads what they wrote."""
    given = settings()
    store = database(given.google_cloud_project)
    return App(
        "loyalty_api",
        loyalty.routes(
            AskForLoyalty(store, publisher(given.loyalty_topic)),
            LoyaltyReads(store),
            LookUpPoints(store, opener(given), utc_now),
            doors.staff(given.google_cloud_project, store),
        ),
    )
