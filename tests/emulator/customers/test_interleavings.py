"""Any interleaving of order writes, repeats and deletions ends at the fold of what is stored.

The whole way is walked: an event for each write, delivered in any order and as often as one likes;
named tasks that are taken only once a name and sent once they are due; messages delivered late,
twice, or at once with another computation, which looked before and commits after.
"""

import os
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from cloudevents.http import CloudEvent
from google.cloud.firestore import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.bus.events import document_change
from shared.bus.messages import ComputeSpending, Message
from shared.domain.customer_scores import ScoringScales
from shared.domain.preferences import RecommendationIndex
from shared.domain.segmentation import segment_of
from shared.domain.spending import OrderFact, Spending, fold
from shared.services.spending.compute import SpendingService
from shared.services.spending.order_recompute import OrderRecompute
from shared.services.spending.read import read_snapshot
from shared.services.spending.snapshot import SpendingChange
from shared.store import customers, spending
from shared.store.database import Conflict, Database, Put
from tests.fakes import RecordingLaterPublisher, RecordingPublisher, SteppingClock
from tests.order_events import order_event

EXAMPLES = 300 if os.environ.get("LONG") else 15
CUSTOMERS = {"1": "ada@example.com", "2": "ada@example.com", "3": "noor@example.com"}
ORDERS = ("alleaves_1", "alleaves_2", "web_3", "web_4")


class Interleavings(RuleBasedStateMachine):
    """Orders written by another program, and all that follows, in any order."""

    client: Client

    @initialize()
    def open_shop(self) -> None:
        self.org_id = f"org_{uuid.uuid4().hex}"
        self.database = Database(self.client)
        self.clock = SteppingClock()
        self.orders: dict[str, dict[str, Any]] = {}
        self.events: list[CloudEvent] = []
        self.tasks = RecordingLaterPublisher()
        self.messages: list[Message] = []
        self.looks: list[Sequence[SpendingChange]] = []
        self.recompute = OrderRecompute(self.tasks)
        self.service = SpendingService(
            self.database, RecordingPublisher(), self.clock.now, seconds=60
        )
        self.database.commit(
            [
                Put(f"tenants/{self.org_id}", {"name": "Interleavings"}),
                *(
                    Put(f"tenants/{self.org_id}/customers/{i}", {"id": i, "email": email})
                    for i, email in CUSTOMERS.items()
                ),
            ]
        )

    @rule(
        order_id=st.sampled_from(ORDERS),
        customer_id=st.sampled_from(["1", "2", "3", "404"]),
        cents=st.integers(-2_000, 9_000),
        status=st.sampled_from(["completed", "ready", "cancelled", None]),
    )
    def write(self, order_id: str, customer_id: str, cents: int, status: str | None) -> None:
        """Make, change or move an order."""
        order = {
            "customerId": customer_id,
            "status": status,
            "type": "in_store",
            "total": cents / 100,
            "createdAt": self.clock.now() - timedelta(days=cents % 100),
        }
        self._written(order_id, order)

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self._written(data.draw(st.sampled_from(sorted(self.orders))), None)

    @rule(seconds=st.sampled_from([0.3, 1, 2.5]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.messages += self.tasks.take(self.clock.now())

    @precondition(lambda self: self.events)
    @rule(data=st.data(), again=st.booleans())
    def deliver_event(self, data: st.DataObject, again: bool) -> None:
        """In any order, and perhaps once more later."""
        index = data.draw(st.integers(0, len(self.events) - 1))
        self.recompute(document_change(self.events[index]))
        if not again:
            del self.events[index]

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), again=st.booleans())
    def deliver_message(self, data: st.DataObject, again: bool) -> None:
        index = data.draw(st.integers(0, len(self.messages) - 1))
        self._compute(self.messages[index])
        if not again:
            del self.messages[index]

    @rule(customer_ids=st.sets(st.sampled_from(sorted(CUSTOMERS)), min_size=1))
    def another_computation_looks(self, customer_ids: set[str]) -> None:
        view = read_snapshot(self.database, self.org_id, sorted(customer_ids))
        changes = view.changes(RecommendationIndex(()), ScoringScales(), self.clock.now())
        assert not changes.failed
        self.looks.append(changes.found)

    @precondition(lambda self: self.looks)
    @rule(data=st.data())
    def it_commits_what_it_saw(self, data: st.DataObject) -> None:
        changes = self.looks.pop(data.draw(st.integers(0, len(self.looks) - 1)))
        for change in changes:
            try:
                self.database.commit(change.writes)
            except Conflict:
                continue
            if change.replaces:
                # It is to look again, whenever it comes to that.
                again = ComputeSpending(org_id=self.org_id, customer_ids=change.customer_ids)
                self.messages.append(again)

    def teardown(self) -> None:
        """Let everything under way arrive; then hold what stands there against the orders."""
        if not hasattr(self, "org_id"):
            return
        for event in self.events:
            self.recompute(document_change(event))
        for message in (*self.messages, *self.tasks.take()):
            self._compute(message)
        for customer_id in CUSTOMERS:
            self._check(customer_id)
        for email in set(CUSTOMERS.values()):
            together = sum((self._fold(i) for i, e in CUSTOMERS.items() if e == email), Spending())
            kept = self.database.get(spending.spending_path(self.org_id, email))
            assert customers.spending_in(kept.fields) == together

    def _written(self, order_id: str, order: dict[str, Any] | None) -> None:
        before = self.orders.get(order_id)
        path = f"tenants/{self.org_id}/orders/{order_id}"
        document = self.client.document(path)
        if order is None:
            document.delete()
            del self.orders[order_id]
        else:
            document.set(order)
            self.orders[order_id] = order
        self.events.append(order_event(before, order, path=path, at=self.clock.now()))

    def _compute(self, message: Message) -> None:
        assert isinstance(message, ComputeSpending)
        self.service(message)

    def _check(self, customer_id: str) -> None:
        spent = self._fold(customer_id)
        customer = self.database.get(f"tenants/{self.org_id}/customers/{customer_id}").fields
        own = self.database.get(spending.spending_path(self.org_id, spending.id_key(customer_id)))
        assert customers.spending_in(customer) == customers.spending_in(own.fields) == spent
        right = segment_of(
            order_count=spent.order_count,
            spent_cents=spent.total_cents,
            last_order_at=spent.last_order_at,
            now=self.clock.now(),
        )
        assert customer.get("segment", "new") == right.segment.value

    def _fold(self, customer_id: str) -> Spending:
        return fold(
            OrderFact(
                order["status"], order["type"], round(order["total"] * 100), order["createdAt"]
            )
            for order in self.orders.values()
            if order["customerId"] == customer_id
        )


@pytest.mark.timeout(600)
def test_any_interleaving_ends_at_the_fold_of_what_is_stored(client: Client) -> None:
    class Here(Interleavings):
        pass

    Here.client = client
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
