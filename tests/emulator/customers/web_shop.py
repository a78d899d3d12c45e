"""An org with a Lightspeed till and a web shop, in the Firestore emulator: what its syncs and
imports store, and what each customer must have spent by a model that is told the same."""

import io
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from google.cloud.firestore import Client

from shared.bus.messages import ComputeSpending
from shared.clock import Deadline
from shared.domain.customers import Customer
from shared.domain.orders import Channel, Order, OrderStatus
from shared.domain.providers import LIGHTSPEED
from shared.domain.runs import RunState
from shared.pos.lightspeed.ecom_export import BadRow, ExportContext, read_export
from shared.pos.port import page_of
from shared.services.ecom.importing import EcomImport, ImportReport
from shared.services.runs import lifecycle
from shared.services.runs.lifecycle import ActiveRun
from shared.services.spending.compute import SpendingService
from shared.services.sync.customers import StoredCustomers, store_customers
from shared.services.sync.orders import OrderStream
from shared.services.sync.records import StreamRecords
from shared.services.sync.session import Session
from shared.store.database import Database
from shared.store.runs import Run
from tests.ecom_export import ZONE, ExportedOrder, export
from tests.fakes import START, RecordingPublisher, SteppingClock
from tests.sample_orders import sample_order


def customer(customer_id: str, email: str, phone: str | None = None) -> Customer:
    """A customer of the till."""
    return Customer(
        id=customer_id,
        email=email,
        first_name="Ada",
        last_name="L",
        phone=phone,
        date_of_birth=None,
        user_id=None,
        loyalty_points=0,
        created_at=None,
        source="lightspeed",
    )


def sale(
    sale_id: str, customer_id: str, cents: int, *, number: str | None = None, **fields: Any
) -> Order:
    """A sale of the till; with a ``number`` that of an eCom order."""
    return sample_order(
        START - timedelta(days=2),
        external_id=sale_id,
        source="lightspeed",
        pos_customer_id=customer_id,
        total_cents=cents,
        channel=Channel.ECOM if number else Channel.RETAIL,
        ecom_number=number,
        **fields,
    )


@dataclass
class ShopModel:
    """What is to be spent: by plain sets, without any of the product's code."""

    customers: dict[str, Customer] = field(default_factory=dict)
    sales: dict[str, Order] = field(default_factory=dict)
    exported: dict[int, ExportedOrder] = field(default_factory=dict)
    superseded: set[int] = field(default_factory=set)

    def settle(self) -> None:
        """After an import or a sync: what has come together."""
        for number, order in self.exported.items():
            for each in self.sales.values():
                if str(number) == each.ecom_number or order.sale_id == each.external_id:
                    self.superseded.add(number)

    def cents_of(self, customer_id: str) -> int:
        """What the customer has spent."""
        taken = (OrderStatus.COMPLETED, OrderStatus.READY)
        sold = sum(
            each.total_cents
            for each in self.sales.values()
            if each.pos_customer_id == customer_id and each.status in taken
        )
        return sold + sum(
            order.total
            for number, order in self.exported.items()
            if number not in self.superseded
            and order.payment == "Paid"
            and self.owner(order) == customer_id
        )

    def owner(self, order: ExportedOrder) -> str | None:
        """The customer that an exported order is of, once all is matched."""
        for known in (
            [c.id for c in self.customers.values() if c.email == order.email.lower()],
            [c.id for c in self.customers.values() if order.phone and c.phone == order.phone],
        ):
            if known:
                return min(known)
        return None


class WebShop:
    """The org, with all that works on it."""

    def __init__(self, client: Client, org_id: str = "org_shop") -> None:
        self.org_id = org_id
        self.client = client
        self.database = Database(client)
        self.clock = SteppingClock(START)
        self.requests = RecordingPublisher()
        self.spending = SpendingService(self.database, self.requests, self.clock.now, seconds=60)
        self.importer = EcomImport(self.database, self.requests, self.clock.now)
        self.bad_rows: list[BadRow] = []
        self._runs = itertools.count(1)
        client.document(f"tenants/{org_id}").set({"name": "Shop"})

    def context(self, exported: Iterable[ExportedOrder]) -> ExportContext:
        text = export(exported)
        return ExportContext(lambda: io.StringIO(text, newline=""), ZONE, "main", self.clock.now())

    def import_(self, *exported: ExportedOrder, dry_run: bool = False) -> ImportReport:
        """Import an export of these orders."""
        found = read_export(self.context(exported))
        return self.importer(self.org_id, found, self.bad_rows.append, dry_run=dry_run)

    def session(self, run_id: str | None = None) -> tuple[ActiveRun[Run], Session]:
        """A sync that begins, or goes on after its worker has died."""
        opened = lifecycle.open_run(
            lifecycle.SYNC,
            self.database,
            self.org_id,
            run_id or f"run-{next(self._runs)}",
            Run(state=RunState.RUNNING, trigger="cron", started_at=self.clock.now()),
            clock=self.clock.now,
            lease_ttl=timedelta(seconds=60),
        )
        assert isinstance(opened, ActiveRun)
        return opened, Session(
            opened,
            provider=LIGHTSPEED,
            spending=self.requests,
            clock=self.clock.now,
            deadline=Deadline(60),
        )

    def sync(
        self,
        customers: Sequence[Customer] = (),
        sales: Sequence[Order] = (),
        run_id: str | None = None,
    ) -> None:
        """One run that lists these."""
        opened, session = self.session(run_id)
        with opened, session:
            store(session, customers, sales)
            session.end()

    def compute(self) -> None:
        """Compute what was asked for, and what is asked for meanwhile."""
        while requested := self.requests.take():
            for message in requested:
                assert isinstance(message, ComputeSpending)
                self.spending(message)

    def cents(self, customer_id: str) -> int:
        """What the customer has spent, as stored."""
        self.compute()
        spent: float = self.document(f"customers/{customer_id}").get("totalSpent", 0)
        return round(100 * spent)

    def order(self, number: int) -> dict[str, Any]:
        return self.document(f"orders/ecom_{number}")

    def skipped(self) -> set[str]:
        found = self.client.collection(f"tenants/{self.org_id}/skipped_orders").stream()
        return {each.id for each in found}

    def figures(self) -> dict[str, int]:
        found: dict[str, int] = self.document("integrations/pos").get("ecom", {})
        return found

    def document(self, path: str) -> dict[str, Any]:
        return self.client.document(f"tenants/{self.org_id}/{path}").get().to_dict() or {}


def store(session: Session, customers: Sequence[Customer], sales: Sequence[Order]) -> None:
    """What a run does with one page of each."""
    with session.lock:
        store_customers(session, StreamRecords(session, "customers"), customers)
        stream = OrderStream(session, StoredCustomers(session, None))
        stream.store_page(page_of(1, sales, total=None, requests=1, last=True), expected=None)


def cancelled(order: Order) -> Order:
    """The sale, voided."""
    return replace(order, status=OrderStatus.CANCELLED, pos_status="VOIDED")
