"""Answers that an instance keeps for minutes, as long as the org's data stay the same."""

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from shared.cache import ExpiringCache
from shared.store import spending
from shared.store.database import Database

ANSWERS = 256
ORGS = 256
CHECK_SECONDS = 1.0
"""How often at most an org's data version is read: an answer may be outdated for that long."""

T = TypeVar("T")


class ResponseCache:
    """The last ANSWERS answers. Safe for threads."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._versions = ExpiringCache[str, object](ORGS, monotonic)
        self._answers = ExpiringCache[Hashable, Any](ANSWERS, monotonic)

    def of(self, org_id: str, question: Hashable, seconds: float, make: Callable[[], T]) -> T:
        """The answer to a question about an org: one made at most ``seconds`` ago from the data's
        current version, or a new one."""
        version = self._versions.get_or(
            org_id, CHECK_SECONDS, lambda: spending.data_version(self._database, org_id)
        )
        answer: T = self._answers.get_or((org_id, version, question), seconds, make)
        return answer
