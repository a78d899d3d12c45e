"""The calls that a client of Lightspeed makes, and those of them that are reserved."""

import pytest

from shared.clock import OutOfTime
from shared.pos.lightspeed.budget import FREE_CALLS, CallBudget, Take
from tests.unit.pos.lightspeed.rows import customer
from tests.unit.pos.lightspeed.service import Retailer


class Reserved:
    """How many calls may be reserved, and how many were taken."""

    def __init__(self, most: int = 1000) -> None:
        self.allowed: list[int] = []
        self.taken = 0
        self._most = most

    def reserving(self, calls: int) -> Take:
        self.allowed.append(calls)
        return self._take

    def _take(self) -> None:
        if self.taken == self._most:
            raise OutOfTime
        self.taken += 1


@pytest.fixture
def retailer() -> Retailer:
    retailer = Retailer()
    for number in range(FREE_CALLS + 8):
        retailer.put("customers", customer(id=f"customer-{number}"))
    return retailer


def listed(retailer: Retailer, reserved: Reserved) -> int:
    """How many customers are listed, one a page."""
    client = retailer.client(budget=CallBudget(reserved.reserving), pageSize=1)
    return sum(page.rows for page in client.customers())


def test_the_first_calls_are_made_without_any_reserved(retailer: Retailer) -> None:
    reserved = Reserved()

    assert listed(retailer, reserved) == FREE_CALLS + 8

    assert reserved.taken == 9
    assert reserved.allowed == [300]


def test_the_limit_is_what_the_pos_says(retailer: Retailer) -> None:
    reserved = Reserved()
    retailer.headers = {"X-RateLimit-Limit": "1550", "X-RateLimit-Remaining": "1200"}

    listed(retailer, reserved)

    assert reserved.allowed == [1500]


def test_where_the_pos_says_that_few_are_left_every_further_call_is_reserved(
    retailer: Retailer,
) -> None:
    reserved = Reserved()
    retailer.headers = {"X-RateLimit-Remaining": "49"}

    listed(retailer, reserved)

    assert reserved.taken == len(retailer.transport.sent) - 1


def test_a_turn_that_comes_too_late_ends_the_work_of_the_invocation(retailer: Retailer) -> None:
    reserved = Reserved(most=3)

    with pytest.raises(OutOfTime):
        listed(retailer, reserved)

    assert len(retailer.transport.sent) == FREE_CALLS + 3


@pytest.mark.parametrize("said", ["", "many", "-1", "٣"])
def test_headers_that_cannot_be_read_say_nothing(retailer: Retailer, said: str) -> None:
    reserved = Reserved()
    retailer.headers = {"X-RateLimit-Limit": said, "X-RateLimit-Remaining": said}

    listed(retailer, reserved)

    assert (reserved.allowed, reserved.taken) == ([300], 9)
