"""One invocation's work on a loyalty run, a batch of customers at a time: ask the provider, store
the answers, calculate, write what differs."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from shared.batches import batched
from shared.clock import Clock, Deadline
from shared.domain.customers import identifies, normal_phone
from shared.domain.loyalty import (
    LoyaltyRules,
    ProviderStatus,
    ledger_of,
    points_from_orders,
    reconcile,
)
from shared.domain.loyalty_work import LoyaltyWork
from shared.domain.spending import OrderFact, fold
from shared.services.loyalty.look_ups import LookUps, LoyaltyContact
from shared.services.runs.failure import run_error
from shared.services.runs.lifecycle import ActiveRun
from shared.store import loyalty
from shared.store.database import Database, Document, Write, joined
from shared.store.loyalty import OrdersByCustomer
from shared.store.loyalty_runs import LoyaltyProgress, LoyaltyRun, LoyaltyState

CUSTOMERS_PER_BATCH = 50
MANY = 200
"""From so many customers on, and from a quarter of an org's, one scan of all orders costs less than
look-ups; unless a rate limit makes the run last for many invocations."""


@dataclass(frozen=True, slots=True)
class LoyaltySession:
    """What one invocation of a run works with. ``deadline`` and ``until`` are the same moment."""

    active: ActiveRun[LoyaltyRun]
    progress: LoyaltyProgress
    state: LoyaltyState
    clock: Clock
    deadline: Deadline
    until: datetime

    @property
    def org_id(self) -> str:
        return self.active.org_id

    @property
    def run(self) -> LoyaltyRun:
        return self.active.run

    @property
    def database(self) -> Database:
        return self.active.database

    def keep(self, writes: Sequence[Write] = ()) -> None:
        """Commit the writes, the last of them together with the customers' state: after that a
        crash repeats none of it."""
        groups: list[Sequence[Write]] = [*((write,) for write in writes), *self.state.take_writes()]
        *parts, last = [*joined(groups)] or [[]]
        for part in parts:
            self.active.commit(part)
        self.active.checkpoint(last)


@dataclass(slots=True)
class BatchReconciler:
    """Works through all customers that have work left in this run."""

    session: LoyaltySession
    rules: LoyaltyRules
    look_ups: LookUps
    pool: ThreadPoolExecutor
    all_orders: OrdersByCustomer | None = None

    def work(self) -> None:
        """Do what is left. Raises OutOfTime when the invocation's time or permits are used up;
        what was done until then is stored."""
        session, batches = self.session, list(self._batches())
        left = sum(map(len, batches))
        if not self.look_ups.limited and left >= max(MANY, len(session.state) // 4):
            self.all_orders = loyalty.orders_of(session.database, session.org_id, None)
        following = iter([*batches, []])
        ahead = self.pool.submit(self._read, next(following))
        for ids in batches:
            session.deadline.check()
            customers, orders = ahead.result()
            ahead = self.pool.submit(self._read, next(following))
            for gone in set(ids) - {customer.id for customer in customers}:
                session.state.remove(gone)
            self._ask(customers)
            session.keep(self._calculate_all(customers, orders))
            if self.look_ups.stopped:
                raise self.look_ups.stopped

    def _batches(self) -> Iterator[list[str]]:
        """Ids by their shard of the state, so that a batch rewrites a single shard."""
        state = self.session.state
        shards: dict[int, list[str]] = {}
        for customer_id, entry in state.items():
            if entry.work:
                shards.setdefault(state.shard(customer_id), []).append(customer_id)
        for ids in shards.values():
            yield from batched(sorted(ids), CUSTOMERS_PER_BATCH)

    def _read(self, ids: Sequence[str]) -> tuple[list[Document], OrdersByCustomer]:
        """Those of the customers that still exist, and their orders."""
        database, org_id = self.session.database, self.session.org_id
        customers = loyalty.customers(database, org_id, ids)
        if self.all_orders is not None:
            return customers, self.all_orders
        return customers, loyalty.orders_of(database, org_id, [each.id for each in customers])

    def _ask(self, customers: Sequence[Document]) -> None:
        """Look up the customers marked for it, and store the answers before anything else."""
        state, run = self.session.state, self.session.run
        to_ask = [c for c in customers if state.get(c.id).work >= LoyaltyWork.REFRESH]
        if not to_ask:
            return
        today = run.started_at.date()
        answers = self.look_ups.ask([_contact(customer) for customer in to_ask], self.pool)
        for customer_id, answer in answers.items():
            state.put(customer_id, state.get(customer_id).answered(answer, today))
            run.counts.asked += 1
            run.counts.found += answer.status is ProviderStatus.FOUND
            run.counts.no_contact += answer.status is ProviderStatus.NO_CONTACT
            run.counts.hidden += answer.status is ProviderStatus.HIDDEN
            run.counts.unavailable += answer.status is ProviderStatus.UNAVAILABLE
        run.alpine_down = self.look_ups.down
        if self.look_ups.error and not run.error:
            run.error = run_error(self.look_ups.error)
        self.session.keep()

    def _calculate_all(
        self, customers: Sequence[Document], orders: OrdersByCustomer
    ) -> list[Write]:
        return [
            write
            for customer in customers
            if self.session.state.get(customer.id).work is LoyaltyWork.CALCULATE
            for write in self._calculate(customer, orders.get(customer.id, {}))
        ]

    def _calculate(self, customer: Document, orders: Mapping[str, OrderFact]) -> list[Write]:
        session, rules = self.session, self.rules
        entry = session.state.get(customer.id)
        equity = customer.fields.get("socialEquity") is True
        spent = fold(orders.values())
        points = points_from_orders(spent.total_cents, rules, social_equity=equity)
        result = reconcile(points, entry.answer, rules)
        entries = ledger_of(orders, rules, social_equity=equity)
        digest = loyalty.ledger_digest(entries)
        writes: list[Write] = []
        if digest != entry.ledger:
            before: Mapping[str, Mapping[str, object]] = {}
            if "pointsFromOrders" in customer.fields:
                before = loyalty.stored_ledger(session.database, session.org_id, customer.id)
            writes += loyalty.ledger_writes(session.org_id, customer.id, before, entries)
        update = loyalty.update(session.org_id, customer, result, session.clock())
        counts = session.run.counts
        counts.reconciled += result.reconciled
        counts.needs_review += result.needs_review
        counts.ledger_entries += len(writes)
        counts.updated += update is not None
        counts.unchanged += update is None
        done = entry.calculated(
            result,
            spent_cents=spent.total_cents,
            orders=spent.order_count,
            equity=equity,
            ledger=digest,
        )
        session.state.put(customer.id, done)
        return [*writes, update] if update else writes


def _contact(customer: Document) -> LoyaltyContact:
    email = customer.fields.get("email")
    phone = customer.fields.get("phone")
    return LoyaltyContact(customer.id, normal_phone(phone), email if identifies(email) else None)
