"""An org with customers of each kind."""

import pytest

from tests.emulator.customers.shop import ORG, Shop
from tests.emulator.dashboard.client import DashboardClient
from tests.emulator.dashboard.people import EVERYBODY, PEOPLE
from tests.fakes import SteppingClock


@pytest.fixture
def full_shop(shop: Shop) -> Shop:
    """Five customers with names, and twelve that are distinguished by their figures alone."""
    for customer_id, (first, last, email, phone) in PEOPLE.items():
        fields = {"firstName": first, "lastName": last, "email": email, "phone": phone}
        shop.customer(customer_id, **fields)
    for number in map(int, EVERYBODY[len(PEOPLE) :]):
        shop.customer(str(number))
        for order in range(number % 4):
            shop.order(f"{number}-{order}", str(number), 50, days_ago=5 * (number - 98) + order)
    shop.order("a", "1", 100, ("10", "Flower", 1), days_ago=2)
    shop.order("b", "1", -20, days_ago=1)
    shop.order("c", "1", 30, days_ago=0, status="pending")
    shop.compute()
    return shop


@pytest.fixture
def dashboard_clock() -> SteppingClock:
    """By which the dashboard keeps answers."""
    return SteppingClock()


@pytest.fixture
def dashboard(full_shop: Shop, dashboard_clock: SteppingClock) -> DashboardClient:
    return DashboardClient(full_shop.database, ORG, dashboard_clock)
