"""The CSV file of the weekly metrics: its columns, its values, and no formulas."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from shared.domain.customer_metrics import GatheredHistory, PurchaseHistory
from shared.domain.metrics_csv import HEADER, ReportedCustomer, csv_lines, csv_rows
from shared.domain.spending import OrderFact

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(csv_lines([HEADER]) + text, newline="")))


def test_the_header_is_the_one_that_people_know() -> None:
    assert csv_lines([HEADER]).strip() == (
        "Customer ID,Customer Code,Name,Email,Phone,Lifetime Value,Rolling 90-Day Value,"
        "Order Count,Rolling 90-Day Order Count,Average Order Value,First Order Date,"
        "Last Order Date,Days Since Last Order,Is VIP,Is High Value,Inactive Segment,Tier,"
        "Referred Sales,eCom Order Count,Retail Order Count,Duplicate IDs,Note"
    )


def test_a_row_says_everything_of_a_customer() -> None:
    # Given
    gathered = GatheredHistory(NOW)
    for cents, days, channel in ((800_10, 120, "retail"), (300_00, 35, "ecom"), (-5, 34, "ecom")):
        at = NOW - timedelta(days=days)
        gathered.add(OrderFact("completed", "pickup", cents, at, channel=channel))
    ada = ReportedCustomer(
        id="7",
        name='Ada "The Countess", Lovelace',
        email="ada@example.com",
        phone="518-555-0123",
        history=gathered.history,
        duplicate_ids=("8", "9"),
    )
    # When
    [row] = read(csv_rows([ada], NOW))
    # Then
    assert row == {
        "Customer ID": "7",
        "Customer Code": "",
        "Name": 'Ada "The Countess", Lovelace',
        "Email": "ada@example.com",
        "Phone": "518-555-0123",
        "Lifetime Value": "1100.05",
        "Rolling 90-Day Value": "299.95",
        "Order Count": "2",
        "Rolling 90-Day Order Count": "1",
        "Average Order Value": "550.03",
        "First Order Date": "2026-07-26",
        "Last Order Date": "2026-10-19",
        "Days Since Last Order": "35",
        "Is VIP": "Yes",
        "Is High Value": "Yes",
        "Inactive Segment": "30",
        "Tier": "Sprout",
        "Referred Sales": "",
        "eCom Order Count": "1",
        "Retail Order Count": "1",
        "Duplicate IDs": "8;9",
        "Note": "",
    }


def test_another_record_of_a_person_names_the_one_that_stands_for_them() -> None:
    other = ReportedCustomer("8", "", "no-email@alleaves.local", "", PurchaseHistory(), (), "7")
    [row] = read(csv_rows([other], NOW))
    assert row["Note"] == "duplicate of 7"
    assert row["Email"] == ""
    assert row["Tier"] == "none"
    assert row["Days Since Last Order"] == ""


@pytest.mark.parametrize(
    "text", ["=1+1", "+15185550123", "-2", "@SUM(A1)", "\t=1", "\r=1", " =HYPERLINK(1)"]
)
def test_no_text_is_a_formula_in_a_spreadsheet(text: str) -> None:
    customer = ReportedCustomer(text, text, text, text, PurchaseHistory(), (text,))
    [row] = read(csv_rows([customer], NOW))
    for column in ("Customer ID", "Name", "Phone", "Duplicate IDs"):
        assert row[column] == f"'{text}"


def test_a_negative_amount_stays_a_number() -> None:
    gathered = GatheredHistory(NOW)
    gathered.add(OrderFact("completed", "in_store", -1_05, NOW))
    [row] = read(csv_rows([ReportedCustomer("7", "", "", "", gathered.history)], NOW))
    assert row["Lifetime Value"] == "-1.05"
