"""``verify``: does Firestore equal the POS?"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from deploy.sam.frame import DIFFERS, DONE, AnswerModel, Cli, OrgArgument, Yes, command
from deploy.sam.words import dollars, known_org, listing
from shared.bootstrap.alerts import AlertSettings, alerts
from shared.bootstrap.org_sync import OrgSyncSettings
from shared.bootstrap.pos import PosSettings, pos_opener
from shared.clock import utc_now
from shared.errors import ConfigurationInvalid
from shared.services.admin.audit import record_action
from shared.services.sync.org import OrgSync
from shared.services.sync.sales_refresh import SalesRefreshPlan
from shared.services.verification.repair import Repair
from shared.services.verification.result import (
    CacheReport,
    Compared,
    CustomerReport,
    Difference,
    LoyaltyReport,
    OrderReport,
    ProductReport,
    RepairReport,
    Share,
    Verification,
)
from shared.services.verification.result import Progress as Tell
from shared.services.verification.verify import Verify

SECONDS = 3_600.0
LEASE = timedelta(seconds=60)
SHOWN = 50
"""Differences that people are shown; JSON has all."""
OPERATORS = "OPERATOR_ALERT_URLS"


class VerifyAnswer(AnswerModel):
    """What was found. ``differences``: every document that is not as the POS has it, with its path;
    of ``more`` there was no time to look twice. ``others`` are documents of other programs, which
    are left alone. ``sample``: how many records of each kind were compared, null for all.
    ``notVerified``: providers that could not be read, and why.
    ``repair``: what was mended before this was found."""

    ok: bool
    org_id: str
    verified_at: datetime
    seconds: float
    providers: tuple[str, ...]
    not_verified: dict[str, str]
    sample: int | None
    differences: tuple[Difference, ...]
    more: int
    customers: CustomerReport
    orders: OrderReport
    products: ProductReport
    discounts: Compared
    loyalty: LoyaltyReport
    others: tuple[str, ...]
    cache: CacheReport | None
    repair: RepairReport | None

    @property
    def exit_code(self) -> int:
        return DONE if self.ok else DIFFERS

    def show(self, out: Console) -> None:
        """The report, then the differences."""
        self._show_counts(out)
        self._show_figures(out)
        if self.repair:
            out.print(f"Repaired by run {self.repair.run_id}: {self.repair.asked} differences.")
            if self.repair.held:
                waiting = f"{self.repair.held} removals wait for a decision"
                out.print(f"  {waiting}: `sync-sam removals {self.org_id}`")
            for problem in self.repair.problems:
                out.print(Text(f"  {problem}", style="red"))
        for each in self.differences[:SHOWN]:
            _show_difference(each, out)
        if (left := len(self.differences) - SHOWN) > 0:
            out.print(f"… and {left:,} more")
        for provider, why in self.not_verified.items():
            out.print(Text(f"{provider} could not be read: {why}", style="red"))
        if self.more:
            out.print(f"Of {self.more:,} more there was no time to look twice.")
        count = len(self.differences) + self.more
        told = Text(f"{count:,} differences", style="green" if self.ok else "red")
        out.print(told.append(f" after {self.seconds:,.1f} s."))
        if not self.ok:
            out.print(f"`sync-sam verify {self.org_id} --repair` mends them.")

    def _show_counts(self, out: Console) -> None:
        title = f"{self.org_id} at {', '.join(self.providers)}"
        figures = ("at the POS", "stored", "in quarantine", "others'")
        table = listing("", *figures, right=figures, title=title)
        for name in ("customers", "orders", "products", "discounts"):
            found: Compared = getattr(self, name)
            counts = (found.at_pos, found.stored, found.in_quarantine, found.others)
            table.add_row(name, *(f"{count:,}" for count in counts))
        out.print(table)
        if kept := self.customers.kept:
            out.print(
                f"Customers whom the POS has deleted and who are kept, as the org's"
                f" `sync.deletedCustomers` says: {kept:,}."
            )
        if self.sample:
            out.print(f"Compared was a sample of {self.sample:,} of each.")

    def _show_figures(self, out: Console) -> None:
        people, sold, goods = self.customers, self.orders, self.products
        out.print(
            f"Customers with orders {_share(people.with_orders)}, who spent"
            f" {dollars(people.average_spent)} on average."
        )
        if top := people.top_spender:
            spent = dollars(top.total_spent)
            out.print(Text(f"Top spender {top.name or top.customer_id}: {spent}."))
        out.print(f"Segments: {_shares(people.segments)}.")
        out.print(
            f"Orders {sold.total:,}, revenue {dollars(sold.revenue)}, {dollars(sold.average_order)}"
            f" on average; {sold.skipped:,} match no customer."
        )
        out.print(f"Statuses: {_shares(sold.statuses)}.")
        out.print(f"On the menu {goods.on_menu:,}, on sale {goods.on_sale:,}.")
        out.print(f"With a price {_share(goods.priced)}.")
        if self.loyalty.sampled:
            counted = f"Points of {self.loyalty.sampled:,} customers counted once more"
            out.print(f"{counted}: {self.loyalty.differing:,} differ.")
        if self.cache:
            out.print(
                f"The menu took {self.cache.first_ms:,.0f} ms, from the cache"
                f" {self.cache.second_ms:,.1f} ms."
            )


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "verify", VerifyAnswer, example="org_harbor --sample 500")(verify)


def verify(
    cli: Cli,
    org: OrgArgument,
    *,
    sample: Annotated[
        int | None, typer.Option(help="Compare so many customers and orders only.", min=1)
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what differs, by a run, and verify again.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds at most.", min=1)] = SECONDS,
    yes: Yes = False,
) -> VerifyAnswer:
    """Read the POS anew and compare it both ways with what is stored. Nothing is written, but with
    --repair. Exits with 1 where something differs."""
    org_id = known_org(cli, org)
    check = _verify(cli, timeout)
    with _progress(cli) as tell:
        found = check(org_id, sample=sample, progress=tell)
    if repair and not found.ok:
        count = len(found.differences)
        cli.confirm(f"Mend {count:,} differences of {org_id} in {cli.target.name}?", yes=yes)
        target = cli.target
        record_action(target.store, target.actor, "repair_started", org_id=org_id, now=utc_now())
        with _progress(cli) as tell:
            found = Repair(check, _sync(cli, check, timeout))(found, progress=tell)
    fields = {name: getattr(found, name) for name in Verification.model_fields}
    return VerifyAnswer(ok=found.ok, **fields)


def _verify(cli: Cli, seconds: float) -> Verify:
    settings = cli.target.settings_of("verify", PosSettings)
    store = cli.target.store
    return Verify(store, pos_opener(settings, store, seconds), utc_now, seconds)


def _sync(cli: Cli, check: Verify, seconds: float) -> OrgSync:
    """The engine, as ``org_sync`` has it."""
    target = cli.target
    settings = target.settings_of("org_sync", OrgSyncSettings)
    return OrgSync(
        database=target.store,
        open_pos=check.open_pos,
        spending=target.publisher("spending"),
        continuation=target.publisher("pos-sync"),
        alerts=alerts(_alert_settings(cli, settings), target.store),
        refreshes=SalesRefreshPlan(target.later("pos-sync"), utc_now),
        clock=utc_now,
        seconds=seconds,
        lease_ttl=LEASE,
    )


def _alert_settings(cli: Cli, settings: AlertSettings) -> AlertSettings:
    """With the operators' addresses, where whoever runs this may read them."""
    if cli.target.stack:
        return settings
    try:
        urls = cli.target.secret(OPERATORS)
    except ConfigurationInvalid as error:
        cli.say(f"The operators will not be alerted: {error}")
        return settings
    return settings.model_copy(update={"operator_alert_urls": urls})


@contextmanager
def _progress(cli: Cli) -> Iterator[Tell]:
    """Bars for what is read; with the function that is told of it."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"))
    hidden = not cli.errors.is_terminal
    with Progress(
        *columns, TimeElapsedColumn(), console=cli.errors, transient=True, disable=hidden
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, of: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=of)
            bars.update(tasks[what], completed=done, total=of)

        yield tell


def _show_difference(found: Difference, out: Console) -> None:
    waits = " (the next sync brings it)" if found.awaits_sync else ""
    out.print(Text(f"{found.kind}{waits}: ", style="red").append(found.path, style="bold"))
    for name in sorted({*found.stored, *found.expected}):
        stored, expected = found.stored.get(name), found.expected.get(name)
        out.print(Text(f"    {name}: stored {stored!r}, the POS says {expected!r}"))


def _share(found: Share) -> str:
    return f"{found.count:,} ({found.percent:g} %)"


def _shares(found: Mapping[str, Share]) -> str:
    return ", ".join(f"{name} {_share(each)}" for name, each in found.items()) or "none"
