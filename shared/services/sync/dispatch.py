"""The ``pos-sync`` topic: each message to the service for its kind of work."""

from dataclasses import dataclass

from shared.bus.messages import PosSync
from shared.domain.runs import STREAMS_RUN
from shared.services.sync.commands import (
    PreviewSync,
    RefreshSales,
    SyncOrg,
    SyncRecords,
    command_of,
)
from shared.services.sync.dry_run import DryRun
from shared.services.sync.org import OrgSync
from shared.services.sync.sales_refresh import SalesRefresh
from shared.services.sync.targeted import TargetedSync
from shared.store import locations


@dataclass(frozen=True, slots=True)
class SyncDispatcher:
    """Does what a message asks for, then asks for the records of webhooks that came meanwhile.

    The org of a run that takes the lease is looked up with the lease (services/runs/lifecycle.py).
    """

    org: OrgSync
    targeted: TargetedSync
    dry_run: DryRun
    sales: SalesRefresh

    def __call__(self, message: PosSync) -> None:
        """Raises InvalidMessage for an unknown org, and what the services raise: the message is
        then to be delivered again."""
        match command_of(message):
            case SyncRecords() as command:
                self.targeted(command)  # looks for more webhooks by itself, where it had the org
                return
            case PreviewSync() as command:
                locations.require_known(self.dry_run.database, message.org_id)
                self.dry_run(command)
            case RefreshSales() as command:
                locations.require_known(self.sales.database, message.org_id)
                self.sales(command)
            case SyncOrg() as command:
                self.org(command)
                run_id = command.run_id
                if run_id.startswith(STREAMS_RUN) and not self.targeted.settle(
                    command.org_id, run_id
                ):
                    return  # the run that has the org looks for more webhooks
        self.targeted.catch_up(message.org_id)
