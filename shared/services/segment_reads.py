"""How many customers each segment has, and what they have spent: counted by Firestore itself."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from shared.domain.money import sum_to_cents
from shared.domain.segmentation import Segment
from shared.store import paths
from shared.store.database import Database


@dataclass(frozen=True, slots=True)
class SegmentTotals:
    """One segment."""

    segment: Segment
    customers: int
    revenue_cents: int


@dataclass(frozen=True, slots=True)
class SegmentReads:
    """Reads of one database."""

    database: Database

    def __call__(self, org_id: str) -> Sequence[SegmentTotals]:
        """Every segment, those with nobody in them too."""
        with ThreadPoolExecutor(len(Segment), thread_name_prefix="segment") as pool:
            return list(pool.map(lambda segment: self._totals(org_id, segment), Segment))

    def _totals(self, org_id: str, segment: Segment) -> SegmentTotals:
        found = self.database.totals(
            paths.customers(org_id), ("segment", "==", segment.value), sums=["totalSpent"]
        )
        return SegmentTotals(segment, found.count, sum_to_cents(found.sums["totalSpent"]))
