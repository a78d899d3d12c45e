"""The loyalty run between orgs that are synced and their accounts at a simulated Alpine IQ."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from deploy.local.simulator.alpine.account import AlpineAccount
from shared.bus.messages import ComputeSpending, Loyalty
from shared.clock import Clock, utc_now
from shared.domain.customers import identifies, normal_phone
from shared.loyalty.port import LoyaltyProvider, ProviderSettings
from shared.outbound.credentials import SecretResolver
from shared.outbound.destinations import Destinations
from shared.outbound.session import HttpSession, HttpSettings
from shared.services.loyalty.reconcile import LoyaltyReconcile
from shared.store import paths
from shared.store.database import Database
from shared.store.lease import HeldLease, acquire
from tests.emulator.environment import Environment
from tests.fakes import RecordingLaterPublisher, RecordingPublisher

QUICK = HttpSettings(read_seconds=2, total_seconds=20, attempts=2, backoff_seconds=0.01)
SECRETS = SecretResolver(lambda resource: resource, "sync-sam-test", plain_text=True)
WINDOW = timedelta(hours=6)
VOLATILE = ("pointsLastCalculated", "updatedAt")


class LoyaltyRunner:
    """The ``loyalty_reconcile`` function, and the topic and queue by which it continues runs."""

    def __init__(self, environment: Environment) -> None:
        self.continuations = RecordingPublisher()
        self.scheduled = RecordingLaterPublisher()
        self._environment = environment
        self._http = HttpSession(QUICK, Destinations(loopback=True))
        self._run_numbers = itertools.count(1)
        self.write_tenants()

    def write_tenants(self) -> None:
        """Configure every org's account at Alpine IQ."""
        server = self._environment.server
        for org in server.simulation.orgs:
            tenant = org.tenant_document(server.url)
            path = f"tenants/{tenant['id']}"
            self._environment.client.document(path).set(tenant["document"])

    def prepare(self, org_id: str) -> None:
        """Sync the org and compute its spending."""
        assert self._environment.sync.run(org_id)["state"] == "succeeded"
        self._environment.spending.requests.take()
        self.compute_spending(org_id)

    def compute_spending(self, org_id: str, *customer_ids: str) -> None:
        """Of these customers, or of all."""
        message = ComputeSpending(org_id=org_id, customer_ids=customer_ids or None)
        self._environment.spending.service(message)

    def service(
        self,
        *,
        seconds: float = 60,
        window: timedelta = WINDOW,
        lease_seconds: float = 60,
        database: Database | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> LoyaltyReconcile:
        """A service as an instance of the function has one."""
        return LoyaltyReconcile(
            database=database or self._environment.database,
            open_provider=self.open_provider,
            alerts=self._environment.alerts,
            continuation=self.continuations,
            later=self.scheduled,
            clock=clock or self._environment.clock.now,
            seconds=seconds,
            window=window,
            lease_ttl=timedelta(seconds=lease_seconds),
            sleep=sleep,
        )

    def run(self, org_id: str, run_id: str) -> None:
        """One run with all continuations that are due at once."""
        self.deliver(Loyalty(org_id=org_id, run_id=run_id))

    def deliver(self, *messages: Loyalty) -> None:
        """Deliver the messages, and all continuations that are due at once."""
        due = list(messages)
        while due:
            self.service()(due.pop(), "message-1")
            due += self._take(self.continuations)

    def reconcile(
        self,
        org_id: str,
        *,
        seconds: float = 60,
        window: timedelta = WINDOW,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
        **fields: Any,
    ) -> dict[str, Any]:
        """One run with all its continuations, due or not; the run's document."""
        run_id = fields.pop("run_id", f"loyalty-{next(self._run_numbers)}")
        service = self.service(seconds=seconds, window=window, clock=clock, sleep=sleep)
        service(Loyalty(org_id=org_id, run_id=run_id, **fields), "message-1")
        while messages := [*self._take(self.continuations), *self._take(self.scheduled)]:
            for message in messages:
                service(message, "message-2")
        return self._environment.store.document(f"tenants/{org_id}/loyalty_runs/{run_id}")

    def take_scheduled(self) -> list[Loyalty]:
        """The messages that are to be delivered later."""
        return self._take(self.scheduled)

    def points(self, org_id: str) -> dict[str, dict[str, Any]]:
        """Every customer with the ledger, without when they were written."""
        customers = self._environment.store.documents(f"tenants/{org_id}/customers")
        found = {
            customer_id: {name: v for name, v in fields.items() if name not in VOLATILE}
            for customer_id, fields in customers.items()
        }
        for entry in self._environment.client.collection_group("points_ledger").stream():
            customer_id = entry.reference.path.split("/")[3]
            found[customer_id].setdefault("ledger", {})[entry.id] = entry.to_dict()
        return found

    def alpine(self, org_id: str) -> AlpineAccount:
        """The org's account at Alpine IQ."""
        return self._environment.server.simulation.orgs.get(org_id).alpine

    def look_ups(self, org_id: str) -> list[dict[str, Any]]:
        """Every call of the org to Alpine IQ."""
        return self.alpine(org_id).calls()

    def calls_of_one_pass(self, org_id: str) -> int:
        """How many calls it takes to look all customers up once."""
        contacts = self.alpine(org_id).contacts
        calls = 0
        for customer in self._environment.store.documents(f"tenants/{org_id}/customers").values():
            phone, email = normal_phone(customer.get("phone")), customer["email"]
            calls += bool(phone)
            calls += identifies(email) and not (phone and contacts.find(phone, None))
        return calls

    @contextmanager
    def lease_held(self, org_id: str, run_id: str) -> Iterator[None]:
        """Another worker is at a run of the org meanwhile."""
        held = acquire(
            self._environment.database,
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
        lease = self._environment.client.document(paths.loyalty_lease(org_id))
        lease.update({"expiresAt": utc_now() - timedelta(seconds=1)})

    def open_provider(
        self,
        account: ProviderSettings,
        org_id: str,
        admit: Callable[[], None],
        deadline: datetime,
    ) -> LoyaltyProvider:
        return account.open(org_id, self._http, SECRETS, admit=admit, deadline=deadline)

    def _take(self, queue: RecordingPublisher | RecordingLaterPublisher) -> list[Loyalty]:
        return [message for message in queue.take() if isinstance(message, Loyalty)]
