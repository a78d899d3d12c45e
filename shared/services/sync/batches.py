"""Batches: as the stock list has them, the doubtful ones looked up one by one."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from datetime import date

import structlog

from shared.domain.batches import BatchDetail, BatchStock, batches_of, due
from shared.domain.inventory import InventoryRow
from shared.errors import OrgError, ProviderError
from shared.pos.base import PosClient
from shared.services.sync.session import Session
from shared.store.batches import BatchBook

LOOK_UPS = 100
"""Single look-ups in one run at the most."""
AT_ONCE = 8

log = structlog.get_logger(__name__)


class BatchLookUps:
    """The look-ups of one run. Best effort: one that fails is not repeated for a day."""

    def __init__(self, session: Session, book: BatchBook) -> None:
        self._session = session
        self._known = {batch.batch_id: batch for batch in book.all()}
        self._left = LOOK_UPS

    def batches(
        self, rows: Iterable[InventoryRow], client: PosClient, today: date
    ) -> list[BatchStock]:
        """The batches in the rows of one location, whose own date is ``today``, with what
        look-ups have told of them."""
        found = [_remembered(b, self._known.get(b.batch_id)) for b in batches_of(rows)]
        wanted = due(found, today=today, now=self._session.now(), limit=self._left)
        if not wanted:
            return found
        self._left -= len(wanted)
        details = _look_up(client, wanted)
        now = self._session.now()
        return [
            replace(b, detail=details.get(b.batch_id, b.detail), looked_up_at=now)
            if b.batch_id in wanted
            else b
            for b in found
        ]


def last_days(batches: Iterable[BatchStock]) -> Mapping[str, str]:
    """The ISO date on which each batch expires, where it is known."""
    return {batch.batch_id: batch.last_day for batch in batches if batch.last_day}


def _remembered(batch: BatchStock, before: BatchStock | None) -> BatchStock:
    if before is None:
        return batch
    return replace(batch, detail=before.detail, looked_up_at=before.looked_up_at)


def _look_up(client: PosClient, batch_ids: Sequence[str]) -> dict[str, BatchDetail]:
    details: dict[str, BatchDetail] = {}

    def ask(batch_id: str) -> None:
        try:
            details[batch_id] = client.batch(batch_id)
        except (ProviderError, OrgError) as error:
            log.info("batch_look_up_failed", batch=batch_id, code=error.code)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="batch") as pool:
        asked = [pool.submit(copy_context().run, ask, each) for each in batch_ids]
    for each in asked:
        each.result()
    log.info("batches_looked_up", asked=len(batch_ids), answered=len(details))
    return details
