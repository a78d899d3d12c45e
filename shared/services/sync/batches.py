"""Batches: as the stock list has them, the doubtful ones looked up one by one."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import replace
from datetime import date

import structlog

from shared.domain.batches import BatchDetail, BatchStock, batches_of, due
from shared.domain.inventory import InventoryRow
from shared.errors import OrgError, ProviderError, ProviderRefused
from shared.pos.base import PosClient
from shared.services.sync.session import Session
from shared.store.batches import BatchBook

LOOK_UPS = 100
"""Single look-ups in one run at the most."""
AT_ONCE = 8
SECONDS = 20.0
"""What has not been told by then is not waited for."""

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
        answers = _look_up(client, wanted)
        now = self._session.now()
        return [
            replace(b, detail=answers[b.batch_id] or b.detail, looked_up_at=now)
            if b.batch_id in answers
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


def _look_up(client: PosClient, batch_ids: Sequence[str]) -> dict[str, BatchDetail | None]:
    """What was told of each batch that was asked for; None of one that the POS could not tell of.
    Where one look-up fails the rest would keep the sync waiting: no more are begun."""
    answers: dict[str, BatchDetail | None] = {}
    enough = threading.Event()

    def ask(batch_id: str) -> None:
        if enough.is_set():
            return
        try:
            answers[batch_id] = client.batch(batch_id)
        except (ProviderError, OrgError) as error:
            log.info("batch_look_up_failed", batch=batch_id, code=error.code)
            answers[batch_id] = None
            if not isinstance(error, ProviderRefused):
                enough.set()

    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="batch")
    asked = [pool.submit(copy_context().run, ask, each) for each in batch_ids]
    done, _ = wait(asked, timeout=SECONDS)
    enough.set()
    pool.shutdown(wait=False, cancel_futures=True)
    for each in done:
        each.result()
    log.info("batches_looked_up", wanted=len(batch_ids), asked=len(answers))
    return dict(answers)
