"""The report on the web shop's orders: what is missing, what waits, where amounts differ."""

import csv
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud import pubsub_v1
from google.cloud.firestore import Client

from deploy.sam.app import main
from shared.web.routes.ecom import COLUMNS
from tests.ecom_export import ExportedOrder, export
from tests.emulator.customers.web_shop import WebShop, customer, sale
from tests.emulator.dashboard.client import DashboardClient
from tests.fakes import START

ADA = customer("c1", "ada@example.com")
NOOR = customer("c2", "noor@example.com")


def order(number: int, days_ago: int = 1, email: str = ADA.email, **fields: Any) -> ExportedOrder:
    at = START - timedelta(days=days_ago)
    return ExportedOrder(number, at=at, email=email, **fields).costing(40_00)


@pytest.fixture
def web_shop(client: Client) -> WebShop:
    """Numbers 3 to 9 were exported but for 5, 6 and 8; of these the till has 6. It has 3, and for
    another amount 4, too."""
    shop = WebShop(client)
    shop.sync(
        [ADA, NOOR],
        [
            sale("s3", "c1", 40_00, number="3"),
            sale("s4", "c1", 39_00, number="4"),
            sale("s6", "c2", 12_00, number="6"),
            sale("s", "c1", 10_00),
        ],
    )
    shop.import_(
        order(3),
        order(4),
        order(7, 20),
        order(9, 200, NOOR.email),
        order(10, 40, "=x@example.com", payment="Refunded"),
    )
    shop.compute()
    return shop


@pytest.fixture
def dashboard(web_shop: WebShop) -> DashboardClient:
    return DashboardClient(web_shop.database, web_shop.org_id, web_shop.clock)


def test_the_report_says_what_is_missing_waits_and_differs(
    web_shop: WebShop, dashboard: DashboardClient
) -> None:
    assert dashboard.get("ecom/completeness") == {
        "first": 3,
        "last": 10,
        "imported": 5,
        "superseded": 2,
        "unmatched": 1,
        "waiting": {
            "count": 3,
            "byAge": {"8-30": 1, "31-90": 1, "over 90": 1},
            "oldest": "2025-08-30T15:00:00Z",
        },
        "missingCount": 2,
        "missing": [5, 8],
        "differingCount": 1,
        "differing": [
            {"number": "4", "orderTotal": 40.0, "saleId": "lightspeed_s4", "saleTotal": 39.0}
        ],
    }
    assert web_shop.figures() == {
        "imported": 5,
        "superseded": 2,
        "waiting": 3,
        "unmatched": 1,
        "missing": 2,
        "differing": 1,
    }


def test_a_missing_number_is_none_once_its_sale_has_come(web_shop: WebShop) -> None:
    web_shop.sync([], [sale("s8", "c1", 40_00, number="8")])
    assert web_shop.figures()["missing"] == 1


def test_the_table_has_a_line_for_each_buyer(dashboard: DashboardClient) -> None:
    reply = dashboard.reply("ecom/completeness", format="csv")
    assert reply.content_type.startswith("text/csv")
    header, *lines = csv.reader(io.StringIO(reply.text))
    assert tuple(header) == COLUMNS
    assert lines == [
        ["'=x@example.com", "", "1", "", "0.00", "10", "", "10", "No customer"],
        [ADA.email, "c1", "3", "1", "120.00", "3; 4; 7", "3; 4", "7", "Partly synced"],
        [NOOR.email, "c2", "1", "1", "40.00", "9", "", "9", "Not synced"],
    ]


def test_an_order_that_is_superseded_is_listed_with_its_sale(dashboard: DashboardClient) -> None:
    found = {each["id"]: each for each in dashboard.all_of("orders")}
    assert found["ecom_3"]["supersededBy"] == "lightspeed_s3"
    assert found["ecom_3"]["ecomNumber"] == found["lightspeed_s3"]["ecomNumber"] == "3"


def test_the_unmatched_are_among_the_skipped(dashboard: DashboardClient) -> None:
    [skipped] = dashboard.all_of("orders/skipped", reason="unknown_email")
    assert (skipped["orderId"], skipped["total"]) == ("ecom_10", 40.0)


def test_other_orgs_see_nothing(dashboard: DashboardClient) -> None:
    assert dashboard.reply("ecom/completeness", signed_in_at="org_other").status_code == 403


@pytest.fixture
def at_the_command_line(
    project: str, firestore_host: str, pubsub_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables of the project; its topic is there."""
    for name, value in (
        ("FIRESTORE_EMULATOR_HOST", firestore_host),
        ("PUBSUB_EMULATOR_HOST", pubsub_host),
    ):
        monkeypatch.setenv(name, value)
    pubsub_v1.PublisherClient().create_topic(name=f"projects/{project}/topics/spending")


@pytest.mark.usefixtures("at_the_command_line")
def test_the_command_imports_a_file_and_names_the_rows_it_leaves_out(
    web_shop: WebShop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given: with byte order mark, and with a row that is cut off
    file = tmp_path / "ecom_orders_export.csv"
    text = export([order(20), order(21)]) + "22;noor@example.com\r\n"
    file.write_text(text, encoding="utf-8-sig", newline="")
    arguments = ["import-ecom", web_shop.org_id, str(file), "--project", web_shop.client.project]
    # When
    dry = main([*arguments, "--dry-run"])
    before = web_shop.order(20)
    status = main(arguments)
    # Then
    printed = capsys.readouterr()
    assert (dry, status, before) == (1, 1, {})
    assert web_shop.order(20)["total"] == 40.0
    assert "2 orders read: 2 would be created" in printed.out
    assert "2 orders read: 2 created" in printed.out
    assert "Line 6: it has 2 cells" in printed.err
    assert "noor@example.com" not in printed.err


@pytest.mark.usefixtures("at_the_command_line")
@pytest.mark.parametrize(
    ("org_id", "text", "says"),
    [
        ("org_shop", "a;b\r\n1;2\r\n", "lacks the columns order_number"),
        ("org_nobody", export([order(20)]), "There is no org org_nobody"),
    ],
)
def test_the_command_says_why_it_imports_nothing(
    web_shop: WebShop,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    org_id: str,
    text: str,
    says: str,
) -> None:
    file = tmp_path / "export.csv"
    file.write_text(text, newline="")
    assert main(["import-ecom", org_id, str(file), "--project", web_shop.client.project]) == 2
    assert says in capsys.readouterr().err
