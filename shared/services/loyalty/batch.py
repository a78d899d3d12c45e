"""One invocation's work on a loyalty run, a batch of customers at a time: ask the provider, store
the answers, calculate, write what differs."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
from shared.domain.loyalty_work import LoyaltyWork, is_ledger_day
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
        session = self.session
        following = self._batches()
        left = sum(self._needs_orders(customer_id) for customer_id, _ in session.state.items())
        if not self.look_ups.limited and left >= max(MANY, len(session.state) // 4):
            self.all_orders = loyalty.orders_of(session.database, session.org_id, None)
        ids = next(following, [])
        ahead = self._read_ahead(ids)
        while ids:
            session.deadline.check()
            customers, orders = ahead.result()
            upcoming = next(following, [])
            ahead = self._read_ahead(upcoming)
            for gone in set(ids) - {customer.id for customer in customers}:
                session.state.remove(gone)
            self._ask(customers)
            session.keep(self._calculate_all(customers, orders))
            if self.look_ups.stopped:
                raise self.look_ups.stopped
            ids = upcoming

    def _batches(self) -> Iterator[list[str]]:
        """Ids of those with work left, in turn. Those of one turn go by their shard of the state,
        so that a batch rewrites a single shard."""
        state = self.session.state
        turns: dict[tuple[tuple[bool, int], int], list[str]] = {}
        for customer_id, entry in state.items():
            if entry.work:
                turns.setdefault((entry.turn, state.shard(customer_id)), []).append(customer_id)
        for _, ids in sorted(turns.items()):
            for batch in batched(sorted(ids), CUSTOMERS_PER_BATCH):
                if left := [customer_id for customer_id in batch if state.get(customer_id).work]:
                    yield left

    def _needs_orders(self, customer_id: str) -> bool:
        """Whether a customer's points may be others than those that are kept: else they are
        compared with the provider's without reading any order."""
        entry = self.session.state.get(customer_id)
        day = self.session.run.started_at.date()
        changed = bool(entry.work & LoyaltyWork.CALCULATE)
        return changed or (bool(entry.work) and is_ledger_day(customer_id, day))

    def _read_ahead(self, ids: Sequence[str]) -> "Future[tuple[list[Document], OrdersByCustomer]]":
        with_orders = [customer_id for customer_id in ids if self._needs_orders(customer_id)]
        return self.pool.submit(self._read, ids, with_orders)

    def _read(
        self, ids: Sequence[str], with_orders: Sequence[str]
    ) -> tuple[list[Document], OrdersByCustomer]:
        """Those of the customers that still exist, and the orders of some."""
        database, org_id = self.session.database, self.session.org_id
        customers = loyalty.customers(database, org_id, ids)
        orders = self.all_orders
        if orders is None:
            orders = loyalty.orders_of(database, org_id, with_orders)
        return customers, {customer_id: orders.get(customer_id, {}) for customer_id in with_orders}

    def _ask(self, customers: Sequence[Document]) -> None:
        """Look up the customers marked for it, and store the answers before anything else."""
        state, run = self.session.state, self.session.run
        to_ask = [c for c in customers if state.get(c.id).work & LoyaltyWork.ASK]
        if not to_ask:
            return
        today, errors = run.started_at.date(), self.look_ups.errors
        contacts = [_contact(customer) for customer in to_ask]
        answers = self.look_ups.ask(contacts, self.pool, self.session.clock())
        for customer_id, answer in answers.items():
            state.put(customer_id, state.get(customer_id).answered(answer, today))
            run.counts.asked += 1
            run.counts.found += answer.status is ProviderStatus.FOUND
            run.counts.no_contact += answer.status is ProviderStatus.NO_CONTACT
            run.counts.hidden += answer.status is ProviderStatus.HIDDEN
            run.counts.unavailable += answer.status is ProviderStatus.UNAVAILABLE
        run.alpine_down = self.look_ups.down
        run.provider_errors += self.look_ups.errors - errors
        if self.look_ups.over:
            self._postpone()
        if self.look_ups.error and not run.error:
            run.error = run_error(self.look_ups.error)
        self.session.keep()

    def _postpone(self) -> None:
        """Leave all who are still to be asked about to a later run."""
        state, counts = self.session.state, self.session.run.counts
        for customer_id, entry in state.items():
            if entry.work & LoyaltyWork.ASK:
                state.put(customer_id, entry.postponed())
                counts.postponed += 1

    def _calculate_all(
        self, customers: Sequence[Document], orders: OrdersByCustomer
    ) -> list[Write]:
        return [
            write
            for customer in customers
            if self.session.state.get(customer.id).work == LoyaltyWork.CALCULATE
            for write in self._calculate(customer, orders.get(customer.id))
        ]

    def _calculate(self, customer: Document, orders: Mapping[str, OrderFact] | None) -> list[Write]:
        """The writes for a customer; without ``orders``, from what is kept of them."""
        session, rules = self.session, self.rules
        entry = session.state.get(customer.id)
        writes: list[Write] = []
        if orders is not None:
            equity = customer.fields.get("socialEquity") is True
            entries = ledger_of(orders, rules, social_equity=equity)
            digest, spent = loyalty.ledger_digest(entries), fold(orders.values())
            if digest != entry.ledger:
                before: Mapping[str, Mapping[str, object]] = {}
                if "pointsFromOrders" in customer.fields:
                    before = loyalty.stored_ledger(session.database, session.org_id, customer.id)
                writes += loyalty.ledger_writes(session.org_id, customer.id, before, entries)
            entry = entry.made_from(
                spent_cents=spent.total_cents,
                orders=spent.order_count,
                equity=equity,
                ledger=digest,
            )
        points = points_from_orders(entry.spent_cents, rules, social_equity=entry.equity)
        result = reconcile(points, entry.answer, rules)
        changed = loyalty.changed_fields(customer, result)
        counts = session.run.counts
        counts.compared += result.points_from_provider is not None
        counts.discrepancy += result.discrepancy
        counts.reconciled += result.reconciled
        counts.needs_review += result.needs_review
        counts.ledger_entries += len(writes)
        counts.updated += bool(changed)
        counts.unchanged += not changed
        session.state.put(customer.id, entry.calculated(result))
        return [*writes, loyalty.update(session.org_id, customer.id, changed, session.clock())]


def _contact(customer: Document) -> LoyaltyContact:
    email = customer.fields.get("email")
    phone = customer.fields.get("phone")
    return LoyaltyContact(customer.id, normal_phone(phone), email if identifies(email) else None)
