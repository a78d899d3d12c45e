"""The report on the web shop's orders: what is missing, what waits, where amounts differ."""

from datetime import timedelta

from tests.ecom_export import ExportedOrder
from tests.emulator.customers.web_shop import customer
from tests.fakes import START

ADA = customer("c1", "ada@example.com")
NOOR = customer("c2", "noor@example.com")


def order(number: int, days_ago: int = 1, email: str = ADA.email) -> ExportedOrder:
    made = ExportedOrder(number, at=START - timedelta(days=days_ago), email=email)
    return made.costing(40_00)
