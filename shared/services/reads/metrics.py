"""Reports of metrics as they are read."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from shared.domain.metrics_csv import HEADER, csv_lines
from shared.errors import NotFound, RetryLater
from shared.store import metrics
from shared.store.database import Database
from shared.store.metrics import MetricsReport


@dataclass(frozen=True, slots=True)
class MetricsReads:
    """An org's reports."""

    database: Database

    def all(self, org_id: str) -> list[MetricsReport]:
        """The reports, the latest first."""
        return metrics.reports(self.database, org_id)

    def get(self, org_id: str, date: str) -> MetricsReport:
        """The report of a date. Raises NotFound."""
        found = metrics.read_report(self.database, org_id, date)
        if found is None:
            raise NotFound("there is no report of that date")
        return found

    def csv(self, org_id: str, date: str) -> Iterator[bytes]:
        """The report's file, part by part: one at a time is in memory. Raises NotFound, and
        RetryLater, also in the middle, where a later report of the day is taking its place."""
        report = self.get(org_id, date)
        if not report.parts:
            return iter([csv_lines([HEADER]).encode()])
        first = self._part(org_id, report, 0)
        rest = (self._part(org_id, report, number) for number in range(1, report.parts))
        return chain([first], rest)

    def _part(self, org_id: str, report: MetricsReport, number: int) -> bytes:
        part = metrics.read_csv(self.database, org_id, report, number)
        if part is None:
            raise RetryLater("a later report of the day is taking the place of this one")
        return part
