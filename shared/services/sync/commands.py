"""What a ``pos-sync`` message asks for: one command for each kind of work.

On the wire it is one message (bus.messages.PosSync) whose fields distinguish the kinds: ids of
records, ``dryRun`` or ``asStored``; a message with none of them is a sync of the org.
"""

from dataclasses import asdict, dataclass, fields
from typing import Self

from shared.bus.messages import STREAMS, PosSync, StreamName, Trigger
from shared.domain.providers import ALLEAVES, Provider
from shared.domain.removal import AllowedRemovals
from shared.domain.runs import WEBHOOK_RUN
from shared.errors import InvalidMessage


@dataclass(frozen=True, slots=True)
class SyncOrg:
    """Sync an org's streams. ``full`` writes every record again, ``allow_deletions`` lets every
    removal through that would wait for a person, ``approved_removals`` those of these ids;
    ``streams`` None means all, as does ``provider`` None. ``if_active``: an org without an active
    location is left alone."""

    org_id: str
    run_id: str
    trigger: Trigger
    full: bool = False
    allow_deletions: bool = False
    streams: tuple[StreamName, ...] | None = None
    requested_by: str | None = None
    if_active: bool = False
    provider: Provider | None = None
    approved_removals: tuple[str, ...] = ()

    @classmethod
    def of(cls, message: PosSync) -> Self:
        return cls(**{field.name: getattr(message, field.name) for field in fields(cls)})

    @property
    def stream_names(self) -> tuple[str, ...]:
        """The streams asked for."""
        return self.streams or STREAMS

    @property
    def allowed_removals(self) -> AllowedRemovals:
        """What may be removed though it is drastic."""
        return AllowedRemovals(self.allow_deletions, frozenset(self.approved_removals))

    def continuation(self) -> PosSync:
        """The message that goes on with this run in another invocation."""
        return PosSync(**{**asdict(self), "trigger": "continuation"})


@dataclass(frozen=True, slots=True)
class PreviewSync:
    """Report what a sync would change; write nothing else."""

    sync: SyncOrg


@dataclass(frozen=True, slots=True)
class SyncRecords:
    """Fetch and store the records of these ids alone, from ``provider``; None: from Alleaves, or
    the org's only one."""

    org_id: str
    run_id: str
    trigger: Trigger
    customer_ids: frozenset[str]
    order_ids: frozenset[str]
    product_ids: frozenset[str]
    provider: Provider | None = None

    @property
    def webhook_key(self) -> str:
        """Key of the stored webhook that the command is about."""
        return self.run_id.removeprefix(WEBHOOK_RUN)


@dataclass(frozen=True, slots=True)
class RefreshSales:
    """Set the sale fields of a provider's stored products by its stored discounts; ask no POS."""

    org_id: str
    run_id: str
    provider: Provider = ALLEAVES


SyncCommand = SyncOrg | PreviewSync | SyncRecords | RefreshSales


def command_of(message: PosSync) -> SyncCommand:
    """The command that a message carries. Raises InvalidMessage for a dry run of named records:
    there is no such thing, and to fetch them would write."""
    if message.names_records and message.dry_run:
        raise InvalidMessage("dryRun cannot be combined with ids of records")
    if message.names_records:
        return SyncRecords(
            message.org_id,
            message.run_id,
            message.trigger,
            customer_ids=frozenset(message.customer_ids or ()),
            order_ids=frozenset(message.order_ids or ()),
            product_ids=frozenset(message.product_ids or ()),
            provider=message.provider,
        )
    if message.dry_run:
        return PreviewSync(SyncOrg.of(message))
    if message.as_stored:
        return RefreshSales(message.org_id, message.run_id, message.provider or ALLEAVES)
    return SyncOrg.of(message)
