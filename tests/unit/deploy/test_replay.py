"""Where a dead letter is sent again."""

import pytest

from deploy.manifest import Manifest
from shared.services.dead_letters import topic_of


@pytest.mark.parametrize(
    ("source", "topic"),
    [
        ("pos-sync", "pos-sync"),
        ("org-sync-push", "pos-sync"),
        ("projects/p/subscriptions/eventarc-us-east1-org-sync-416305-sub-213", "pos-sync"),
        ("spending-push", "spending"),
        ("segments-push", "segments"),
        ("metrics-push", "metrics"),
        ("cron-fanout-push", "cron-tick"),
        ("unknown", None),
    ],
)
def test_a_letter_goes_to_the_topic_that_its_function_listens_to(
    source: str, topic: str | None
) -> None:
    assert topic_of(source, Manifest.read().topics_of_functions) == topic
