"""The routes and services of ``functions/loyalty_api``."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from shared.bootstrap.clients import database
from shared.bootstrap.http import HttpFunction, HttpFunctionSettings, staff_rule
from shared.bootstrap.loyalty import LoyaltyProviderSettings, loyalty_opener
from shared.bootstrap.publishing import publisher
from shared.clock import utc_now
from shared.services.loyalty.on_demand import AskForLoyalty, LookUpPoints
from shared.services.reads.loyalty import LoyaltyReads
from shared.web.routes import loyalty, loyalty_reads
from shared.web.routing import Route


class LoyaltyApiSettings(HttpFunctionSettings, LoyaltyProviderSettings):
    """Settings of ``loyalty_api``."""

    loyalty_topic: str = Field(description="Full name of the topic `loyalty`.")


def _routes(settings: LoyaltyApiSettings) -> Iterable[Route[Any, Any]]:
    store = database(settings)
    staff = staff_rule(settings.google_cloud_project, store)
    ask = AskForLoyalty(store, publisher(settings.loyalty_topic), utc_now)
    points = LookUpPoints(store, loyalty_opener(settings), utc_now)
    return (
        *loyalty.routes(ask, points, staff),
        *loyalty_reads.routes(LoyaltyReads(store), staff),
    )


FUNCTION = HttpFunction("loyalty_api", LoyaltyApiSettings, _routes)
