"""Import an order export of Lightspeed eCom:  python -m deploy.import_ecom ORG FILE [--dry-run]

FILE is ``ecom_orders_export.csv`` as My Sales > Orders > Export writes it. Its times are in the
time zone of the org's first active location (--timezone: another one). Rows that cannot be used
are listed with their lines and left out. Importing a file twice, or one that overlaps with another,
changes nothing; where two files differ about an order the one imported last holds. An import that
was interrupted is simply run again.

Works on the project of GOOGLE_CLOUD_PROJECT and its default database, or that of
FIRESTORE_DATABASE; without that variable on the local cloud that runs from this folder.
"""

import argparse
import itertools
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from google.api_core.exceptions import GoogleAPICallError, RetryError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from deploy.local.paths import STACK_FILE
from deploy.manifest import DEFAULT_DATABASE
from shared import log
from shared.bootstrap.clients import database
from shared.bootstrap.publishing import publisher
from shared.bootstrap.settings import FunctionSettings
from shared.clock import utc_now
from shared.domain.providers import LIGHTSPEED
from shared.errors import SyncSamError
from shared.pos.config import DEFAULT_TIMEZONE
from shared.pos.lightspeed.ecom_export import BadRow, ExportContext, read_export
from shared.services.ecom.importing import EcomImport, ImportReport
from shared.store import locations
from shared.store.database import Database

BAD_ROWS_LISTED = 1_000
READ_AT_ONCE = 1 << 20

errors = Console(stderr=True, highlight=False, soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every row was imported, 1 when some were left out, 2 when nothing could be done."""
    given = _parser().parse_args(arguments)
    project = os.environ.get("GOOGLE_CLOUD_PROJECT") or _use_local_cloud()
    if not project:
        errors.print("GOOGLE_CLOUD_PROJECT is not set, and no local cloud is up (make local).")
        return 2
    log.configure("ERROR")
    settings = FunctionSettings(
        google_cloud_project=project,
        firestore_database=os.environ.get("FIRESTORE_DATABASE", DEFAULT_DATABASE),
    )
    try:
        report = _import(given, settings)
    except KeyboardInterrupt:
        errors.print("Interrupted: what was imported stays. Run it again for the rest.")
        return 2
    except (SyncSamError, OSError) as error:
        errors.print(f"Not imported: {error}")
        return 2
    except (GoogleAPICallError, RetryError) as error:
        errors.print(f"Broken off, run it again: {type(error).__name__}, {error.message}")
        return 2
    _print(report, dry_run=given.dry_run)
    return 1 if report.bad_rows else 0


def _use_local_cloud() -> str | None:
    """Its project; None where none is up. Google's clients find the emulators by variables."""
    if not STACK_FILE.exists():
        return None
    stack = json.loads(STACK_FILE.read_text())
    os.environ |= {
        "FIRESTORE_EMULATOR_HOST": stack["firestore"],
        "PUBSUB_EMULATOR_HOST": stack["pubsub"],
    }
    return str(stack["project"])


class ExportFile:
    """The file, read from its beginning as often as it is asked for."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self._path = path
        self._progress = progress
        self._doing = itertools.chain(["Checking"], itertools.repeat("Importing"))
        self._task = progress.add_task("", total=None)

    def lines(self) -> Iterator[str]:
        """Its lines, line ends included."""
        with self._path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
            size = os.fstat(text.fileno()).st_size
            self._progress.reset(self._task, total=size, description=next(self._doing))
            shown = read = 0
            for line in text:
                read += len(line)
                if read - shown >= READ_AT_ONCE:
                    self._progress.update(self._task, completed=read)
                    shown = read
                yield line
            self._progress.update(self._task, completed=size)


def _import(given: argparse.Namespace, settings: FunctionSettings) -> ImportReport:
    store = database(settings)
    topic = f"projects/{settings.google_cloud_project}/topics/spending"
    zone, location_id = _place(store, given.org, given.timezone)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TimeRemainingColumn(), console=errors) as progress:
        bad_rows = 0

        def on_bad_row(row: BadRow) -> None:
            nonlocal bad_rows
            bad_rows += 1
            if bad_rows <= BAD_ROWS_LISTED:
                lines = f"Line {row.first_line}"
                if row.last_line > row.first_line:
                    lines = f"Lines {row.first_line}-{row.last_line}"
                errors.print(f"{lines}: {row.message}.")

        file = ExportFile(given.file, progress)
        context = ExportContext(file.lines, zone, location_id, utc_now())
        run = EcomImport(store, publisher(topic), utc_now)
        report = run(given.org, read_export(context), on_bad_row, dry_run=given.dry_run)
    if bad_rows > BAD_ROWS_LISTED:
        errors.print(f"… and {bad_rows - BAD_ROWS_LISTED:,} rows more.")
    return report


def _place(store: Database, org_id: str, timezone: str | None) -> tuple[ZoneInfo, str]:
    """The time zone of the export's times, and the location that its orders are stored with."""
    configured = locations.configured(store, org_id)
    location = next(iter([*configured.of(LIGHTSPEED), *configured.active]), None)
    name = timezone or (location.timezone if location else None) or DEFAULT_TIMEZONE
    if location is None:
        return ZoneInfo(name), ""
    return ZoneInfo(name), location.pos_config.location_id or location.id


def _print(report: ImportReport, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    print(
        f"{report.orders:,} orders read: {report.created:,} {would}created, {report.updated:,}"
        f" {would}updated, {report.unchanged:,} unchanged; {report.bad_rows:,} rows left out."
    )
    print(
        f"Of those {would}written, {report.superseded:,} count by their sales, {report.unmatched:,}"
        " match no customer yet."
    )
    for name, figure in report.figures.items():
        print(f"  {name:<11} {figure:>10,}")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f"there is no time zone {name}") from None
    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.import_ecom",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("org", metavar="ORG")
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--dry-run", action="store_true", help="say what would be; write nothing")
    parser.add_argument("--timezone", type=_zone, help="of the export's times")
    return parser


if __name__ == "__main__":
    sys.exit(main())
