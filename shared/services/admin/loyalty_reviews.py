"""A person has looked at a customer whose points differ from Alpine IQ's."""

from dataclasses import dataclass

from shared.clock import Clock
from shared.errors import NotFound
from shared.services.admin.audit import Actor, record_action
from shared.store import loyalty
from shared.store.database import Conflict, Database


@dataclass(frozen=True, slots=True)
class ReviewLoyalty:
    """Notes that somebody has looked at a customer's two figures. It holds until one changes."""

    database: Database
    clock: Clock

    def __call__(self, org_id: str, customer_id: str, actor: Actor) -> None:
        """Raises NotFound for a customer that is unknown, or of whom Alpine IQ has no figure."""
        found = loyalty.customers(self.database, org_id, [customer_id])
        if not found or found[0].fields.get("pointsFromAlpine") is None:
            raise NotFound("there is no such customer, or no figure of Alpine IQ's to compare")
        now = self.clock()
        try:
            record_action(
                self.database,
                actor,
                "loyalty_reviewed",
                org_id=org_id,
                target=customer_id,
                now=now,
                writes=[loyalty.put_review(org_id, found[0], actor.uid, now)],
            )
        except Conflict:
            raise NotFound("there is no such customer any more") from None
