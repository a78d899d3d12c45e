"""Answers that an instance keeps for minutes, as long as the org's data stay the same."""

import time
from collections.abc import Callable, Hashable
from dataclasses import asdict
from typing import Any, TypeVar

import structlog

from shared.cache import CacheStatistics, ExpiringCache
from shared.store import spending
from shared.store.database import Database

ANSWERS = 256
ORGS = 256
CHECK_SECONDS = 1.0
"""How often at most an org's data version is read: an answer may be outdated for that long."""
LOGGED_EVERY = 60.0
"""Seconds between two log lines of an instance that say how well the cache works."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class ResponseCache:
    """The last ANSWERS answers. Safe for threads. ``version_of`` reads the version of an org's
    data on which they rest."""

    def __init__(
        self,
        database: Database,
        monotonic: Callable[[], float] = time.monotonic,
        version_of: Callable[[Database, str], object] = spending.data_version,
    ) -> None:
        self._database = database
        self._version_of = version_of
        self._monotonic = monotonic
        self._versions = ExpiringCache[str, object](ORGS, monotonic)
        self._answers = ExpiringCache[Hashable, Any](ANSWERS, monotonic)
        self._log_at = monotonic() + LOGGED_EVERY

    def of(
        self,
        org_id: str,
        question: Hashable,
        seconds: float,
        make: Callable[[], T],
        *,
        keeps: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """The answer to a question about an org: one made at most ``seconds`` ago from the data's
        current version, or a new one, which is kept unless ``keeps`` says no."""
        version = self._versions.get_or(
            org_id, CHECK_SECONDS, lambda: self._version_of(self._database, org_id)
        )
        key = (org_id, version, question)
        answer: T | None = self._answers.get(key)
        self._log_if_due()
        if answer is None:
            answer = make()
            if keeps(answer):
                self._answers.put(key, seconds, answer)
        return answer

    def statistics(self) -> CacheStatistics:
        """Those of the answers that this instance keeps."""
        return self._answers.statistics()

    def _log_if_due(self) -> None:
        now = self._monotonic()
        if now >= self._log_at:
            self._log_at = now + LOGGED_EVERY
            found = self.statistics()
            log.info("response_cache_used", hit_rate=found.hit_rate, **asdict(found))
