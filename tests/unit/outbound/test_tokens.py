"""Tokens: kept per credentials, fetched once, renewed in time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event, Semaphore
from time import sleep

import pytest

from shared.errors import CredentialsRejected, ProviderUnreachable
from shared.outbound.credentials import Token, TokenCache
from tests.unit.pos.fakes import START, FakeTime

THREADS = 8


class Logins:
    """Counts sign-ins; each gives the next token, good for a day."""

    def __init__(self, time: FakeTime, *, takes_seconds: float = 0.0) -> None:
        self.count = 0
        self._time = time
        self._takes_seconds = takes_seconds

    def __call__(self) -> Token:
        self.count += 1
        sleep(self._takes_seconds)
        now = self._time.now()
        return Token.valid_from(
            f"token-{self.count}", issued_at=now, expires_at=now + timedelta(hours=24)
        )


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def cache(time: FakeTime) -> TokenCache:
    return TokenCache(time.now)


def at_once(action: Callable[[], object]) -> list[object]:
    """What the action gives, or raises, in each of several threads that start together."""
    together = Barrier(THREADS)

    def run(_: int) -> object:
        together.wait(5)
        try:
            return action()
        except CredentialsRejected as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_a_token_is_fetched_once_and_kept(time: FakeTime, cache: TokenCache) -> None:
    login = Logins(time)
    account = cache.account("https://pos.example.com", "user", "password", "1")

    tokens = [cache.get(account, login).value for _ in range(3)]

    assert tokens == ["token-1"] * 3


def test_a_token_is_renewed_five_minutes_before_it_expires(
    time: FakeTime, cache: TokenCache
) -> None:
    login = Logins(time)
    account = cache.account("user")
    cache.get(account, login)

    time.passed = 24 * 3600 - 5 * 60 - 1
    just_before = cache.get(account, login).value
    time.passed += 1
    just_after = cache.get(account, login).value

    assert (just_before, just_after) == ("token-1", "token-2")


def test_a_short_lived_token_is_used_for_half_its_life() -> None:
    token = Token.valid_from("t", issued_at=START, expires_at=START + timedelta(seconds=60))

    assert token.refresh_at == START + timedelta(seconds=30)


def test_eight_threads_sign_in_once(time: FakeTime, cache: TokenCache) -> None:
    login = Logins(time, takes_seconds=0.05)
    account = cache.account("user")

    tokens = at_once(lambda: cache.get(account, login).value)

    assert tokens == ["token-1"] * THREADS
    assert login.count == 1


def test_eight_threads_with_the_same_rejected_token_renew_it_once(
    time: FakeTime, cache: TokenCache
) -> None:
    login = Logins(time, takes_seconds=0.05)
    account = cache.account("user")
    rejected = cache.get(account, login)

    tokens = at_once(lambda: cache.get(account, login, rejected=rejected).value)

    assert tokens == ["token-2"] * THREADS


def test_a_token_that_another_thread_renewed_meanwhile_is_used(
    time: FakeTime, cache: TokenCache
) -> None:
    login = Logins(time)
    account = cache.account("user")
    rejected = cache.get(account, login)
    cache.get(account, login, rejected=rejected)

    late = cache.get(account, login, rejected=rejected)

    assert late.value == "token-2"


def test_a_wrong_password_is_tried_once_not_once_per_thread(cache: TokenCache) -> None:
    account = cache.account("user")
    tried: list[int] = []
    arrived = Semaphore(0)

    def login() -> Token:
        tried.append(1)
        for _ in range(THREADS):
            assert arrived.acquire(timeout=5)
        sleep(0.2)
        raise CredentialsRejected("The sign-in is not accepted.")

    def get() -> Token:
        arrived.release()
        return cache.get(account, login)

    errors = at_once(get)

    assert [str(error) for error in errors] == ["The sign-in is not accepted."] * THREADS
    assert len({id(error) for error in errors}) == THREADS
    assert len(tried) == 1


def test_after_a_failure_the_next_caller_tries_again(time: FakeTime, cache: TokenCache) -> None:
    account = cache.account("user")

    def failing() -> Token:
        raise ProviderUnreachable("No answer.")

    with pytest.raises(ProviderUnreachable):
        cache.get(account, failing)

    assert cache.get(account, Logins(time)).value == "token-1"


def test_waiting_for_anothers_sign_in_has_a_time_limit(time: FakeTime) -> None:
    cache = TokenCache(time.now, longest_wait_seconds=0.05)
    account = cache.account("user")
    started, may_end = Event(), Event()

    def slow() -> Token:
        started.set()
        may_end.wait(5)
        return Logins(time)()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache.get, account, slow)
        started.wait(5)
        with pytest.raises(ProviderUnreachable, match="took too long"):
            cache.get(account, slow)
        may_end.set()

    assert first.result().value == "token-1"


def test_accounts_are_told_apart_by_each_part_of_their_credentials(cache: TokenCache) -> None:
    accounts = {
        cache.account("user", "password", "12"),
        cache.account("user", "password1", "2"),
        cache.account("user", "password", ""),
        cache.account("user", "password"),
        cache.account("other", "password", "12"),
    }

    assert len(accounts) == 5
    assert cache.account("user", "password", "12") in accounts


def test_neither_credentials_nor_token_show(time: FakeTime, cache: TokenCache) -> None:
    account = cache.account("user", "pass-word", "4821")
    token = cache.get(account, Logins(time))

    shown = f"{vars(cache)} {token!r} {account}"

    assert "pass-word" not in shown
    assert "4821" not in account
    assert "token-1" not in shown
