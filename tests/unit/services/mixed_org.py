"""An org with a location at each of two providers, the services that sync it, and a Firestore, all
in memory."""

import itertools
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from shared.bus.messages import PosSync
from shared.pos.config import Location
from shared.services.alerts import Alerts
from shared.services.sync.commands import SyncOrg
from shared.services.sync.dispatch import SyncDispatcher
from shared.services.sync.dry_run import DryRun
from shared.services.sync.org import OrgSync
from shared.services.sync.sales_refresh import SalesRefresh, SalesRefreshPlan
from shared.services.sync.targeted import TargetedSync
from shared.store import paths
from shared.store.database import Database
from tests.documents_in_memory import DocumentsInMemory
from tests.fake_pos import FakePos
from tests.fakes import (
    RecordingLaterPublisher,
    RecordingNotifier,
    RecordingPublisher,
    SteppingClock,
)

ORG = "org_mixed"
ALLEAVES_SETTINGS = {"provider": "alleaves", "username": "u", "password": "p", "pin": "1"}
LIGHTSPEED_SETTINGS = {"provider": "lightspeed", "domainPrefix": "shop", "token": "t"}
SETTINGS = {"alleaves": ALLEAVES_SETTINGS, "lightspeed": LIGHTSPEED_SETTINGS}
UUID = "06f2a5e1-0000-11ea-b5f4-{:012d}"
"""Ids at Lightspeed; at Alleaves they are numbers."""


class MixedOrg:
    """The org. ``only``: its providers, if not both."""

    def __init__(self, *only: str) -> None:
        self.database = DocumentsInMemory()
        self.clock = SteppingClock()
        self.notifier = RecordingNotifier()
        self.spending = RecordingPublisher()
        self.pos_sync = RecordingPublisher()
        self.later = RecordingLaterPublisher()
        self.pos = {
            "alleaves": FakePos("alleaves", "1000"),
            "lightspeed": FakePos("lightspeed", UUID.format(1000)),
        }
        self.database.put(paths.tenant(ORG), {"name": "Mixed"})
        for provider in only or self.pos:
            self.configure(provider)
        now = self.clock.now()
        for number in range(1, 4):
            at = now - timedelta(days=number)
            self.pos["alleaves"].sell(number, str(number), str(100 + number), at)
            ids = UUID.format(number), UUID.format(100 + number)
            self.pos["lightspeed"].sell(number, *ids, at)
        self._numbers = itertools.count(1)

    def configure(self, provider: str, **pos_config: Any) -> None:
        """Write the provider's location."""
        settings = {
            **SETTINGS[provider],
            "status": "active",
            "locationId": self.pos[provider].location_id,
        }
        fields = {
            "orgId": ORG,
            "name": f"Shop at {provider}",
            "timezone": "America/New_York",
            "posConfig": {k: v for k, v in (settings | pos_config).items() if v is not None},
        }
        self.database.put(f"locations/{provider}-shop", fields)

    def open_pos(self, location: Location) -> FakePos:
        return self.pos[location.pos_config.provider]

    def service(self, *, seconds: float = 60, database: Database | None = None) -> OrgSync:
        """``org_sync`` for whole orgs."""
        store = database or self.database
        return OrgSync(
            database=store,
            open_pos=self.open_pos,
            spending=self.spending,
            continuation=self.pos_sync,
            alerts=self.alerts(store),
            refreshes=SalesRefreshPlan(self.later, self.clock.now),
            clock=self.clock.now,
            seconds=seconds,
            lease_ttl=timedelta(seconds=60),
        )

    def alerts(self, database: Database) -> Alerts:
        return Alerts(database, self.notifier, [SecretStr("json://operator")], self.clock.now)

    def targeted(self) -> TargetedSync:
        return TargetedSync(
            database=self.database,
            open_pos=self.open_pos,
            spending=self.spending,
            pos_sync=self.pos_sync,
            alerts=self.alerts(self.database),
            clock=self.clock.now,
            seconds=60,
            lease_ttl=timedelta(seconds=60),
        )

    def deliver(self, message: PosSync) -> None:
        """A message to ``org_sync``."""
        plan = SalesRefreshPlan(self.later, self.clock.now)
        SyncDispatcher(
            self.service(),
            self.targeted(),
            DryRun(self.database, self.open_pos, self.clock.now, 60),
            SalesRefresh(self.database, plan, self.clock.now, timedelta(seconds=60)),
        )(message)

    def run(self, *, seconds: float = 60, **fields: Any) -> dict[str, Any]:
        """A run with its continuations; its document."""
        command = SyncOrg(
            ORG, f"run-{next(self._numbers)}", fields.pop("trigger", "cron"), **fields
        )
        self.service(seconds=seconds)(command)
        while messages := self.pos_sync.take():
            for message in messages:
                assert isinstance(message, PosSync)
                self.service(seconds=seconds)(SyncOrg.of(message))
        return self.run_document(command.run_id)

    def run_document(self, run_id: str) -> dict[str, Any]:
        return self.database.fields(paths.sync_run(ORG, run_id))

    @property
    def status(self) -> dict[str, Any]:
        return self.database.fields(paths.pos_status(ORG))

    def stored(self, kind: str) -> dict[str, dict[str, Any]]:
        """The documents of a kind that are not marked as removed, by id."""
        found = self.database.collection(f"{paths.tenant(ORG)}/{kind}")
        return {key: each for key, each in found.items() if not each.get("removedFromPosAt")}

    def records(self) -> Mapping[str, Any]:
        """All records, with the versions of their documents."""
        kinds = ("customers", "orders", "products", "discounts", "metadata", "quarantine")
        roots = tuple(f"{paths.tenant(ORG)}/{kind}/" for kind in (*kinds, "publicViews"))
        return {p: d for p, d in self.database.documents.items() if p.startswith(roots)}
