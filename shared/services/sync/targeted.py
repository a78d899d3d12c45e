"""Fetching and storing single records by id: what webhooks name, in a run of a second or so.

Every webhook is stored before its message is sent (store/webhook_events.py). A run sees to all of
its provider that wait in its org, so that many at once are one run. Where another run has the org
they are left to it: after each run the org is checked for webhooks that still wait.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog

from shared.bus.publisher import Publisher
from shared.clock import Clock, Deadline, OutOfTime
from shared.domain.providers import ALLEAVES
from shared.domain.removal import AllowedRemovals
from shared.domain.runs import STREAMS_RUN, RunState
from shared.errors import OrgError, Owner, ProviderBusy, ProviderError, RetryLater
from shared.pos.port import Page
from shared.services.alerts import Alerts
from shared.services.runs import lifecycle
from shared.services.sync.account_check import AccountCheck
from shared.services.sync.attempts import StreamAttempts
from shared.services.sync.commands import SyncRecords
from shared.services.sync.customers import StoredCustomers, store_found, unknown_buyers
from shared.services.sync.gone import of_each
from shared.services.sync.news import tell_news
from shared.services.sync.orders import OrderStream
from shared.services.sync.org import sync_streams
from shared.services.sync.pos_locations import (
    ConfiguredOrg,
    OpenOrg,
    OpenPos,
    open_org,
    read_org,
)
from shared.services.sync.run_end import SyncPaused, is_resting, rests, set_last_state
from shared.services.sync.session import Session, settle_others
from shared.services.webhooks import request
from shared.store import runs, webhook_events
from shared.store.database import Database, Update
from shared.store.lease import HeldByOtherRun
from shared.store.manifest import REMOVED
from shared.store.runs import Run
from shared.store.webhook_events import DELETION, DONE, FAILED, NOT_FOUND, Processed, StoredWebhook

WEBHOOKS_PER_RUN = 100
RECORDS_PER_RUN = webhook_events.MOST_NAMED
"""Records that a run fetches for the webhooks that wait: the next run has the others."""
LEFT_TO_THE_POLL = timedelta(hours=1)
"""Records of webhooks that have waited longer are not fetched: a scheduled sync has had them."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TargetedSync:
    """Fetches named records. Fields as those of OrgSync."""

    database: Database
    open_pos: OpenPos
    spending: Publisher
    pos_sync: Publisher
    alerts: Alerts
    clock: Clock
    seconds: float
    lease_ttl: timedelta

    def __call__(self, command: SyncRecords) -> None:
        """Fetch the records of the command, and those of every webhook that waits.

        Leaves them to the run that has the org, if one has. Raises RetryLater where the POS
        cannot give them now: the message is then to be delivered again.
        """
        database, org_id = self.database.metered(), command.org_id
        if webhook_events.is_processed(database, org_id, command.webhook_key):
            log.info("webhook_settled_already")
        elif is_resting(database, org_id, command.trigger, self.clock()):
            log.info("org_paused")
            return
        elif not self._run(database, command):
            return
        self.catch_up(org_id, command.provider)

    def catch_up(self, org_id: str, provider: str | None = None) -> None:
        """Ask for the records of webhooks that came while a run had the org. After a run of one
        ``provider`` not for those of another that have had a run and still wait: that provider
        does not answer, and their message is delivered again."""
        silent: set[str] = set()
        for limit in (1, WEBHOOKS_PER_RUN):
            for event in webhook_events.waiting(self.database, org_id, limit=limit):
                if event.provider in silent:
                    continue
                asked = request(org_id, event.key, event, event.provider)
                own = provider in (None, event.provider)
                if own or runs.read(self.database, org_id, asked.run_id) is None:
                    self.pos_sync.publish([asked])
                    return
                silent.add(event.provider)
            if not silent:
                return

    def settle(self, org_id: str, run_id: str) -> bool:
        """Mark the webhook as processed for which a run has synced whole streams; False where that
        run has not ended."""
        run, key = runs.read(self.database, org_id, run_id), run_id.removeprefix(STREAMS_RUN)
        if run is None or not run.state.ended:
            return False
        if webhook_events.is_waiting(self.database, org_id, key):
            ended, now = {key: _ended(run)}, self.clock()
            self.database.commit(webhook_events.processed(org_id, ended, run_id=run_id, now=now))
        return True

    def _run(self, database: Database, command: SyncRecords) -> bool:
        """Whether the org was free for the run."""
        org_id, run_id = command.org_id, command.run_id
        before = runs.read(database, org_id, run_id)
        opened = lifecycle.open_run(
            lifecycle.SYNC,
            database,
            org_id,
            run_id,
            Run(
                state=RunState.RUNNING,
                trigger=command.trigger,
                started_at=self.clock(),
                invocations=before.invocations if before else 0,
            ),
            clock=self.clock,
            lease_ttl=self.lease_ttl,
        )
        if isinstance(opened, HeldByOtherRun):
            log.info("webhook_left_to_running_run", running=opened.run_id)
            return False
        run = opened.run
        with opened:
            org = read_org(database, org_id)
            provider = command.provider or _usual(org)
            settle_others(opened, provider)
            with Session(
                opened,
                provider=provider,
                spending=self.spending,
                clock=self.clock,
                deadline=Deadline(self.seconds),
            ) as session:
                self._work(command, org, session)
        log.info("run_ended", state=run.state, **run.spent())
        if any(error.owner == Owner.PROVIDER for error in run.errors):
            raise RetryLater("the POS does not give the records now")
        return True

    def _work(self, command: SyncRecords, configured: ConfiguredOrg, session: Session) -> None:
        run, org_id = session.run, session.org_id
        events = _waiting(command, session)
        recent = [event for event in events if _is_recent(event, session)]
        named, missing = NamedRecords.of(command, recent), NOTHING_NAMED
        processed: dict[str, Processed] = {}
        try:
            several = len(configured.providers) > 1
            if several and rests(session.progress, run.trigger, session.now()):
                raise SyncPaused("the sync is paused, as the POS refused the credentials")
            org = open_org(session, configured, self.open_pos)
            AccountCheck(session, org.accounts).refuse_again()
            missing = store_named(session, org, named)
        except (OrgError, ProviderError) as error:
            session.fail(error)
        except OutOfTime:
            session.fail(ProviderBusy("the POS may not be called again in time"))

        tell_news(session, replace(self.alerts, database=session.database))

        def last() -> list[Update]:
            set_last_state(run, now=session.now())
            again = any(error.owner == Owner.PROVIDER for error in run.errors)
            for event in events:
                if event not in recent:
                    processed[event.key] = _ended(run)
                elif not again:
                    processed[event.key] = _ended(run, missing.of_event(event))
            return webhook_events.processed(
                org_id, processed, run_id=session.run_id, now=session.now()
            )

        session.end(last)
        for outcome, number in Counter(each.state for each in processed.values()).items():
            log.info("webhooks_processed", outcome=outcome, events=number)


def _usual(org: ConfiguredOrg) -> str:
    """The provider of records that no message names one for: such messages are of the time when
    there was Alleaves alone."""
    return ALLEAVES if ALLEAVES in org.providers else org.providers[0]


@dataclass(frozen=True, slots=True)
class NamedRecords:
    """Ids of records, as the POS has them."""

    customer_ids: Collection[str]
    order_ids: Collection[str]
    product_ids: Collection[str]

    @classmethod
    def of(cls, command: SyncRecords, events: Sequence[StoredWebhook]) -> "NamedRecords":
        """Those of a command and of webhooks together."""
        return cls(
            command.customer_ids.union(*(e.customer_ids for e in events)),
            command.order_ids.union(*(e.order_ids for e in events)),
            command.product_ids.union(*(e.product_ids for e in events)),
        )

    def of_event(self, event: StoredWebhook) -> tuple[str, ...]:
        """The ids of those that an event names and does not itself announce the end of."""
        if event.event.endswith(DELETION):
            return ()
        ids = (
            *filter(self.customer_ids.__contains__, event.customer_ids),
            *filter(self.order_ids.__contains__, event.order_ids),
            *filter(self.product_ids.__contains__, event.product_ids),
        )
        return tuple(dict.fromkeys(ids))

    @property
    def streams(self) -> list[str]:
        """The streams that the records belong to."""
        people = ["customers"] if self.customer_ids or self.order_ids else []
        return people + ["orders"] * bool(self.order_ids) + ["products"] * bool(self.product_ids)


NOTHING_NAMED = NamedRecords((), (), ())


def store_named(session: Session, org: OpenOrg, named: NamedRecords) -> NamedRecords:
    """Store the records that changed, an order's customer with it. Failures are noted on the run.
    Returns those that the POS does not have.

    The POS cannot be asked for a single product: stock is listed whole in one call per location,
    so that a named product brings all others along.
    """
    attempt, pos = StreamAttempts(session, named.streams), org.clients
    order_ids = named.order_ids
    found = attempt("orders", lambda: of_each(pos, order_ids, lambda p, i: p.order(i))) or {}
    wanted = {*named.customer_ids, *unknown_buyers(session, found.values())}
    customers = attempt("customers", lambda: of_each(pos, wanted, lambda p, i: p.customer(i))) or {}
    with session.lock:
        store_found(session, customers.values())
        orders = OrderStream(session, StoredCustomers(session, None), org.notify)
        for page in found.values():
            orders.store_page(page, expected=None)
    if named.product_ids:
        sync_streams(session, org, ["products"], allowed=AllowedRemovals())
    missing = NamedRecords(
        _missing(customers) & set(named.customer_ids),
        _missing(found),
        {product_id for product_id in named.product_ids if not _is_listed(session, product_id)},
    )
    if missing.streams:
        log.info(
            "records_not_found",
            customers=len(missing.customer_ids),
            orders=len(missing.order_ids),
            products=len(missing.product_ids),
        )
    return missing


def _missing(pages: Mapping[str, Page[Any]]) -> set[str]:
    return {record_id for record_id, page in pages.items() if not page.rows}


def _is_listed(session: Session, product_id: str) -> bool:
    """Whether the listing that was just stored has the product, readable or not."""
    manifest = session.manifests["products"]
    removed = manifest.mark(product_id) in (None, REMOVED)
    return not removed or manifest.quarantined(product_id) is not None


def _ended(run: Run, missing: tuple[str, ...] = ()) -> Processed:
    if run.errors:
        return Processed(FAILED)
    return Processed(NOT_FOUND, missing) if missing else Processed(DONE)


def _is_recent(event: StoredWebhook, session: Session) -> bool:
    return event.received_at >= session.now() - LEFT_TO_THE_POLL


def _waiting(command: SyncRecords, session: Session) -> list[StoredWebhook]:
    """The command's own webhook, and of the provider's others that wait as many as the run may
    fetch. From the second try on only the own one: what makes a run fail must not keep others
    waiting."""
    waiting = webhook_events.waiting(session.database, session.org_id, limit=WEBHOOKS_PER_RUN)
    found = [event for event in waiting if event.provider == session.provider]
    taken = [event for event in found if event.key == command.webhook_key]
    if session.run.invocations > 1:
        return taken
    named = (command.customer_ids, command.order_ids, command.product_ids)
    left = RECORDS_PER_RUN - sum(map(len, named))
    for event in found:
        if event in taken:
            continue
        if not _is_recent(event, session):
            taken.append(event)
        elif not event.streams and webhook_events.named(event) <= left:
            taken.append(event)
            left -= webhook_events.named(event)
    return taken
