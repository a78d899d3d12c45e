"""Loyalty on demand: for an org, or for one of its customers."""

import uuid
from dataclasses import dataclass

import structlog

from shared.bus.messages import Loyalty
from shared.bus.publisher import Publisher
from shared.errors import NotFound
from shared.services.manual_sync import RunUnderWay
from shared.store import lease as leases
from shared.store import loyalty, paths
from shared.store.database import Database

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AskForLoyalty:
    """Starts loyalty runs."""

    database: Database
    loyalty: Publisher

    def __call__(self, org_id: str, customer_id: str | None, *, full: bool) -> str:
        """Start a run, return its id. ``full`` looks everybody up.

        Raises NotFound for an unknown customer and, where the whole org is meant, RunUnderWay.
        One customer's turn comes after a run that is under way.
        """
        if customer_id is not None:
            if not loyalty.customers(self.database, org_id, [customer_id]):
                raise NotFound("there is no such customer")
        elif running := leases.running(self.database, paths.loyalty_lease(org_id)):
            raise RunUnderWay(running)
        run_id = f"manual-{uuid.uuid4().hex}"
        ids = None if customer_id is None else (customer_id,)
        self.loyalty.publish([Loyalty(org_id=org_id, run_id=run_id, customer_ids=ids, full=full)])
        log.info(
            "loyalty_asked_for", org_id=org_id, run_id=run_id, full=full, everybody=ids is None
        )
        return run_id
