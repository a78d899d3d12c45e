"""``orgs`` and ``status``: how the orgs stand."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer
from pydantic import RootModel
from rich.console import Console
from rich.text import Text

from deploy.sam.frame import Cli, OrgArgument, Shown, command
from deploy.sam.words import ago, known_org, listing
from shared.clock import utc_now
from shared.domain.org_health import Freshness, OrgState
from shared.domain.wording import counted
from shared.services.reads.org_status import OrgStatusReads, lease_version
from shared.services.reads.orgs import OrgReads, fleet_version
from shared.services.reads.response_cache import ResponseCache
from shared.web.routes.orgs import OrgStatusResponse, OrgView, status_view

PAGE = 200
FAILING = (OrgState.ERROR, OrgState.PAUSED)
STYLES = {OrgState.ERROR: "red", OrgState.PAUSED: "yellow", OrgState.HELD: "yellow"}
GOOD_STREAMS = (Freshness.LIVE, Freshness.RECENT)


class OrgsAnswer(Shown, RootModel[tuple[OrgView, ...]]):
    """The orgs, as ``GET /api/orgs`` has them."""

    def show(self, out: Console) -> None:
        """A line for each."""
        if not self.root:
            out.print("No org is so: `sync-sam orgs` lists all, `sync-sam connect ORG` adds one.")
            return
        counts = ("customers", "orders", "products", "held")
        table = listing("org", "state", "last success", "failing since", *counts, right=counts)
        for each in self.root:
            figures = (each.customers_count, each.orders_count, each.menu_products_count)
            table.add_row(
                Text(each.org_id),
                Text(each.state.value, style=STYLES.get(each.state, "")),
                ago(each.last_success_at),
                ago(each.failing_since) if each.failing_since else "",
                *(f"{figure:,}" for figure in (*figures, each.deletions_held)),
            )
        out.print(table)
        for each in self.root:
            if each.last_error:
                out.print(Text(f"{each.org_id}: ", style="bold").append(each.last_error, "red"))


class StatusAnswer(Shown, OrgStatusResponse):
    """How an org stands, as ``GET /api/orgs/{orgId}/status`` has it."""

    def show(self, out: Console) -> None:
        """The org, its streams and locations."""
        state = Text(f"{self.org_id}: ", style="bold")
        out.print(state.append(self.state.value, style=STYLES.get(self.state, "green")))
        out.print(f"  last success {ago(self.last_success_at)}, last sync {ago(self.last_sync_at)}")
        if self.failing_since:
            out.print(f"  failing since {ago(self.failing_since)}")
        if self.last_error:
            out.print(Text(f"  {self.last_error}", style="red"))
        self._show_streams(out)
        for place in self.locations:
            name = f" ({place.name})" if place.name else ""
            out.print(Text(f"  location {place.id}{name}: {place.provider}, {place.status}"))
        if found := self.verification:
            counts = f"{counted(found.customers, 'customers')}, {counted(found.orders, 'orders')}"
            told = Text(f"  verified {ago(found.verified_at)}: {counts}, ")
            style = "green" if found.ok else "red"
            out.print(told.append(counted(found.differences, "differences"), style=style))
        if self.running:
            out.print(Text(f"  run {self.running.run_id} is under way"))
        if self.deletions_held:
            out.print(f"  {self.deletions_held} removals wait: `sync-sam removals {self.org_id}`")
        if self.quarantined:
            out.print(f"  {counted(self.quarantined, 'records')} in quarantine")
        for warning in self.warnings:
            out.print(Text(f"  Warning: {warning}"))

    def _show_streams(self, out: Console) -> None:
        for stream in self.streams:
            good = stream.freshness in GOOD_STREAMS
            line = Text(f"  {stream.stream:<10} ")
            line.append(f"{stream.freshness.value:<7}", style="green" if good else "yellow")
            count = "" if stream.count is None else f"{stream.count:,}"
            out.print(line.append(f" {count:>9}  {ago(stream.last_success_at)}"))
            if stream.problem and stream.problem != self.last_error:
                out.print(Text(f"    {stream.problem}", style="red"))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "orgs", OrgsAnswer, example="--failing")(orgs)
    command(app, "status", StatusAnswer, example="org_harbor")(status)


def orgs(
    cli: Cli,
    *,
    failing: Annotated[
        bool, typer.Option("--failing", help="Only those in error, and those that are paused.")
    ] = False,
    state: Annotated[OrgState | None, typer.Option(help="Only those in this state.")] = None,
) -> OrgsAnswer:
    """All orgs and how their sync stands: since when one fails, and what is wrong."""
    states = FAILING if failing else (state,)
    return OrgsAnswer(tuple(each for wanted in states for each in _orgs(cli, wanted)))


def _orgs(cli: Cli, state: OrgState | None) -> Iterator[OrgView]:
    store = cli.target.store
    reads = OrgReads(store, utc_now, ResponseCache(store, version_of=fleet_version))
    cursor: str | None = None
    while True:
        page = reads.page(state=state, cursor=cursor, limit=PAGE)
        yield from (OrgView.model_validate(asdict(each)) for each in page.orgs)
        if (cursor := page.cursor) is None:
            return


def status(cli: Cli, org: OrgArgument) -> StatusAnswer:
    """How one org stands: each kind of data, each location, the run under way."""
    org_id = known_org(cli, org)
    return StatusAnswer.model_validate(status_of(cli, org_id).model_dump())


def status_of(cli: Cli, org_id: str) -> OrgStatusResponse:
    """The org's status as it stands now."""
    store = cli.target.store
    reads = OrgStatusReads(store, utc_now, ResponseCache(store, version_of=lease_version))
    return status_view(reads(org_id))
