"""The CSV file of the weekly metrics: its columns, and a customer's row.

A text that a spreadsheet would take for a formula gets an apostrophe before it.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO

from shared.domain.customer_metrics import PurchaseHistory, metrics_of
from shared.domain.customers import identifies

HEADER = (
    *("Customer ID", "Customer Code", "Name", "Email", "Phone", "Lifetime Value"),
    *("Rolling 90-Day Value", "Order Count", "Rolling 90-Day Order Count", "Average Order Value"),
    *("First Order Date", "Last Order Date", "Days Since Last Order", "Is VIP", "Is High Value"),
    *("Inactive Segment", "Tier", "Referred Sales", "eCom Order Count", "Retail Order Count"),
    *("Duplicate IDs", "Note"),
)
_FORMULA = ("=", "+", "-", "@")
"""What a formula begins with, behind white space too."""


@dataclass(frozen=True, slots=True)
class ReportedCustomer:
    """A customer of a report. ``duplicate_ids`` are the other records of the same person on the
    record that stands for them, ``duplicate_of`` is that record on the others."""

    id: str
    name: str
    email: str
    phone: str
    history: PurchaseHistory
    duplicate_ids: tuple[str, ...] = ()
    duplicate_of: str | None = None


def csv_rows(customers: Iterable[ReportedCustomer], as_of: datetime) -> str:
    """The rows of the customers at a moment."""
    return csv_lines(_row(customer, as_of) for customer in customers)


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Rows as lines of a CSV file (RFC 4180)."""
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _row(customer: ReportedCustomer, as_of: datetime) -> Sequence[object]:
    """Amounts in dollars, dates in UTC. No POS says what a customer's code or referrals are."""
    found = metrics_of(customer.history, as_of)
    lifetime = found.lifetime
    primary = customer.duplicate_of
    return (
        _text(customer.id),
        "",
        _text(customer.name),
        _text(customer.email) if identifies(customer.email) else "",
        _text(customer.phone),
        _dollars(lifetime.total_cents),
        _dollars(found.rolling_cents),
        lifetime.order_count,
        found.rolling_orders,
        _dollars(lifetime.average_cents),
        _date(lifetime.first_order_at),
        _date(lifetime.last_order_at),
        "" if found.days_since_last is None else found.days_since_last,
        _flag(found.is_vip),
        _flag(found.is_high_value),
        found.inactive.value,
        found.tier.value,
        "",
        found.ecom.order_count,
        found.retail.order_count,
        _text(";".join(customer.duplicate_ids)),
        _text(f"duplicate of {primary}") if primary else "",
    )


def _text(value: str) -> str:
    return f"'{value}" if value.lstrip().startswith(_FORMULA) else value


def _dollars(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def _date(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"


def _flag(value: bool) -> str:
    return "Yes" if value else "No"
