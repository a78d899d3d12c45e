"""A batch of customers: ask the provider, keep the answers, calculate, write what differs."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

from shared.domain.customers import identifies, normal_phone
from shared.domain.loyalty import (
    LoyaltyRules,
    ProviderStatus,
    Reconciliation,
    ledger_of,
    points_from_orders,
    reconcile,
)
from shared.domain.loyalty_work import LoyaltyWork
from shared.domain.spending import OrderFact, fold
from shared.services.loyalty.look_ups import LookUps, LoyaltyContact
from shared.services.loyalty.session import LoyaltySession
from shared.services.runs.failure import run_error
from shared.store import loyalty
from shared.store.database import Document, Write, batched
from shared.store.loyalty_runs import LoyaltyCounts

CUSTOMERS_PER_BATCH = 50
MANY = 200
"""From so many customers on, and from a quarter of an org's, one scan of all orders beats
look-ups; unless a rate limit makes the run last for many invocations."""


@dataclass(frozen=True, slots=True)
class BatchData:
    """What is stored of a batch's customers; those who are gone are missing."""

    ids: Sequence[str]
    customers: Sequence[Document]
    orders: Mapping[str, Mapping[str, OrderFact]]


class BatchReconciler:
    """Works through everybody that a run has something left to do for."""

    def __init__(
        self,
        session: LoyaltySession,
        rules: LoyaltyRules,
        look_ups: LookUps,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._session = session
        self._rules = rules
        self._look_ups = look_ups
        self._pool = pool
        self._orders: loyalty.OrdersByCustomer | None = None
        self._today: date = session.run.started_at.date()

    def work(self) -> None:
        """Do what is left. Raises OutOfTime when the invocation's time or permits are used up;
        what was done until then is kept."""
        batches = self._batches()
        left = sum(map(len, batches))
        if not self._look_ups.limited and left >= max(MANY, len(self._session.state) // 4):
            self._orders = loyalty.orders_of(self._session.database, self._session.org_id, None)
        ahead = self._read_ahead(batches, 0)
        for place in range(len(batches)):
            self._session.deadline.check()
            read, ahead = ahead.result(), self._read_ahead(batches, place + 1)
            self._do(read)
            if self._look_ups.stopped:
                raise self._look_ups.stopped

    def _batches(self) -> list[Sequence[str]]:
        """Ids by their shard of the state, so that a batch rewrites a single one."""
        state = self._session.state
        shards: dict[int, list[str]] = {}
        for customer_id, entry in state.items():
            if entry.work:
                shards.setdefault(state.shard(customer_id), []).append(customer_id)
        return [
            batch
            for ids in map(sorted, shards.values())
            for batch in batched(ids, CUSTOMERS_PER_BATCH)
        ]

    def _read_ahead(self, batches: Sequence[Sequence[str]], place: int) -> Future[BatchData]:
        return self._pool.submit(self._read, batches[place] if place < len(batches) else ())

    def _read(self, ids: Sequence[str]) -> BatchData:
        database, org_id = self._session.database, self._session.org_id
        customers = loyalty.customers(database, org_id, ids)
        orders = self._orders
        if orders is None:
            orders = loyalty.orders_of(database, org_id, [customer.id for customer in customers])
        return BatchData(ids, customers, orders)

    def _do(self, read: BatchData) -> None:
        state = self._session.state
        for customer_id in set(read.ids) - {customer.id for customer in read.customers}:
            state.remove(customer_id)
        self._ask(read.customers)
        writes: list[Write] = []
        for customer in read.customers:
            if state.get(customer.id).work is LoyaltyWork.CALCULATE:
                writes += self._reckon(customer, read.orders.get(customer.id, {}))
        self._session.keep(writes)

    def _ask(self, customers: Sequence[Document]) -> None:
        """Look up those for whom it is asked, and keep the answers before anything else."""
        state, run = self._session.state, self._session.run
        to_ask = [c for c in customers if state.get(c.id).work >= LoyaltyWork.REFRESH]
        if not to_ask:
            return
        answers = self._look_ups.ask([_contact(customer) for customer in to_ask], self._pool)
        for customer_id, answer in answers.items():
            state.put(customer_id, state.get(customer_id).answered(answer, self._today))
            _count(run.counts, answer.status)
        run.alpine_down = self._look_ups.down
        if self._look_ups.error and not run.error:
            run.error = run_error(self._look_ups.error)
        self._session.keep()

    def _reckon(self, customer: Document, orders: Mapping[str, OrderFact]) -> list[Write]:
        session, rules = self._session, self._rules
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
        self._tell(result, ledger_entries=len(writes), updated=update is not None)
        session.state.put(
            customer.id,
            entry.calculated(
                result,
                spent_cents=spent.total_cents,
                orders=spent.order_count,
                equity=equity,
                ledger=digest,
            ),
        )
        return [*writes, update] if update else writes

    def _tell(self, result: Reconciliation, *, ledger_entries: int, updated: bool) -> None:
        counts = self._session.run.counts
        counts.reconciled += result.reconciled
        counts.needs_review += result.needs_review
        counts.ledger_entries += ledger_entries
        counts.updated += updated
        counts.unchanged += not updated


def _contact(customer: Document) -> LoyaltyContact:
    email = customer.fields.get("email")
    phone = customer.fields.get("phone")
    return LoyaltyContact(customer.id, normal_phone(phone), email if identifies(email) else None)


def _count(counts: LoyaltyCounts, status: ProviderStatus) -> None:
    counts.asked += 1
    match status:
        case ProviderStatus.FOUND:
            counts.found += 1
        case ProviderStatus.NO_CONTACT:
            counts.no_contact += 1
        case ProviderStatus.HIDDEN:
            counts.hidden += 1
        case ProviderStatus.UNAVAILABLE:
            counts.unavailable += 1
        case ProviderStatus.NOT_CONFIGURED:
            pass
