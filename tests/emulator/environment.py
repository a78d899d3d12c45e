"""Orgs at a simulated POS and the services that keep Firestore the same, in one process.

Each service is constructed in one place here. Tests ask for the parts as fixtures (conftest.py).
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client
from pydantic import SecretStr

from deploy.local.simulator.lightspeed.server import LightspeedServer
from deploy.local.simulator.server import Server
from deploy.local.simulator.spec import OrgSpec
from shared.bus.messages import ComputeSpending, PosSync
from shared.bus.publisher import Publisher
from shared.clock import utc_now
from shared.domain.runs import RunState
from shared.outbound.credentials import TokenCache
from shared.outbound.destinations import Destinations
from shared.outbound.session import HttpSession, HttpSettings
from shared.pos import registry
from shared.pos.config import Location
from shared.pos.port import PosClient
from shared.pos.registry import PosAccount
from shared.services.alerts import Alerts
from shared.services.runs import lifecycle
from shared.services.runs.lifecycle import ActiveRun
from shared.services.spending.compute import SpendingService
from shared.services.spending.requests import OutstandingSpending
from shared.services.sync.commands import RefreshSales, SyncOrg, command_of
from shared.services.sync.dry_run import DryRun
from shared.services.sync.org import OrgSync
from shared.services.sync.sales_refresh import SalesRefresh, SalesRefreshPlan
from shared.services.sync.targeted import TargetedSync
from shared.services.watchdog import Watchdog
from shared.store.database import Database
from shared.store.runs import Run
from tests.fakes import (
    DatabaseFailingAtPath,
    OffsetClock,
    RecordingLaterPublisher,
    RecordingNotifier,
    RecordingPublisher,
)
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

QUICK = HttpSettings(read_seconds=2, total_seconds=6, attempts=3, backoff_seconds=0.01)
SMALL = OrgSpec(id="org_test", customers=205, orders=160, products=60, rows=70, seed=5)
"""Listed in three pages of customers; so many new ones that spending is computed of everybody."""
PRODUCTS_ONLY = SMALL.model_copy(update={"customers": 4, "orders": 4})
"""The same products, with hardly any customers and orders."""


class OrgConfig:
    """The ``locations`` documents, by which people configure orgs."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def add_locations(self, pos: Server | LightspeedServer) -> None:
        """Point every org of the POS at it."""
        for location in pos.locations():
            self._client.document(f"locations/{location['id']}").set(location["document"])

    def location(self) -> dict[str, Any]:
        """The first location."""
        first = next(iter(self._client.collection("locations").list_documents()))
        return first.get().to_dict() or {}

    def update_locations(self, **pos_config: Any) -> None:
        """Change these fields of ``posConfig`` of every location."""
        for location in self._client.collection("locations").list_documents():
            location.update({f"posConfig.{name}": value for name, value in pos_config.items()})


class PosConnector:
    """Opens the POS accounts of locations."""

    def __init__(self) -> None:
        self._http = HttpSession(QUICK, Destinations(loopback=True))
        self._tokens = TokenCache(utc_now)

    def open(self, location: Location) -> PosClient:
        return self.open_account(location).client

    def open_account(self, location: Location) -> PosAccount:
        return registry.open_account(location, self._http, self._tokens, utc_now)


class SpendingRunner:
    """The ``spending`` function, and the topic by which it is asked."""

    def __init__(self, database: Database) -> None:
        self.requests = RecordingPublisher()
        self.service = SpendingService(database, self.requests, utc_now, seconds=60)

    def compute_requested(self) -> None:
        """Compute what was asked for, and what is asked for meanwhile."""
        while requested := self.requests.take():
            for message in requested:
                assert isinstance(message, ComputeSpending)
                self.service(message)


class SalesRunner:
    """Refreshes of what is on sale, and the queue in which they are planned."""

    def __init__(self, database: Database, clock: OffsetClock) -> None:
        self.scheduled = RecordingLaterPublisher()
        self.plan = SalesRefreshPlan(self.scheduled, clock.now)
        self.service = SalesRefresh(database, self.plan, clock.now, timedelta(seconds=60))
        self._clock = clock

    def take_due(self) -> list[PosSync]:
        """The messages of the refreshes that are due."""
        due = self.scheduled.take(self._clock.now())
        return [message for message in due if isinstance(message, PosSync)]

    def refresh(self, message: PosSync) -> None:
        """Do the refresh that a message asks for."""
        command = command_of(message)
        assert isinstance(command, RefreshSales)
        self.service(command)

    def refresh_due(self) -> int:
        """Do the refreshes that are due; how many those were."""
        due = self.take_due()
        for message in due:
            self.refresh(message)
        return len(due)


@dataclass(frozen=True)
class SyncRunner:
    """The ``org_sync`` function, and the topic by which it continues its runs."""

    database: Database
    store: StoredDocuments
    connector: PosConnector
    alerts: Alerts
    clock: OffsetClock
    spending: SpendingRunner
    sales: SalesRunner
    continuations: RecordingPublisher = field(default_factory=RecordingPublisher)
    run_numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def service(
        self,
        *,
        seconds: float = 60,
        lease_seconds: float = 60,
        database: Database | None = None,
        spending: Publisher | None = None,
    ) -> OrgSync:
        """A service as an instance of the function has one."""
        return OrgSync(
            database=database or self.database,
            open_pos=self.connector.open,
            spending=spending or self.spending.requests,
            continuation=self.continuations,
            alerts=self.alerts,
            refreshes=self.sales.plan,
            clock=self.clock.now,
            seconds=seconds,
            lease_ttl=timedelta(seconds=lease_seconds),
        )

    def targeted(self, pos_sync: Publisher) -> TargetedSync:
        """The function's service for named records."""
        return TargetedSync(
            database=self.database,
            open_pos=self.connector.open,
            spending=self.spending.requests,
            pos_sync=pos_sync,
            alerts=self.alerts,
            clock=self.clock.now,
            seconds=60,
            lease_ttl=timedelta(seconds=60),
        )

    def dry_run(self, seconds: float = 60) -> DryRun:
        """The function's service for reports."""
        return DryRun(self.database, self.connector.open, self.clock.now, seconds)

    def run(self, org_id: str, *, seconds: float = 60, **fields: Any) -> dict[str, Any]:
        """One run with all its continuations; the run's document."""
        run_id = fields.pop("run_id", f"run-{next(self.run_numbers)}")
        service = self.service(seconds=seconds)
        fields.setdefault("trigger", "cron")
        service(SyncOrg(org_id, run_id, **fields))
        while continuations := self.continuations.take():
            for message in continuations:
                assert isinstance(message, PosSync)
                service(SyncOrg.of(message))
        return self.store.run(org_id, run_id)

    def die_before_writing(self, path: str, command: SyncOrg) -> None:
        """A run whose worker dies at the commit that writes this document."""
        dying = self.service(database=DatabaseFailingAtPath(self.database._client, path))
        with pytest.raises(ConnectionError):
            dying(command)


def hold_org(
    database: Database, org_id: str, run_id: str, *, seconds: float = 60, found: Run | None = None
) -> ActiveRun[Run]:
    """A run of an org is under way, as another worker's; ``found``: one that has begun before."""
    opened = lifecycle.open_run(
        lifecycle.SYNC,
        database,
        org_id,
        run_id,
        found or Run(state=RunState.RUNNING, trigger="cron", started_at=utc_now()),
        clock=utc_now,
        lease_ttl=timedelta(seconds=seconds),
    )
    assert isinstance(opened, ActiveRun)
    return opened


class Environment:
    """All of it together; every org of ``server`` is configured."""

    def __init__(
        self, client: Client, database: Database, server: Server, clock: OffsetClock
    ) -> None:
        self.client = client
        self.database = database
        self.server = server
        self.clock = clock
        self.pos = SimulatedPos(server.url)
        self.store = StoredDocuments(client)
        self.org_config = OrgConfig(client)
        self.org_config.add_locations(server)
        self.connector = PosConnector()
        self.notifier = RecordingNotifier()
        self.alerts = Alerts(database, self.notifier, [SecretStr("json://operator")], clock.now)
        self.spending = SpendingRunner(database)
        self.sales = SalesRunner(database, clock)
        self.watchdog = self.watchdog_on(database)
        self.sync = SyncRunner(
            database,
            self.store,
            self.connector,
            self.alerts,
            clock,
            self.spending,
            self.sales,
        )

    def watchdog_on(self, database: Database, spending: Publisher | None = None) -> Watchdog:
        """The watchdog, with a meter or a topic of its own."""
        topic = spending or self.spending.requests
        outstanding = OutstandingSpending(database, self.alerts, topic, self.clock.now)
        return Watchdog(database, self.alerts, self.clock.now, outstanding)
