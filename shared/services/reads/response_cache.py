"""Answers that an instance keeps for minutes, as long as the org's data stay the same."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar

from cachetools import TLRUCache, TTLCache

from shared.store import spending
from shared.store.database import Database

ANSWERS = 256
ORGS = 256
CHECK_SECONDS = 1.0
"""How often at most an org's data version is read: an answer may lag that far behind."""

T = TypeVar("T")


class _Kept(NamedTuple):
    answer: Any
    version: object
    seconds: float


class ResponseCache:
    """The last ANSWERS answers. Safe for threads: two who ask the same at once may both work."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._versions: TTLCache[str, object] = TTLCache(ORGS, CHECK_SECONDS, timer=monotonic)
        self._kept: TLRUCache[Hashable, _Kept] = TLRUCache(
            ANSWERS, ttu=lambda _, kept, now: now + kept.seconds, timer=monotonic
        )

    def of(self, org_id: str, question: Hashable, seconds: float, make: Callable[[], T]) -> T:
        """The answer to a question about an org: one made at most ``seconds`` ago, of the data as
        they are, or a new one."""
        version = self._version(org_id)
        with self._lock:
            kept = self._kept.get((org_id, question))
        if kept is not None and kept.version == version:
            answer: T = kept.answer
            return answer
        # Made after the version was read: should the data change meanwhile, it is not kept long.
        answer = make()
        with self._lock:
            self._kept[org_id, question] = _Kept(answer, version, seconds)
        return answer

    def _version(self, org_id: str) -> object:
        with self._lock:
            version = self._versions.get(org_id)
        if version is None:
            version = spending.data_version(self._database, org_id)
            with self._lock:
                self._versions[org_id] = version
        return version
