"""``import-ecom``: the order export of a web shop at Lightspeed eCom.

The file is ``ecom_orders_export.csv`` as My Sales > Orders > Export writes it. Its times are in the
time zone of the org's first active location (--timezone: another one). Rows that cannot be used
are listed with their lines and left out. Importing a file twice, or one that overlaps with another,
changes nothing; where two files differ about an order the one imported last holds. An import that
was interrupted is simply run again.
"""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from deploy.sam.frame import DIFFERS, DONE, AnswerModel, Cli, OrgArgument, command
from deploy.sam.words import known_org
from shared.clock import utc_now
from shared.domain.providers import LIGHTSPEED
from shared.pos.config import DEFAULT_TIMEZONE
from shared.pos.lightspeed.ecom_export import BadRow, ExportContext, read_export
from shared.services.admin.audit import record_action
from shared.services.ecom.importing import EcomImport, ImportReport
from shared.store import locations
from shared.store.database import Database

BAD_ROWS_LISTED = 1_000
READ_AT_ONCE = 1 << 20


class LeftOut(AnswerModel):
    """A row that cannot be used, and why."""

    first_line: int
    last_line: int
    message: str


class EcomAnswer(AnswerModel):
    """What was imported, or with --dry-run would be. ``superseded`` count by their sales,
    ``unmatched`` match no customer yet; ``figures`` are those of all the org's imported orders.
    ``leftOut`` are the first BAD_ROWS_LISTED of the ``badRows``."""

    org_id: str
    dry_run: bool
    orders: int
    created: int
    updated: int
    unchanged: int
    superseded: int
    unmatched: int
    bad_rows: int
    left_out: tuple[LeftOut, ...]
    figures: dict[str, int]

    @property
    def exit_code(self) -> int:
        return DIFFERS if self.bad_rows else DONE

    def show(self, out: Console) -> None:
        """The counts."""
        would = "would be " if self.dry_run else ""
        out.print(
            f"{self.orders:,} orders read: {self.created:,} {would}created, {self.updated:,}"
            f" {would}updated, {self.unchanged:,} unchanged; {self.bad_rows:,} rows left out."
        )
        out.print(
            f"Of those {would}written, {self.superseded:,} count by their sales,"
            f" {self.unmatched:,} match no customer yet."
        )
        for name, figure in self.figures.items():
            out.print(f"  {name:<11} {figure:>10,}")


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


def register(app: typer.Typer) -> None:
    """Add the command."""
    example = "org_harbor ecom_orders_export.csv --dry-run"
    command(app, "import-ecom", EcomAnswer, example=example)(import_ecom)


def import_ecom(
    cli: Cli,
    org: OrgArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="ecom_orders_export.csv")],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be; write nothing.")
    ] = False,
    timezone: Annotated[str | None, typer.Option(help="Of the export's times.")] = None,
) -> EcomAnswer:
    """Import the order export of a web shop at Lightspeed. A second time it changes nothing; rows
    that cannot be used are named and left out."""
    org_id, store = known_org(cli, org), cli.target.store
    zone, location_id = _place(store, org_id, timezone)
    left_out: list[LeftOut] = []
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TimeRemainingColumn(), console=cli.errors) as progress:

        def on_bad_row(row: BadRow) -> None:
            if len(left_out) < BAD_ROWS_LISTED:
                told = LeftOut(
                    first_line=row.first_line, last_line=row.last_line, message=row.message
                )
                left_out.append(told)
                lines = f"Line {row.first_line}"
                if row.last_line > row.first_line:
                    lines = f"Lines {row.first_line}-{row.last_line}"
                cli.say(f"{lines}: {row.message}.")

        export = ExportFile(file, progress)
        context = ExportContext(export.lines, zone, location_id, utc_now())
        if not dry_run:
            actor, now = cli.target.actor, utc_now()
            record_action(store, actor, "export_imported", org_id=org_id, now=now)
        run = EcomImport(store, cli.target.publisher("spending"), utc_now)
        report = run(org_id, read_export(context), on_bad_row, dry_run=dry_run)
    if report.bad_rows > BAD_ROWS_LISTED:
        cli.say(f"… and {report.bad_rows - BAD_ROWS_LISTED:,} rows more.")
    return _answer(org_id, report, left_out, dry_run=dry_run)


def zone_named(name: str) -> ZoneInfo:
    """The time zone of that name. Raises typer's BadParameter."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise typer.BadParameter(f"there is no time zone {name}") from None


def _place(store: Database, org_id: str, timezone: str | None) -> tuple[ZoneInfo, str]:
    """The time zone of the export's times, and the location that its orders are stored with."""
    configured = locations.configured(store, org_id)
    location = next(iter([*configured.of(LIGHTSPEED), *configured.active]), None)
    zone = zone_named(timezone or (location.timezone if location else None) or DEFAULT_TIMEZONE)
    if location is None:
        return zone, ""
    return zone, location.pos_config.location_id or location.id


def _answer(
    org_id: str, report: ImportReport, left_out: list[LeftOut], *, dry_run: bool
) -> EcomAnswer:
    return EcomAnswer(
        org_id=org_id,
        dry_run=dry_run,
        orders=report.orders,
        created=report.created,
        updated=report.updated,
        unchanged=report.unchanged,
        superseded=report.superseded,
        unmatched=report.unmatched,
        bad_rows=report.bad_rows,
        left_out=tuple(left_out),
        figures=dict(report.figures),
    )
