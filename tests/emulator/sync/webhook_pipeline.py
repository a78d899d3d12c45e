"""From a webhook's proven body to the records that it names."""

import json
from typing import Any

from shared.bus.messages import PosSync
from shared.bus.publisher import Publisher
from shared.pos.alleaves.webhooks import read_event
from shared.services.sync.dispatch import SyncDispatcher
from shared.services.webhooks import ReceiveWebhook, WebhookOutcome
from tests.emulator.environment import Environment
from tests.fakes import RecordingPublisher


class WebhookPipeline:
    """The ``webhooks`` function, and ``org_sync``."""

    def __init__(self, environment: Environment, org_id: str = "org_test") -> None:
        self.org_id = org_id
        self.pos_sync = RecordingPublisher()
        self.targeted = environment.sync.targeted(self.pos_sync)
        self._environment = environment

    def receive(self, event: str, data: Any, **fields: Any) -> WebhookOutcome:
        """Receive an event that Alleaves sends."""
        body = json.dumps({"event": event, "data": data, **fields}).encode()
        return self.receiver()(self.org_id, body)

    def receiver(self, pos_sync: Publisher | None = None) -> ReceiveWebhook:
        """The service as an instance of ``webhooks`` has one."""
        database, clock = self._environment.database, self._environment.clock
        return ReceiveWebhook(
            "alleaves", read_event, database, pos_sync or self.pos_sync, clock.now
        )

    def process(self) -> int:
        """Handle all messages and compute spending; how many messages those were."""
        done = 0
        while messages := self.pos_sync.take():
            for message in messages:
                assert isinstance(message, PosSync)
                self.fetch(message)
                done += 1
        self._environment.spending.compute_requested()
        return done

    def fetch(self, message: PosSync) -> None:
        """Do what a message asks for."""
        environment = self._environment
        sync, sales = environment.sync, environment.sales.service
        SyncDispatcher(sync.service(), self.targeted, sync.dry_run(), sales)(message)

    def states(self) -> list[str]:
        """The states of all events that were kept, sorted."""
        events = self._environment.store.documents(f"tenants/{self.org_id}/webhook_events")
        return sorted(event["state"] for event in events.values())

    def take_calls(self) -> dict[str, int]:
        """Calls to the POS since the last look, by endpoint."""
        pos = self._environment.pos
        calls = pos.calls(self.org_id)
        pos.reset_calls()
        return calls

    def spent(self, customer_id: object) -> float:
        path = f"tenants/{self.org_id}/customer_spending/cid_{customer_id}"
        return float(self._environment.store.document(path).get("totalSpent", 0))

    def stored(self, kind: str, record_id: object) -> dict[str, Any]:
        return self._environment.store.document(f"tenants/{self.org_id}/{kind}/{record_id}")
