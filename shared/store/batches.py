"""The batches of an org, packed into a document or two."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from shared.domain.inventory import BatchDetail, BatchStock
from shared.store import packed_map
from shared.store.database import Database, Put
from shared.store.packed_map import Facts, PackedMap

NAME = "batches"


class BatchStore:
    """All batches of an org, by batch and location. Not safe for threads."""

    def __init__(self, kept: PackedMap[Facts]) -> None:
        self._kept = kept

    def all(self) -> list[BatchStock]:
        return [_batch(facts) for _, facts in self._kept.items()]

    def put(self, batches: Iterable[BatchStock]) -> None:
        for batch in batches:
            self._kept.put(_key(batch), _facts(batch))

    def keep_only(self, batches: Iterable[BatchStock]) -> None:
        """Remove all others."""
        self._kept.keep_only(set(map(_key, batches)))

    def take_writes(self) -> list[Put]:
        """See PackedMap."""
        return self._kept.take_writes()


def load(database: Database, org_id: str) -> BatchStore:
    """The org's batches; none where they were never stored."""
    return BatchStore(packed_map.load(database, org_id, NAME))


def _key(batch: BatchStock) -> str:
    return f"{batch.batch_id}\t{batch.location_id}"


def _facts(batch: BatchStock) -> Facts:
    detail, at = batch.detail, batch.looked_up_at
    return [
        batch.batch_id,
        batch.location_id,
        batch.item_id,
        format(batch.quantity.normalize(), "f"),
        batch.cost_cents,
        batch.vendor,
        batch.expires_on,
        batch.received_on,
        batch.package_tag,
        [
            detail.expires_on,
            detail.package_tag,
            detail.packaged_on,
            detail.produced_on,
            detail.harvested_on,
        ],
        at.isoformat() if at else None,
    ]


def _batch(facts: Facts) -> BatchStock:
    batch, location, item, quantity, cost, vendor, expires, received, tag, detail, at = facts
    return BatchStock(
        batch_id=batch,
        location_id=location,
        item_id=item,
        quantity=Decimal(quantity),
        cost_cents=cost,
        vendor=vendor,
        expires_on=expires,
        received_on=received,
        package_tag=tag,
        detail=BatchDetail(*detail),
        looked_up_at=datetime.fromisoformat(at) if at else None,
    )
