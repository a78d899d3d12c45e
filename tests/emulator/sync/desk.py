"""Where webhooks of a world's POS come in, and the service that fetches what they name."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from shared.bus.messages import PosSync
from shared.pos.alleaves.webhooks import read_event
from shared.services.sync.commands import SyncRecords, command_of
from shared.services.sync.targeted import TargetedSync
from shared.services.webhooks import ReceiveWebhook, WebhookOutcome
from tests.emulator.sync.world import Outbox, World


class Desk:
    """The ``webhooks`` function and the part of ``org_sync`` behind it."""

    def __init__(self, world: World, org_id: str = "org_test") -> None:
        self.world = world
        self.org_id = org_id
        self.pos_sync = Outbox()
        self.receive = ReceiveWebhook(
            "alleaves", read_event, world.database, self.pos_sync, world.now
        )
        self.targeted = TargetedSync(
            database=world.database,
            open_pos=world.open_pos,
            spending=world.spending_asked,
            pos_sync=self.pos_sync,
            clock=world.now,
            seconds=60,
            lease_ttl=timedelta(seconds=60),
        )

    def take_in(self, event: str, data: Any, **fields: Any) -> WebhookOutcome:
        body = json.dumps({"event": event, "data": data, **fields}).encode()
        return self.receive(self.org_id, body)

    def work(self) -> int:
        """Do all that was asked for, and what follows from it; how many messages that was."""
        done = 0
        while messages := self.pos_sync.take():
            for message in messages:
                assert isinstance(message, PosSync)
                self.fetch(message)
                done += 1
        self.world.compute_spending()
        return done

    def fetch(self, message: PosSync) -> None:
        """Fetch the records that a message names."""
        command = command_of(message)
        assert isinstance(command, SyncRecords)
        self.targeted(command)

    def events(self) -> dict[str, str]:
        """The state of every event kept."""
        found = self.world.documents(f"tenants/{self.org_id}/webhook_events")
        return {key: fields["state"] for key, fields in found.items()}

    def calls(self) -> dict[str, int]:
        """Calls to the POS since they were last asked for, by endpoint."""
        orgs = self.world._control("GET", "requests")["orgs"]
        self.world._control("DELETE", "requests")
        counts: dict[str, int] = orgs.get(self.org_id, {}).get("calls", {})
        return counts

    def spent(self, customer_id: object) -> float:
        found = self.world.document(f"tenants/{self.org_id}/customer_spending/cid_{customer_id}")
        return float(found.get("totalSpent", 0))

    def stored(self, kind: str, record_id: object) -> dict[str, Any]:
        return self.world.document(f"tenants/{self.org_id}/{kind}/{record_id}")


def states(desk: Desk) -> Iterable[str]:
    return sorted(desk.events().values())
