"""Orgs that are synced, their accounts at a simulated Alpine IQ, and the loyalty run between."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from google.cloud.firestore import Client

from deploy.local.simulator.server import Server
from shared.bus.messages import ComputeSpending, Loyalty, Message
from shared.bus.publisher import LaterPublisher, Publisher
from shared.clock import Clock, utc_now
from shared.domain.customers import identifies, normal_phone
from shared.loyalty.port import LoyaltyProvider, ProviderSettings
from shared.outbound.credentials import SecretResolver
from shared.outbound.session import HttpSession, HttpSettings
from shared.services.loyalty.reconcile import LoyaltyReconcile
from shared.store import paths
from shared.store.database import Database
from shared.store.lease import HeldLease, acquire
from tests.emulator.sync.world import Outbox, World

QUICK = HttpSettings(read_seconds=2, total_seconds=20, attempts=2, backoff_seconds=0.01)
SECRETS = SecretResolver(lambda resource: resource, "sync-sam-test")
VOLATILE = ("pointsLastCalculated", "updatedAt")


class Waiting(LaterPublisher):
    """Messages that are to be delivered after a while."""

    def __init__(self) -> None:
        self.messages: list[tuple[Loyalty, datetime]] = []

    def publish(self, message: Message, *, at: datetime, once: str) -> bool:
        assert isinstance(message, Loyalty)
        self.messages.append((message, at))
        return True

    def take(self) -> list[Loyalty]:
        taken, self.messages = self.messages, []
        return [message for message, _ in taken]


class LoyaltyWorld(World):
    """A world whose orgs have loyalty programmes."""

    def __init__(self, client: Client, pos: Server) -> None:
        super().__init__(client, pos)
        self.asked: Publisher = Outbox()
        self.waiting = Waiting()
        self._alpine_http = HttpSession(QUICK)
        self._loyalty_runs = itertools.count(1)
        for org in pos.simulation.orgs:
            tenant = org.tenant_document(pos.url)
            client.document(f"tenants/{tenant['id']}").set(tenant["document"])

    def stored(self, org_id: str) -> None:
        """Sync the org and compute its spending."""
        assert self.sync(org_id)["state"] == "succeeded"
        self.spending_asked.take()
        self.spending(ComputeSpending(org_id=org_id))

    def respend(self, org_id: str, customer_id: str) -> None:
        """Compute one customer's spending."""
        self.spending(ComputeSpending(org_id=org_id, customer_ids=(customer_id,)))

    def loyalty(
        self,
        *,
        seconds: float = 60,
        lease_seconds: float = 60,
        database: Database | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> LoyaltyReconcile:
        """A service as an instance of ``loyalty_reconcile`` has one."""
        return LoyaltyReconcile(
            database=database or self.database,
            open_provider=self.open_provider,
            alerts=self.alerts,
            continuation=self.asked,
            later=self.waiting,
            clock=clock or self.now,
            seconds=seconds,
            lease_ttl=timedelta(seconds=lease_seconds),
            sleep=sleep,
        )

    def begin(self, org_id: str, run_id: str) -> None:
        """The first invocation of a run, without its continuations."""
        self.loyalty()(Loyalty(org_id=org_id, run_id=run_id), "message-1")

    def go_on(self, *messages: Loyalty) -> None:
        """Deliver the messages, and all continuations that are due at once."""
        due = [*messages, *self._continued()]
        while due:
            self.loyalty()(due.pop(), "message-2")
            due += self._continued()

    def reconcile(
        self,
        org_id: str,
        *,
        seconds: float = 60,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
        **fields: Any,
    ) -> dict[str, Any]:
        """One run with all its continuations; the run's document."""
        run_id = fields.pop("run_id", f"loyalty-{next(self._loyalty_runs)}")
        service = self.loyalty(seconds=seconds, clock=clock, sleep=sleep)
        service(Loyalty(org_id=org_id, run_id=run_id, **fields), "message-1")
        while waiting := [*self._continued(), *self.waiting.take()]:
            for message in waiting:
                service(message, "message-2")
        return self.document(f"tenants/{org_id}/loyalty_runs/{run_id}")

    def points(self, org_id: str) -> dict[str, dict[str, Any]]:
        """Every customer, and every ledger, without what tells when they were written."""
        customers = self.documents(f"tenants/{org_id}/customers")
        found = {
            customer_id: {name: v for name, v in fields.items() if name not in VOLATILE}
            for customer_id, fields in customers.items()
        }
        for entry in self.client.collection_group("points_ledger").stream():
            customer_id = entry.reference.path.split("/")[3]
            found[customer_id].setdefault("ledger", {})[entry.id] = entry.to_dict()
        return found

    def contacts(self, org_id: str) -> list[dict[str, Any]]:
        """The org's contacts at Alpine IQ."""
        return list(self.pos.simulation.orgs.get(org_id).alpine.contacts)

    def look_ups(self, org_id: str) -> list[dict[str, Any]]:
        """Every call of the org to Alpine IQ."""
        return self.pos.simulation.orgs.get(org_id).alpine.calls()

    def calls_of_one_pass(self, org_id: str) -> int:
        """How many calls it takes to look everybody up once."""
        known = self.pos.simulation.orgs.get(org_id).alpine.contacts
        calls = 0
        for customer in self.documents(f"tenants/{org_id}/customers").values():
            phone, email = normal_phone(customer.get("phone")), customer["email"]
            calls += bool(phone)
            calls += identifies(email) and not (phone and known.find(phone, None))
        return calls

    @contextmanager
    def holding(self, org_id: str, run_id: str) -> Iterator[None]:
        """Another worker is at a run of the org meanwhile."""
        held = acquire(
            self.database,
            paths.loyalty_lease(org_id),
            run_id=run_id,
            holder="another worker",
            ttl=timedelta(seconds=60),
            first_writes=lambda _: [],
        )
        assert isinstance(held, HeldLease)
        yield
        held.release([])

    def expire_lease(self, org_id: str) -> None:
        """Let the lease's time be up."""
        lease = self.client.document(paths.loyalty_lease(org_id))
        lease.update({"expiresAt": utc_now() - timedelta(seconds=1)})

    def open_provider(
        self, account: ProviderSettings, admit: Callable[[], None], deadline: datetime
    ) -> LoyaltyProvider:
        return account.open(self._alpine_http, SECRETS, admit=admit, deadline=deadline)

    def _continued(self) -> list[Loyalty]:
        assert isinstance(self.asked, Outbox)
        return [message for message in self.asked.take() if isinstance(message, Loyalty)]
