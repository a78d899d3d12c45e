"""A simulated POS, a real Firestore emulator and the sync between them, in one process."""

import itertools
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import requests
from google.cloud.firestore import Client
from pydantic import SecretStr

from deploy.local.simulator.server import Server
from shared.bus.messages import ComputeSpending, Message, PosSync
from shared.bus.notifier import Notifier
from shared.bus.publisher import LaterPublisher, Publisher
from shared.clock import utc_now
from shared.domain.runs import RunState
from shared.outbound.credentials import TokenCache
from shared.outbound.session import HttpSession, HttpSettings
from shared.pos import registry
from shared.pos.config import Location
from shared.pos.port import PosClient, PosWriter
from shared.services.alerts import Alerts
from shared.services.runs import lifecycle
from shared.services.runs.lifecycle import ActiveRun
from shared.services.spending.compute import SpendingService
from shared.services.sync.commands import RefreshSales, SyncOrg
from shared.services.sync.org import OrgSync
from shared.services.sync.sales_refresh import SalesRefresh, SalesRefreshPlan
from shared.store.database import Database
from shared.store.runs import Run

QUICK = HttpSettings(read_seconds=2, total_seconds=6, attempts=3, backoff_seconds=0.01)


class Outbox(Publisher):
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def publish(self, messages: Any) -> int:
        given = list(messages)
        self.messages += given
        return len(given)

    def take(self) -> list[Message]:
        taken, self.messages = self.messages, []
        return taken


class Told(Notifier):
    """Where alerts arrive: titles and texts, in the order they were sent."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.bodies: list[str] = []

    def send(self, urls: Sequence[SecretStr], title: str, body: str) -> list[bool]:
        self.titles.append(title)
        self.bodies.append(body)
        return [True] * len(urls)


class Agenda(LaterPublisher):
    """What was asked to be published later: moment and message by the name it has."""

    def __init__(self) -> None:
        self.planned: dict[str, tuple[datetime, PosSync]] = {}

    def publish(self, message: Message, *, at: datetime, once: str) -> bool:
        assert isinstance(message, PosSync)
        if once in self.planned:
            return False
        self.planned[once] = (at, message)
        return True

    def take(self, now: datetime) -> list[PosSync]:
        """The messages that are due."""
        due = {once for once, (at, _) in self.planned.items() if at <= now}
        return [self.planned.pop(once)[1] for once in sorted(due)]


class World:
    """Orgs at a simulated POS, and the services that keep Firestore the same."""

    def __init__(self, client: Client, pos: Server) -> None:
        self.client = client
        self.pos = pos
        self.database = Database(client)
        self.spending_asked = Outbox()
        self.continuations = Outbox()
        self.told = Told()
        self.alerts = Alerts(self.database, self.told, [SecretStr("json://operator")], self.now)
        self.later = timedelta(0)
        self.agenda = Agenda()
        self.refreshes = SalesRefreshPlan(self.agenda, self.now)
        self._runs = itertools.count(1)
        self._http = HttpSession(QUICK)
        self._tokens = TokenCache(utc_now)
        self.spending = SpendingService(self.database, self.spending_asked, utc_now, seconds=60)
        for location in pos.locations():
            client.document(f"locations/{location['id']}").set(location["document"])

    def now(self) -> datetime:
        """The present, ``later`` on."""
        return utc_now() + self.later

    def seconds(self) -> float:
        """Seconds as a clock that nobody sets counts them, ``later`` on."""
        return time.monotonic() + self.later.total_seconds()

    def service(self, *, seconds: float = 60, lease_seconds: float = 60) -> OrgSync:
        """A sync service as an instance of ``org_sync`` has one."""
        return OrgSync(
            database=self.database,
            open_pos=self.open_pos,
            spending=self.spending_asked,
            continuation=self.continuations,
            alerts=self.alerts,
            refreshes=self.refreshes,
            clock=self.now,
            seconds=seconds,
            lease_ttl=timedelta(seconds=lease_seconds),
        )

    def sync(self, org_id: str, *, seconds: float = 60, **fields: Any) -> dict[str, Any]:
        """One run with all its continuations; the run's document."""
        run_id = fields.pop("run_id", f"run-{next(self._runs)}")
        service = self.service(seconds=seconds)
        fields.setdefault("trigger", "cron")
        service(SyncOrg(org_id, run_id, **fields))
        while waiting := self.continuations.take():
            for message in waiting:
                assert isinstance(message, PosSync)
                service(SyncOrg.of(message))
        return self.document(f"tenants/{org_id}/sync_runs/{run_id}")

    def refresh_sales(self) -> int:
        """Let what was planned for later and is due by now happen; how much of it there was."""
        due = self.agenda.take(self.now())
        for message in due:
            self.refresh(message)
        return len(due)

    def refresh(self, message: PosSync) -> None:
        """Put on sale what the stored discounts say."""
        service = SalesRefresh(self.database, self.refreshes, self.now, timedelta(seconds=60))
        service(RefreshSales(message.org_id, message.run_id))

    def compute_spending(self) -> None:
        """Do what the sync asked for."""
        while asked := self.spending_asked.take():
            for message in asked:
                assert isinstance(message, ComputeSpending)
                self.spending(message)

    def status(self, org_id: str) -> dict[str, Any]:
        return self.document(f"tenants/{org_id}/integrations/pos")

    def document(self, path: str) -> dict[str, Any]:
        return self.client.document(path).get().to_dict() or {}

    def documents(self, collection: str) -> dict[str, dict[str, Any]]:
        return {d.id: d.to_dict() or {} for d in self.client.collection(collection).stream()}

    def records(self, org_id: str) -> dict[str, dict[str, dict[str, Any]]]:
        """Every record of an org, without what tells when and by whom it was written, and without
        the customers' ranks among each other, which are as of the last look at all of them."""
        volatile = ("updatedAt", "syncRunId", "rfm")
        return {
            name: {
                key: {field: value for field, value in fields.items() if field not in volatile}
                for key, fields in self.documents(f"tenants/{org_id}/{name}").items()
            }
            for name in ("customers", "orders", "customer_spending", "products", MENU)
        }

    def pos_calls(self) -> int:
        """Calls that the POS has had so far."""
        return int(self._control("GET", "requests")["total"])

    def calls(self, org_id: str, endpoint: str) -> int:
        """How often an endpoint of the POS was called for an org."""
        counted: dict[str, int] = self._control("GET", "requests")["orgs"][org_id]["calls"]
        return counted.get(endpoint, 0)

    def everything(self, org_id: str) -> dict[str, dict[str, Any]]:
        """Every document of an org, by path."""
        left, found = [self.client.document(f"tenants/{org_id}")], {}
        while left:
            for collection in left.pop().collections():
                for document in collection.list_documents():
                    found[document.path] = document.get().to_dict() or {}
                    left.append(document)
        return found

    def fault(self, kind: str, **parameters: Any) -> None:
        """Ask the POS to misbehave."""
        self._control("POST", "faults", {"kind": kind, **parameters})

    def no_faults(self) -> None:
        self._control("DELETE", "faults")

    def pos_data(self, org_id: str) -> dict[str, list[dict[str, Any]]]:
        """What the POS itself holds."""
        found: dict[str, list[dict[str, Any]]] = self._control("GET", f"orgs/{org_id}/data")
        return found

    def discounts(self, org_id: str) -> list[dict[str, Any]]:
        """The discounts at the POS."""
        found: list[dict[str, Any]] = self._control("GET", f"orgs/{org_id}/discounts")
        return found

    def set_discounts(self, org_id: str, *discounts: dict[str, Any]) -> None:
        """Have the POS list these discounts and no others."""
        self._control("PUT", f"orgs/{org_id}/discounts", list(discounts))

    def change(self, org_id: str, kind: str, record_id: object, **fields: Any) -> None:
        """Change a record at the POS."""
        self._control("PATCH", f"orgs/{org_id}/{kind}/{record_id}", fields)

    def replace(self, org_id: str, kind: str, records: Sequence[dict[str, Any]]) -> None:
        """Replace all records of a kind at the POS."""
        self._control("PUT", f"orgs/{org_id}/{kind}", list(records))

    def _control(self, method: str, path: str, body: object = None) -> Any:
        answer = requests.request(method, f"{self.pos.url}/control/{path}", json=body, timeout=20)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def open_pos(self, location: Location) -> PosClient:
        return registry.open_account(location, self._http, self._tokens, utc_now).client

    def open_writer(self, location: Location) -> PosWriter:
        return registry.open_account(location, self._http, self._tokens, utc_now).writer


MENU = "publicViews/products/items"


def take_lease(database: Database, run_id: str, *, now: datetime, seconds: float) -> ActiveRun[Run]:
    """A run that has the org from now on."""
    run = Run(state=RunState.RUNNING, trigger="cron", started_at=now)
    opened = lifecycle.open_run(
        lifecycle.SYNC,
        database,
        "org_test",
        run_id,
        run,
        clock=lambda: now,
        lease_ttl=timedelta(seconds=seconds),
    )
    assert isinstance(opened, ActiveRun)
    return opened


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """Where two sets of records differ, a line each."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            line
            for key in sorted(before.keys() | after.keys())
            for line in differences(before.get(key), after.get(key), f"{path}/{key}")
        ]
    return [] if before == after else [f"{path}: {before!r} -> {after!r}"]
