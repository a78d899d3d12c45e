"""When a failed delivery is repeated, and what becomes of a message after the last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.redelivery import backoff_seconds, dead_letter, exhausted
from deploy.resources import Subscription


def policy(least: int = 10, most: int = 600, attempts: int | None = 5) -> Subscription:
    return Subscription(
        ack_deadline_seconds=600,
        min_backoff_seconds=least,
        max_backoff_seconds=most,
        max_delivery_attempts=attempts,
        dead_letter_topic=None if attempts is None else "dead-letters",
    )


@pytest.mark.parametrize(
    ("least", "most", "pauses"),
    [
        (10, 600, [10, 20, 40, 80, 160, 320, 600, 600]),
        (1, 2, [1, 2, 2]),
        (0, 4, [1, 2, 4, 4]),
        (0, 0, [0, 0]),
    ],
)
def test_the_pause_doubles_with_each_failure(least: int, most: int, pauses: list[int]) -> None:
    assert [
        backoff_seconds(policy(least, most), failures) for failures in range(1, len(pauses) + 1)
    ] == pauses


@given(bounds=st.tuples(st.integers(0, 600), st.integers(0, 600)), failures=st.integers(1, 10_000))
def test_a_pause_never_shrinks_and_stays_within_the_policy(
    bounds: tuple[int, int], failures: int
) -> None:
    least, most = sorted(bounds)
    pause, following = (backoff_seconds(policy(least, most), n) for n in (failures, failures + 1))
    assert least <= pause <= following <= most


def test_the_last_delivery_is_the_one_the_policy_names() -> None:
    assert [exhausted(policy(attempts=5), failures) for failures in (0, 4, 5, 6)] == [
        False,
        False,
        True,
        True,
    ]


def test_a_policy_without_a_last_delivery_repeats_for_ever() -> None:
    endless = policy(attempts=None)
    assert not exhausted(endless, 100_000)
    assert backoff_seconds(endless, 100_000) == 600


def test_a_dead_letter_has_what_it_had_and_says_where_it_comes_from() -> None:
    # Given
    message = {
        "data": "e30=",
        "attributes": {"replayOf": "7"},
        "messageId": "8",
        "publishTime": "2026-01-02T03:04:05Z",
    }
    push = {"subscription": "projects/demo-p/subscriptions/org-sync-push", "message": message}
    # Then
    assert dead_letter(push, 5) == {
        "data": "e30=",
        "attributes": {
            "replayOf": "7",
            "CloudPubSubDeadLetterSourceDeliveryCount": "5",
            "CloudPubSubDeadLetterSourceSubscription": "org-sync-push",
            "CloudPubSubDeadLetterSourceSubscriptionProject": "demo-p",
            "CloudPubSubDeadLetterSourceTopicPublishTime": "2026-01-02T03:04:05Z",
        },
    }


def test_a_dead_letter_of_a_message_without_data_or_attributes_is_one_too() -> None:
    # Given
    message = {"messageId": "8", "publishTime": "2026-01-02T03:04:05Z"}
    # When
    letter = dead_letter({"subscription": "projects/p/subscriptions/s", "message": message}, 7)
    # Then
    assert letter["data"] == ""
    assert letter["attributes"]["CloudPubSubDeadLetterSourceDeliveryCount"] == "7"
