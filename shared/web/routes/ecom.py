"""``/api/ecom/completeness``: what became of the web shop's orders, for the staff of an org."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from shared.domain.money import dollars_or_none, to_dollars
from shared.services.ecom.completeness import BuyerOrders, Completeness, EcomCompleteness
from shared.web.auth import Rule
from shared.web.request import NoBody, OrgQuery
from shared.web.response import RawContent, ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable

CSV = "text/csv"
COLUMNS = (
    "Email",
    "Retail Customer ID",
    "ECom Order Count",
    "Retail Order Count",
    "Total ECom Value",
    "ECom Orders (Order Numbers)",
    "Synced Orders",
    "Not Synced Orders",
    "Status",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of cells that a spreadsheet would calculate."""


class CompletenessQuery(OrgQuery):
    """An org, and the format of the report: figures, or a table of the buyers."""

    format: Literal["json", "csv"] = "json"


class DifferenceView(ResponseModel):
    """An order whose sale has another total. Money in dollars."""

    number: str
    order_total: float | None
    sale_id: str
    sale_total: float | None


class WaitingView(ResponseModel):
    """The orders that have no sale yet; ``byAge`` by their age in days."""

    count: int
    by_age: dict[str, int]
    oldest: datetime | None


class CompletenessResponse(ResponseModel):
    """``missing`` are the numbers between the first order and the last that neither an export nor
    a sale has; the lists are cut off after a thousand."""

    first: int | None
    last: int | None
    imported: int
    superseded: int
    unmatched: int
    waiting: WaitingView
    missing_count: int
    missing: list[int]
    differing_count: int
    differing: list[DifferenceView]


def routes(completeness: EcomCompleteness, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/api/ecom/completeness", CompletenessQuery, CompletenessResponse, CSV)
    def report(call: RouteCall[CompletenessQuery, NoBody]) -> RouteReply:
        """How complete the imported orders of the web shop are; as CSV by buyer."""
        if call.params.format == "csv":
            return RouteReply(RawContent(CSV, _csv_table(completeness.buyers(call.org_id))))
        return RouteReply(_view(completeness.report(call.org_id)))

    return table


def _view(found: Completeness) -> CompletenessResponse:
    return CompletenessResponse(
        first=found.first,
        last=found.last,
        imported=found.imported,
        superseded=found.superseded,
        unmatched=found.unmatched,
        waiting=WaitingView(
            count=found.imported - found.superseded,
            by_age=found.waiting_by_age,
            oldest=found.oldest_waiting,
        ),
        missing_count=found.missing_count,
        missing=list(found.missing),
        differing_count=found.differing_count,
        differing=[
            DifferenceView(
                number=each.number,
                order_total=dollars_or_none(each.order_cents),
                sale_id=each.sale_id,
                sale_total=dollars_or_none(each.sale_cents),
            )
            for each in found.differing
        ],
    )


def _csv_table(buyers: Iterable[BuyerOrders]) -> bytes:
    """One line per buyer; several numbers in one cell."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for buyer in buyers:
        table.writerow(
            (
                _cell(buyer.email),
                _cell(buyer.customer_id or ""),
                len(buyer.numbers),
                "" if buyer.retail_orders is None else buyer.retail_orders,
                f"{to_dollars(buyer.cents):.2f}",
                _numbers(buyer.numbers),
                _numbers(sorted(buyer.synced)),
                _numbers(sorted(buyer.not_synced)),
                buyer.status,
            )
        )
    return text.getvalue().encode()


def _numbers(numbers: Iterable[int]) -> str:
    return "; ".join(map(str, numbers))


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
