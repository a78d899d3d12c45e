"""An org at the simulated Lightspeed, with its syncs, imports, spending and weekly metrics."""

import csv
import io
from collections.abc import Container
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from deploy.local.simulator.lightspeed.spec import RetailerSpec
from shared.bus.messages import ReportMetrics
from shared.pos.lightspeed.ecom_export import BadRow, ExportContext, read_export
from shared.services.ecom.importing import EcomImport, ImportReport
from shared.services.metrics.report import MetricsReports
from shared.services.reads.metrics import MetricsReads
from shared.store import metrics as metrics_store
from tests import retailer_figures
from tests.emulator.environment import SpendingRunner, SyncRunner
from tests.fakes import OffsetClock, RecordingPublisher
from tests.simulated_lightspeed import SimulatedLightspeed
from tests.stored_figures import FiguresCheck


class RetailerOrg:
    """The org of the retailer ``spec``, which is configured. Its exports are put in ``folder``."""

    def __init__(
        self,
        spec: RetailerSpec,
        lightspeed: SimulatedLightspeed,
        sync: SyncRunner,
        spending: SpendingRunner,
        clock: OffsetClock,
        folder: Path,
    ) -> None:
        self.id = spec.org_id
        self.lightspeed = lightspeed
        self._sync = sync
        self._spending = spending
        self._clock = clock
        self._zone = spec.timezone
        self._file = folder / f"{spec.id}.csv"
        self._import = EcomImport(sync.database, spending.requests, clock.now)
        self._reports = MetricsReports(
            sync.database, RecordingPublisher(), clock.now, 600, in_part=spec.customers // 3
        )
        self._check = FiguresCheck(sync.store, spec.org_id, spec.timezone)

    def sync(self, *, seconds: float = 60) -> None:
        """One run with its continuations."""
        run = self._sync.run(self.id, seconds=seconds)
        assert run["state"] == "succeeded", run

    def export(self) -> str:
        """What the web shop exports now."""
        self.lightspeed.export(self.id, self._file)
        return self._file.read_text(encoding="utf-8")

    def bring_in(self, text: str) -> ImportReport:
        """Import an export, as the operator does."""
        context = ExportContext(
            lambda: io.StringIO(text, newline=""), ZoneInfo(self._zone), "main", self._clock.now()
        )
        bad_rows: list[BadRow] = []
        report = self._import(self.id, read_export(context), bad_rows.append)
        assert bad_rows == []
        return report

    def compute(self) -> None:
        """Compute the spending that was asked for."""
        self._spending.compute_requested()

    def report(self) -> tuple[bytes, datetime]:
        """The weekly metrics: the report's file and the moment of its figures."""
        # One moment has one report.
        self._clock.later += timedelta(seconds=1)
        as_of = self._clock.now().replace(microsecond=0)
        self._reports(ReportMetrics(org_id=self.id, as_of=as_of))
        reads = MetricsReads(self._sync.database)
        return b"".join(reads.csv(self.id, metrics_store.date_of(as_of))), as_of

    def check(self) -> pd.DataFrame:
        """Every figure of every customer is that of pandas, from the retailer's rows and the
        export as it is now; these figures."""
        self.compute()
        file, as_of = self.report()
        self.export()
        exported = retailer_figures.read_export(self._file)
        expected = self._check.expected(self.lightspeed.data(self.id), exported, as_of)
        found = self._check.differences(expected, file)
        assert not found, "\n".join(found)
        return expected


def part_of(export: str, numbers: Container[int]) -> str:
    """The rows of some orders."""
    header, *rows = csv.reader(io.StringIO(export, newline=""), delimiter=";")
    at = header.index("order_number")
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerow(header)
    writer.writerows(row for row in rows if int(row[at]) in numbers)
    return text.getvalue()
