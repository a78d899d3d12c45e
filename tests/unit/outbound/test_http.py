"""The outside HTTP session: what is tried again, how long, and what an operator reads."""

import pytest
import requests

from shared.errors import (
    CredentialsRejected,
    Owner,
    ProviderBusy,
    ProviderFailed,
    ProviderRefused,
    ProviderUnreachable,
    ReplyUnreadable,
    RetryLater,
    SyncSamError,
)
from shared.outbound.session import HttpCall, HttpSettings
from tests.unit.pos.fakes import Canned, in_turn, ok
from tests.unit.pos.outside import URL, Outside

TOO_MANY = Canned(429)
BROKEN = Canned(500)


@pytest.mark.parametrize(
    "failure",
    [
        TOO_MANY,
        BROKEN,
        Canned(503),
        Canned(body=b'{"cut": '),
        Canned(body=b""),
        Canned(body=b"<html>"),
        Canned(body=b"\xff\xfe"),
        Canned(body=b"[1" * 20),
        Canned(body=b"1" * 100_000),
        requests.ConnectionError(),
        requests.ConnectTimeout(),
        requests.ReadTimeout(),
        requests.exceptions.SSLError(),
    ],
)
def test_what_may_pass_is_tried_again(failure: Canned | Exception) -> None:
    outside = Outside(in_turn(failure, failure, ok({"fine": True})))

    reply = outside.ask()

    assert reply.data == {"fine": True}
    assert reply.requests == outside.tries == 3


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 408, 409, 422])
def test_nothing_else_is_tried_again(status: int) -> None:
    outside = Outside(in_turn(Canned(status), ok({})))

    with pytest.raises(SyncSamError):
        outside.ask()

    assert outside.tries == 1


@pytest.mark.parametrize(
    ("answer", "error", "owner", "words"),
    [
        (Canned(401), CredentialsRejected, Owner.ORG, "does not accept the sign-in (401)."),
        (Canned(403), CredentialsRejected, Owner.ORG, "does not allow a request for orders (403)."),
        (Canned(404), ProviderRefused, Owner.PROVIDER, "refused a request for orders (404)."),
        (Canned(302), ProviderRefused, Owner.PROVIDER, "refused a request for orders (302)."),
        (TOO_MANY, ProviderBusy, Owner.PROVIDER, "limits how often it is called (429) (3 tries)."),
        (BROKEN, ProviderFailed, Owner.PROVIDER, "had an error of its own (500) (3 tries)."),
        (
            Canned(body=b"<html>"),
            ReplyUnreadable,
            Owner.PROVIDER,
            "sent an answer that cannot be read (3 tries).",
        ),
        (
            requests.ReadTimeout(),
            ProviderUnreachable,
            Owner.PROVIDER,
            "did not answer within 30 s (3 tries).",
        ),
        (
            requests.ConnectionError(),
            ProviderUnreachable,
            Owner.PROVIDER,
            "could not be reached (3 tries).",
        ),
    ],
)
def test_each_failure_is_one_error_in_words_an_operator_understands(
    answer: Canned | Exception, error: type[SyncSamError], owner: Owner, words: str
) -> None:
    outside = Outside(in_turn(answer), HttpSettings(attempts=3))

    with pytest.raises(error) as raised:
        outside.ask()

    assert str(raised.value) == f"The POS at pos.example.com {words}"
    assert raised.value.owner is owner


def test_a_shape_the_reader_does_not_know_is_unreadable() -> None:
    outside = Outside(in_turn(ok({"error": "odd"})), HttpSettings(attempts=2))

    def read(data: object) -> object:
        raise ValueError(f"unknown shape {data}")

    with pytest.raises(ReplyUnreadable):
        outside.session.call(HttpCall("GET", URL, provider="The POS", what="orders"), read)

    assert outside.tries == 2


def test_back_off_grows_is_jittered_and_bounded() -> None:
    outside = Outside(
        in_turn(BROKEN), HttpSettings(attempts=9, backoff_seconds=1, longest_backoff_seconds=8)
    )

    with pytest.raises(ProviderFailed):
        outside.ask()

    assert len(outside.time.slept) == 8
    for number, seconds in enumerate(outside.time.slept):
        assert 0 <= seconds <= min(2**number, 8)
    assert len(set(outside.time.slept)) > 4


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("header", ["7", "Wed, 18 Mar 2026 12:00:07 GMT"])
def test_it_waits_as_long_as_it_is_asked_to(status: int, header: str) -> None:
    outside = Outside(in_turn(Canned(status, headers={"Retry-After": header}), ok([])))

    outside.ask()

    assert 7 <= outside.time.slept[0] <= 7.5


def test_asked_to_wait_longer_than_there_is_time_it_gives_up_at_once() -> None:
    outside = Outside(
        in_turn(Canned(429, headers={"Retry-After": "600"})), HttpSettings(total_seconds=120)
    )

    with pytest.raises(ProviderBusy) as raised:
        outside.ask()

    assert outside.time.slept == []
    assert str(raised.value) == (
        "The POS at pos.example.com limits how often it is called (429); it asks not to be called "
        "before 2026-03-18 12:10:00 UTC."
    )


def test_a_maintenance_longer_than_there_is_time_makes_it_busy_too() -> None:
    outside = Outside(in_turn(Canned(503, headers={"Retry-After": "3600"})))

    with pytest.raises(ProviderBusy, match="before 2026-03-18 13:00:00 UTC"):
        outside.ask()


def test_all_tries_together_stay_within_the_total_time() -> None:
    outside = Outside(
        in_turn(BROKEN), HttpSettings(attempts=1000, total_seconds=40, backoff_seconds=2)
    )

    with pytest.raises(ProviderFailed):
        outside.ask()

    assert outside.time.passed <= 40


def test_a_try_waits_no_longer_than_the_time_that_is_left() -> None:
    outside = Outside(
        in_turn(ok([])), HttpSettings(total_seconds=3, connect_seconds=5, read_seconds=30)
    )

    outside.ask()

    assert outside.transport.sent[0].timeout == (3, 3)


def test_the_callers_own_deadline_shortens_the_call() -> None:
    outside = Outside(in_turn(requests.ReadTimeout()), HttpSettings(attempts=50, backoff_seconds=5))

    with pytest.raises(RetryLater) as raised:
        outside.ask(deadline_seconds=10)

    assert outside.time.passed <= 10
    assert str(raised.value) == (
        "The POS at pos.example.com was not waited for: the time of this run is up."
    )


def test_after_the_callers_deadline_nothing_is_asked() -> None:
    outside = Outside(in_turn(ok([])))

    with pytest.raises(RetryLater):
        outside.ask(deadline_seconds=0)

    assert outside.tries == 0
