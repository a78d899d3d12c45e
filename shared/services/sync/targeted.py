"""The records that webhooks named, fetched one by one: a run of a second or so.

Every webhook is kept before its message is sent (store/webhook_events.py). A run sees to all that
wait in its org, so that many at once are one run; where another run has the org, they are left to
it: whoever frees the org looks afterwards whether any still wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from shared.bus.messages import PosSync
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.domain.runs import WEBHOOK_RUN, RunState
from shared.errors import ConfigurationInvalid, OrgError, Owner, RetryLater
from shared.services.deadline import Deadline
from shared.services.sync import ending, pause
from shared.services.sync.accounts import OpenPos, open_shelves
from shared.services.sync.named import Named, store_named
from shared.services.sync.opening import acquire, open_session
from shared.services.sync.session import Session
from shared.store import locations, runs, tenants, webhook_events
from shared.store.database import Database
from shared.store.lease import HeldByOtherRun
from shared.store.runs import Run
from shared.store.webhook_events import Event

AT_ONCE = 100
"""Webhooks that one run sees to."""
LEFT_TO_THE_POLL = timedelta(hours=1)
"""What has waited longer is not fetched any more: a poll has had it."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TargetedSync:
    """Fetches named records. Fields as those of OrgSync."""

    database: Database
    open_pos: OpenPos
    spending: Publisher
    pos_sync: Publisher
    clock: Clock
    seconds: float
    lease_ttl: timedelta

    def __call__(self, message: PosSync) -> None:
        """Fetch the records that the message names, and those of every webhook that waits.

        Leaves them to the run that has the org, if one has. Raises RetryLater where the POS
        cannot give them now: the message is then to be delivered again.
        """
        database = self.database.metered()
        if webhook_events.is_settled(database, message.org_id, _key(message)):
            log.info("webhook_settled_already")
        elif pause.rests(database, message, self.clock()):
            log.info("org_paused")
            return
        elif not self._had_the_org(database, message):
            return
        self.catch_up(message.org_id)

    def catch_up(self, org_id: str) -> None:
        """Ask for the records of webhooks that came while a run had the org."""
        for event in webhook_events.waiting(self.database, org_id, limit=1):
            self.pos_sync.publish([request(org_id, event)])

    def _had_the_org(self, database: Database, message: PosSync) -> bool:
        before = runs.read(database, message.org_id, message.run_id)
        run = Run(state=RunState.RUNNING, trigger=message.trigger, started_at=self.clock())
        run.invocations = 1 + (before.invocations if before else 0)
        held = acquire(database, message, run, clock=self.clock, ttl=self.lease_ttl)
        if isinstance(held, HeldByOtherRun):
            log.info("webhook_left_to_running_run", running=held.run_id)
            return False
        deadline = Deadline(self.seconds)
        with open_session(
            database,
            message,
            held,
            run,
            spending=self.spending,
            clock=self.clock,
            deadline=deadline,
        ) as session:
            self._work(message, session)
        log.info("run_ended", state=run.state, **run.cost.model_dump())
        if any(error.owner == Owner.PROVIDER for error in run.errors):
            raise RetryLater("the POS does not give the records now")
        return True

    def _work(self, message: PosSync, session: Session) -> None:
        run, org_id = session.run, session.org_id
        events = self._events(message, session)
        young = [e for e in events if e.received_at >= session.now() - LEFT_TO_THE_POLL]
        named = _named(message, young)
        try:
            settings = tenants.read(session.database, org_id)
            active = locations.active_of(session.database, org_id)
            if not active:
                raise ConfigurationInvalid(f"org {org_id} has no active POS location")
            today = self.clock().astimezone(active[0].zone).date()
            shelves = open_shelves(active, self.open_pos)
            store_named(session, shelves, named, settings.sync, today=today)
        except OrgError as error:
            run.errors.append(ending.note(error))
        ending.end(run, wanted=named.streams, now=session.now())
        again = any(error.owner == Owner.PROVIDER for error in run.errors)
        state = webhook_events.FAILED if run.errors else webhook_events.DONE
        session.close(
            webhook_events.settled(
                org_id,
                [event.key for event in events if not again or event not in young],
                run_id=session.run_id,
                state=state,
                now=session.now(),
            )
        )

    def _events(self, message: PosSync, session: Session) -> list[Event]:
        """Those that wait; from the second try on only the message's own: what makes a run fail
        must not keep others waiting."""
        waiting = webhook_events.waiting(session.database, session.org_id, limit=AT_ONCE)
        return [e for e in waiting if session.run.invocations == 1 or e.key == _key(message)]


def request(org_id: str, event: Event) -> PosSync:
    """The message that asks for the records of an event."""
    return PosSync(
        org_id=org_id,
        run_id=WEBHOOK_RUN + event.key,
        trigger="webhook",
        customer_ids=event.customer_ids or None,
        order_ids=event.order_ids or None,
        product_ids=event.product_ids or None,
    )


def _key(message: PosSync) -> str:
    return message.run_id.removeprefix(WEBHOOK_RUN)


def _named(message: PosSync, events: Sequence[Event]) -> Named:
    return Named(
        {*(message.customer_ids or ()), *(i for e in events for i in e.customer_ids)},
        {*(message.order_ids or ()), *(i for e in events for i in e.order_ids)},
        {*(message.product_ids or ()), *(i for e in events for i in e.product_ids)},
    )
