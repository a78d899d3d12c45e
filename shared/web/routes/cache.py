"""``/api/cache``: how well an instance's cache of answers works, for who may see every org."""

from collections.abc import Callable
from typing import Literal

from shared.cache import CacheStatistics
from shared.errors import Forbidden
from shared.web.auth import Rule
from shared.web.request import NoBody, NoParams
from shared.web.response import ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable


class CacheResponse(ResponseModel):
    """The answers about customers, orders and segments that the instance which answers has in
    memory (``scope``); another instance has others. ``size`` is ``valid`` and ``expired`` together;
    ``averageAgeSeconds`` is of the valid ones; hits and misses since the instance started. There is
    no ``hitRate``, 0 to 1, before the first of them."""

    scope: Literal["instance"] = "instance"
    size: int
    valid: int
    expired: int
    average_age_seconds: float
    hits: int
    misses: int
    hit_rate: float | None


def routes(statistics: Callable[[], CacheStatistics], every_org: Rule) -> RouteTable:
    """``every_org`` is the rule for people who may see every org."""
    table = RouteTable(every_org)

    @table.get("/api/cache", NoParams, CacheResponse, errors=[Forbidden])
    def get_cache(_: RouteCall[NoParams, NoBody]) -> RouteReply:
        """How well the cache of the instance that answers works."""
        found = statistics()
        return RouteReply(
            CacheResponse(
                size=found.size,
                valid=found.valid,
                expired=found.expired,
                average_age_seconds=round(found.average_age, 1),
                hits=found.hits,
                misses=found.misses,
                hit_rate=found.hit_rate,
            )
        )

    return table
