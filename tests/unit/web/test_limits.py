"""Who calls too often is told when to come back, and nobody else notices."""

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from shared.errors import RateLimited
from shared.web.auth import AnonymousCaller, MachineCaller, SignedInUser, WebhookSender
from shared.web.limits import ADDRESS_FACTOR, MINUTE, CallLimits
from tests.unit.pos.fakes import FakeTime

PER_MINUTE = 20


def person(uid: str) -> SignedInUser:
    return SignedInUser(uid=uid, roles=frozenset({"super_user"}), orgs=())


def request_from(forwarded: str) -> Request:
    return Request(EnvironBuilder(headers=[("X-Forwarded-For", forwarded)]).get_environ())


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def limits(time: FakeTime) -> CallLimits:
    return CallLimits(PER_MINUTE, time.monotonic)


def test_a_caller_over_the_limit_is_refused_until_the_minute_is_over(
    limits: CallLimits, time: FakeTime
) -> None:
    # Given
    for _ in range(PER_MINUTE):
        limits.check_caller(person("ann"), "GET")
    time.sleep(15)
    # When
    with pytest.raises(RateLimited, match="more than 20 requests in a minute") as refused:
        limits.check_caller(person("ann"), "GET")
    # Then
    assert refused.value.retry_after == MINUTE - 15
    limits.check_caller(person("bea"), "GET")
    time.sleep(MINUTE - 15)
    limits.check_caller(person("ann"), "GET")


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_what_changes_something_has_a_tenth_of_the_limit(limits: CallLimits, method: str) -> None:
    for _ in range(PER_MINUTE // 10):
        limits.check_caller(MachineCaller("cron"), method)
    with pytest.raises(RateLimited):
        limits.check_caller(MachineCaller("cron"), method)
    limits.check_caller(MachineCaller("cron"), "GET")


def test_a_stranger_is_counted_by_the_address_that_the_front_end_saw(limits: CallLimits) -> None:
    # Given one who claims another address each time
    for i in range(PER_MINUTE * ADDRESS_FACTOR):
        limits.check_address(request_from(f"198.51.100.{i % 250}, 203.0.113.7"))
    # Then
    with pytest.raises(RateLimited):
        limits.check_address(request_from("198.51.100.251, 203.0.113.7"))
    limits.check_address(request_from("203.0.113.7, 203.0.113.8"))
    limits.check_caller(AnonymousCaller(), "GET")


def test_a_pos_may_send_as_many_webhooks_as_it_has(limits: CallLimits) -> None:
    for _ in range(PER_MINUTE * 10):
        limits.check_caller(WebhookSender("org_harbor"), "POST")
