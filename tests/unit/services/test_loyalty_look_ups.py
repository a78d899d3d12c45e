"""Asking the loyalty provider within a run's window."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from shared.clock import OutOfTime
from shared.domain.loyalty import ProviderAnswer, ProviderStatus
from shared.errors import ProviderFailed
from shared.services.loyalty.look_ups import (
    NOT_CONFIGURED,
    UNAVAILABLE,
    LookUps,
    LoyaltyAccount,
    LoyaltyContact,
)
from shared.services.permits import OutOfPermits, Permits
from tests.unit.services.sync_in_memory import NOW, EmptyDatabase

FOUND = ProviderAnswer(ProviderStatus.FOUND, 240, "1")
END = NOW + timedelta(hours=6)
PEOPLE = [LoyaltyContact(str(n), f"+1212555010{n}", None) for n in range(4)]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


class Provider:
    """Answers, or raises the next of ``failures``."""

    def __init__(self, failures: Sequence[Exception] = ()) -> None:
        self.failures = [*failures]
        self.calls = 0

    def look_up(self, phone: str | None, email: str | None) -> ProviderAnswer:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return FOUND


class PermitsUntil(Permits):
    """No permit is left, and the next is free at a given time."""

    def __init__(self, free_at: datetime) -> None:
        super().__init__(EmptyDatabase(), "test", (), until=END, clock=lambda: NOW)
        self._free_at = free_at

    def expect(self, calls: int) -> int:
        raise OutOfPermits(self._free_at)


def look_ups(provider: Provider, permits: Permits | None = None) -> LookUps:
    free = Permits(EmptyDatabase(), "test", (), until=END, clock=lambda: NOW)
    return LookUps(LoyaltyAccount(provider, permits or free, END))


def test_within_the_window_all_are_asked_about(pool: ThreadPoolExecutor) -> None:
    provider = Provider()
    answers = look_ups(provider).ask(PEOPLE, pool, END - timedelta(seconds=1))
    assert answers == {person.customer_id: FOUND for person in PEOPLE}


def test_from_its_end_on_nobody_is_asked_about(pool: ThreadPoolExecutor) -> None:
    # Given
    provider = Provider()
    asking = look_ups(provider)
    # When
    answers = asking.ask([*PEOPLE, LoyaltyContact("9", None, None)], pool, END)
    # Then all are left to a later run, nobody to the next invocation
    assert (answers, provider.calls) == ({}, 0)
    assert (asking.over, asking.stopped) == (True, None)


@pytest.mark.parametrize(
    ("free_at", "over"),
    [(END - timedelta(seconds=1), False), (END, True), (END + timedelta(minutes=5), True)],
)
def test_a_call_that_comes_too_late_for_the_window_is_not_waited_for(
    pool: ThreadPoolExecutor, free_at: datetime, over: bool
) -> None:
    # Given
    asking = look_ups(Provider(), PermitsUntil(free_at))
    # When
    assert asking.ask(PEOPLE, pool, NOW) == {}
    # Then
    assert asking.over is over
    assert isinstance(asking.stopped, OutOfPermits) is not over


def test_a_retry_that_comes_too_late_for_the_window_ends_it(pool: ThreadPoolExecutor) -> None:
    # Given
    asking = look_ups(Provider([OutOfPermits(END)]))
    # When
    answers = asking.ask(PEOPLE[:1], pool, NOW)
    # Then
    assert (answers, asking.over, asking.stopped) == ({}, True, None)


def test_time_that_is_up_is_not_the_windows_end(pool: ThreadPoolExecutor) -> None:
    asking = look_ups(Provider([OutOfTime()]))
    assert asking.ask(PEOPLE[:1], pool, NOW) == {}
    assert not asking.over
    assert isinstance(asking.stopped, OutOfTime)


def test_failed_look_ups_are_counted(pool: ThreadPoolExecutor) -> None:
    # Given
    asking = look_ups(Provider([ProviderFailed("Alpine IQ answered 503")] * 2))
    # When
    answers = asking.ask(PEOPLE, pool, NOW)
    # Then
    assert list(answers.values()).count(UNAVAILABLE) == asking.errors == 2


def test_without_an_account_no_window_ends(pool: ThreadPoolExecutor) -> None:
    asking = LookUps(None)
    answers = asking.ask(PEOPLE, pool, END + timedelta(days=1))
    assert set(answers.values()) == {NOT_CONFIGURED}
    assert not asking.over
