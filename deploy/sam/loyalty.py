"""``discrepancies``: customers whose points from orders and at the loyalty provider differ."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from deploy.sam.frame import AnswerModel, Cli, CouldNot, OrgArgument, command
from deploy.sam.words import known_org, listing, moment
from shared.clock import utc_now
from shared.services.admin.loyalty_reviews import ReviewLoyalty
from shared.store import loyalty
from shared.store.database import Document


class Review(StrEnum):
    """What a person has done with one."""

    REVIEWED = "reviewed"


class Discrepancy(AnswerModel):
    """A customer's two figures. ``reviewedAt``: when somebody has looked at them as they are."""

    customer_id: str
    from_orders: int | None
    at_provider: int | None
    difference: int | None
    tier: str | None
    calculated_at: datetime | None
    reviewed_at: datetime | None


class DiscrepanciesAnswer(AnswerModel):
    """The customers who need a review, by id; or the one who was just ``reviewed``."""

    org_id: str
    discrepancies: tuple[Discrepancy, ...]
    reviewed: str | None

    def show(self, out: Console) -> None:
        """A line for each."""
        if self.reviewed:
            out.print(f"Customer {self.reviewed} is noted as reviewed.", markup=False)
            return
        if not self.discrepancies:
            out.print("Nobody's points differ.")
            return
        figures = ("from orders", "at the provider", "difference")
        table = listing("customer", *figures, "calculated", "reviewed", right=figures)
        for each in self.discrepancies:
            counts = (each.from_orders, each.at_provider, each.difference)
            reviewed = moment(each.reviewed_at) if each.reviewed_at else ""
            cells = (f"{count:,}" if count is not None else "" for count in counts)
            table.add_row(each.customer_id, *cells, moment(each.calculated_at), reviewed)
        out.print(table)
        out.print(
            f"`sync-sam discrepancies {self.org_id} reviewed CUSTOMER` notes one as reviewed."
        )


def register(app: typer.Typer) -> None:
    """Add the command."""
    example = "org_harbor reviewed 4711"
    command(app, "discrepancies", DiscrepanciesAnswer, example=example)(discrepancies)


def discrepancies(
    cli: Cli,
    org: OrgArgument,
    review: Annotated[
        Review | None, typer.Argument(help="Note one as reviewed; without it they are listed.")
    ] = None,
    customer: Annotated[str | None, typer.Argument(metavar="CUSTOMER", help="Which one.")] = None,
) -> DiscrepanciesAnswer:
    """Customers whose points from orders differ too much from the loyalty provider's; or note that
    one was reviewed, until a figure changes."""
    org_id, store = known_org(cli, org), cli.target.store
    if review is None:
        found = tuple(map(_told, loyalty.in_review(store, org_id)))
        return DiscrepanciesAnswer(org_id=org_id, discrepancies=found, reviewed=None)
    if customer is None:
        raise CouldNot(f"say which customer: `sync-sam discrepancies {org_id}` lists them")
    ReviewLoyalty(store, utc_now)(org_id, customer, cli.target.actor)
    return DiscrepanciesAnswer(org_id=org_id, discrepancies=(), reviewed=customer)


def _told(customer: Document) -> Discrepancy:
    fields = customer.fields
    review = loyalty.review_of(fields)
    return Discrepancy(
        customer_id=customer.id,
        from_orders=fields.get("pointsFromOrders"),
        at_provider=fields.get("pointsFromAlpine"),
        difference=fields.get("loyaltyDiscrepancy"),
        tier=fields.get("loyaltyTier"),
        calculated_at=fields.get("pointsLastCalculated"),
        reviewed_at=review["at"] if review else None,
    )
