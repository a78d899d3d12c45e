"""What a POS tells of by a webhook: which records changed, never what they now are."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PosEvent:
    """One event. ``kind`` is the POS's own name for it; it names no records where the kind is
    none that Sync Sam knows. ``id`` is the event's own, ``sent_at`` (aware UTC) when it was sent,
    where the POS says so."""

    kind: str
    id: str | None = None
    sent_at: datetime | None = None
    customer_ids: tuple[str, ...] = ()
    order_ids: tuple[str, ...] = ()
    product_ids: tuple[str, ...] = ()

    @property
    def names_records(self) -> bool:
        return bool(self.customer_ids or self.order_ids or self.product_ids)
