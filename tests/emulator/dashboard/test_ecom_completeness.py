"""The report on the web shop's orders: what is missing, what waits, where amounts differ."""

import csv
import io
from dataclasses import replace
from datetime import timedelta

import pytest
from google.cloud.firestore import Client

from shared.bootstrap.dashboard import FUNCTION
from shared.services.ecom.completeness import EcomCompleteness
from shared.web.routes.ecom import COLUMNS
from tests.ecom_export import ExportedOrder
from tests.emulator.customers.web_shop import WebShop, customer, sale
from tests.emulator.dashboard.client import DashboardClient
from tests.fakes import START

ADA = customer("c1", "ada@example.com")
NOOR = customer("c2", "noor@example.com")


def order(number: int, days_ago: int = 1, email: str = ADA.email) -> ExportedOrder:
    made = ExportedOrder(number, at=START - timedelta(days=days_ago), email=email)
    return made.costing(40_00)
