"""What a sync would do, without doing it: ``dryRun: true``.

A dry run is a sync whose session has another sink. Every record is fetched, mapped, compared and
matched as ever, removals are decided on and unreadable records counted; what would be written ends
in a report instead. It takes no lease and keeps neither manifests nor cursors nor a status, sends
no message, and tells nobody. So it sees the org as it is while other runs may be changing it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from shared.bus.messages import ComputeSpending, PosSync
from shared.clock import Clock
from shared.domain.runs import RunState
from shared.services.deadline import Deadline, OutOfTime
from shared.services.sync import ending
from shared.services.sync.accounts import OpenPos
from shared.services.sync.opening import open_session
from shared.services.sync.report import ReportSink
from shared.services.sync.streams import STREAMS
from shared.services.sync.work import Done, sync_records
from shared.store import sync_reports
from shared.store.database import Database
from shared.store.runs import Run

log = structlog.get_logger(__name__)


class Unsent:
    """Counts the customers whose spending would be asked for; None stands for all of them."""

    def __init__(self) -> None:
        self.customers: int | None = 0

    def publish(self, messages: Iterable[ComputeSpending]) -> int:
        """Take note of the requests, send none."""
        asked = list(messages)
        for message in asked:
            if message.customer_ids is None or self.customers is None:
                self.customers = None
            else:
                self.customers += len(message.customer_ids)
        return len(asked)


@dataclass(frozen=True, slots=True)
class DryRun:
    """Reports what a sync would do. ``seconds`` is how long it may work: it has no continuation,
    so that the report of an org too large for that says it is not complete."""

    database: Database
    open_pos: OpenPos
    clock: Clock
    seconds: float

    def __call__(self, message: PosSync) -> None:
        """Write the report of the message's run, unless it is written already.

        Whatever was not foreseen is raised: the message is then to be delivered again.
        """
        database = self.database.metered()
        if sync_reports.exists(database, message.org_id, message.run_id):
            return
        run = Run(
            state=RunState.RUNNING,
            trigger=message.trigger,
            started_at=self.clock(),
            requested_by=message.requested_by,
        )
        sink, spending = ReportSink(database, message.org_id), Unsent()
        done, complete = Done(message.streams or STREAMS), True
        with open_session(
            database,
            message,
            sink,
            run,
            spending=spending,
            clock=self.clock,
            deadline=Deadline(self.seconds),
        ) as session:
            try:
                done = sync_records(message, session, self.open_pos)
            except OutOfTime:
                complete = False
            session.close([])
        ending.end(run, wanted=done.wanted, now=self.clock())
        report = sync_reports.put(
            message.org_id,
            message.run_id,
            run,
            {name: sink.stream(name).document() for name in run.streams},
            complete=complete,
            spending_of=spending.customers,
        )
        self.database.commit([report])
        log.info("dry_run_ended", state=run.state, complete=complete, reads=run.cost.reads)
