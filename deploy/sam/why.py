"""``why``: where the figures of a customer, an order or a product come from."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from deploy.sam.frame import AnswerModel, Cli, OrgArgument, command
from deploy.sam.words import dollars, known_org, listing, moment
from shared.clock import utc_now
from shared.domain.wording import counted
from shared.services.reads.explanations.customer import ExplainCustomer
from shared.services.reads.explanations.order import ExplainOrder
from shared.services.reads.explanations.product import ExplainProduct
from shared.web.routes.explanations import (
    CustomerExplanationResponse,
    OrderExplanationResponse,
    ProductExplanationResponse,
    QuarantineEntryView,
    RunBehindView,
    customer_view,
    order_view,
    product_view,
)

SHOWN = 30
"""Orders of a customer that people are shown; JSON has 100."""


class Kind(StrEnum):
    """What there is to explain."""

    CUSTOMER = "customer"
    ORDER = "order"
    PRODUCT = "product"


class WhyAnswer(AnswerModel):
    """The explanation, as the routes ``/api/…/explanation`` give it: one of the three."""

    org_id: str
    customer: CustomerExplanationResponse | None = None
    order: OrderExplanationResponse | None = None
    product: ProductExplanationResponse | None = None

    def show(self, out: Console) -> None:
        if self.customer:
            _show_customer(self.customer, out)
        if self.order:
            _show_order(self.order, out)
        if self.product:
            _show_product(self.product, out)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "why", WhyAnswer, example="org_harbor customer 4711")(why)


def why(
    cli: Cli,
    org: OrgArgument,
    kind: Annotated[Kind, typer.Argument(help="What to explain.")],
    record: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="Its id as it is stored; of an order also the POS's own."
        ),
    ],
) -> WhyAnswer:
    """Where the figures of a customer, an order or a product come from."""
    org_id, store = known_org(cli, org), cli.target.store
    if kind is Kind.CUSTOMER:
        found = customer_view(ExplainCustomer(store, utc_now)(org_id, record))
        return WhyAnswer(org_id=org_id, customer=found)
    if kind is Kind.ORDER:
        return WhyAnswer(org_id=org_id, order=order_view(ExplainOrder(store)(org_id, record)))
    return WhyAnswer(org_id=org_id, product=product_view(ExplainProduct(store)(org_id, record)))


def _show_customer(found: CustomerExplanationResponse, out: Console) -> None:
    removed = f", removed from the POS {moment(found.removed_at)}" if found.removed_at else ""
    out.print(Text(f"Customer {found.customer_id} of {found.source}{removed}", style="bold"))
    _show_quarantine(found.quarantine, out)
    if found.duplicate_of:
        out.print(f"The same person as customer {found.duplicate_of}.", markup=False)
    if found.duplicate_ids:
        out.print(f"Stands for customers {', '.join(found.duplicate_ids)}, too.", markup=False)
    _show_spending(found, out)
    _show_segment(found, out)
    if rfm := found.rfm:
        out.print(
            f"\nRecency {rfm.recency_days} days, frequency {rfm.frequency}, monetary"
            f" ${rfm.monetary:,.2f}; scores {_scores(rfm.scores)}"
        )
    points = found.points
    if points.problem:
        out.print(Text(f"\nPoints: {points.problem}", style="red"))
    else:
        rate = f"{points.points_per_dollar} a dollar, times {points.multiplier}"
        out.print(f"\nPoints: {points.calculated} from orders ({rate})")
        if points.points is None:
            out.print("  No loyalty run has stored any yet.")
        else:
            out.print(
                f"  Stored {moment(points.calculated_at)}: {points.stored_calculated} from orders,"
                f" {points.from_provider} at the provider; {points.points} hold"
                f" ({points.source}), tier {points.tier}"
            )
    _show_run(found.run, out)


def _show_spending(found: CustomerExplanationResponse, out: Console) -> None:
    spent = found.spending
    now, stored = spent.recounted, spent.stored
    out.print(
        f"\nSpent ${now.total_spent:,.2f} over {counted(now.order_count, 'orders')},"
        f" ${now.avg_order_value:,.2f} on average:"
    )
    for effect, count in spent.effects.items():
        out.print(f"  {count:>6,} {effect.value}: {effect.message}", markup=False)
    if stored and not spent.agrees:
        out.print(
            f"  Stored is ${stored.total_spent:,.2f} over {counted(stored.order_count, 'orders')},"
            " which differs: `sync-sam sync --full` computes it again.",
            style="red",
        )
    columns = ("order", "total", "created", "status", "effect")
    table = listing(*columns, right=["total"])
    for order in spent.orders[:SHOWN]:
        style = None if order.counts else "dim"
        cells = (order.order_id, dollars(order.total), moment(order.created_at))
        table.add_row(*cells, order.status or "", order.effect.value, style=style)
    if spent.orders:
        out.print(table)
    left = sum(spent.effects.values()) - min(len(spent.orders), SHOWN)
    if left:
        out.print(f"  … and {left:,} orders before these.")


def _show_segment(found: CustomerExplanationResponse, out: Console) -> None:
    segment = found.segment
    out.print(f"\nSegment {segment.now.value}: {segment.reason}", markup=False)
    if segment.stored and segment.stored != segment.now.value:
        out.print(f"  Stored is {segment.stored}: {segment.stored_reason}", markup=False)
    for rule in segment.rules:
        out.print(f"  {'→' if rule.decides else ' '} {rule.segment.value}: {rule.asks}")


def _show_order(found: OrderExplanationResponse, out: Console) -> None:
    out.print(Text(f"Order {found.order_id}", style="bold"))
    _show_quarantine(found.quarantine, out)
    if skipped := found.skipped:
        out.print(f"Skipped ({skipped.reason}): {skipped.message}", style="yellow", markup=False)
        if skipped.pos_customer_id:
            out.print(f"  It names customer {skipped.pos_customer_id}.", markup=False)
        _show_run(skipped.run, out)
    if stored := found.stored:
        out.print(f"{dollars(stored.total)} at {moment(stored.created_at)}, {stored.type}")
        out.print(f"{stored.effect.value}: {stored.why}")
        changed = " (another program has set it)" if stored.changed_by_others else ""
        out.print(f"Status {stored.status}{changed}; the POS says {stored.pos_status}.")
        known = "" if stored.customer_is_stored else ", who is not stored"
        out.print(f"Customer {stored.customer_id}{known}.", markup=False)
        if stored.superseded_by:
            out.print(f"Superseded by {stored.superseded_by}.", markup=False)
        if stored.removed_at:
            out.print(f"Removed from the POS {moment(stored.removed_at)}.")
        _show_run(stored.run, out)


def _scores(scores: Mapping[str, int] | None) -> str:
    if not scores:
        return "not computed yet"
    return ", ".join(f"{name} {score}" for name, score in scores.items())


def _show_product(found: ProductExplanationResponse, out: Console) -> None:
    price, sale = found.price, found.sale
    out.print(Text(f"Product {found.product_id}: {found.name} ({found.category})", style="bold"))
    _show_quarantine(found.quarantine, out)
    if found.removed_at:
        out.print(f"Removed from the POS {moment(found.removed_at)}.")
    out.print(f"\nPrice {dollars(price.price)} from {price.source}:")
    for step in price.steps:
        out.print(f"  {'→' if step.used else ' '} {step.source}: {step.rule}", markup=False)
    if price.cost is not None:
        batch = "" if price.batch_cost is None else f", of the batch {dollars(price.batch_cost)}"
        out.print(f"  Cost {dollars(price.cost)}{batch}.")
    for change in price.changes:
        moved = f"{dollars(change.previous_price)} → {dollars(change.price)}"
        out.print(f"  {moment(change.changed_at)}: {moved}")
    if sale.is_on_sale:
        cost = f" at {dollars(sale.sale_price)}" if sale.sale_price is not None else ""
        out.print(f"\nOn sale{cost} ({sale.badge}) by discount {sale.discount_id}", markup=False)
        if sale.discount:
            out.print(f"  {sale.discount.name}: {sale.discount.type} {sale.discount.value}")
        out.print(f"  until {moment(sale.ends_at) if sale.ends_at else 'further notice'}")
    else:
        out.print("\nNot on sale.")
    out.print(f"\n{found.quantity:g} in stock, {'' if found.available else 'not '}available:")
    for here in found.stock:
        marked = "→" if here.decides else " "
        out.print(f"  {marked} {here.location_id}: {here.quantity:g} at {dollars(here.price)}")
    shown = "on the public menu" if found.on_menu else "not on the public menu"
    out.print(f"It is {shown}.")
    if found.menu_differs:
        out.print(f"  The menu differs in {', '.join(found.menu_differs)}.", style="red")
    _show_run(found.run, out)


def _show_quarantine(entry: QuarantineEntryView | None, out: Console) -> None:
    if entry:
        told = f"In quarantine since {moment(entry.first_seen_at)}: {entry.message} [{entry.code}]"
        out.print(Text(told, style="yellow"))


def _show_run(run: RunBehindView | None, out: Console) -> None:
    if run:
        which = "Written by" if run.named else "The last run before it was written:"
        state = f", {run.state.value}, {moment(run.started_at)}" if run.state else ""
        out.print(f"\n{which} {run.run_id}{state}", style="dim")
