"""What follows from the failed deliveries of a message, as Pub/Sub has it. Pure."""

from collections.abc import Mapping
from typing import Any

from deploy.resources import Subscription

# Doubling so often passes the longest back-off that Pub/Sub allows.
MOST_DOUBLINGS = 10


def backoff_seconds(policy: Subscription, failures: int) -> int:
    """The pause before the next delivery after so many failed ones: the least one, doubled after
    each failure up to the most. A least pause of 0 counts as 1 s unless the most is 0 too."""
    first = max(policy.min_backoff_seconds, 1)
    doubled: int = first << min(failures - 1, MOST_DOUBLINGS)
    return min(policy.max_backoff_seconds, doubled)


def exhausted(policy: Subscription, failures: int) -> bool:
    """Whether so many failed deliveries were the last."""
    most = policy.max_delivery_attempts
    return most is not None and failures >= most


def dead_letter(push: Mapping[str, Any], attempts: int) -> dict[str, Any]:
    """What Pub/Sub publishes to the dead-letter topic instead of another push of this body."""
    message = push["message"]
    _, project, _, name = push["subscription"].split("/")
    added = {
        "CloudPubSubDeadLetterSourceDeliveryCount": str(attempts),
        "CloudPubSubDeadLetterSourceSubscription": name,
        "CloudPubSubDeadLetterSourceSubscriptionProject": project,
        "CloudPubSubDeadLetterSourceTopicPublishTime": message["publishTime"],
    }
    attributes = {**message.get("attributes", {}), **added}
    return {"data": message.get("data", ""), "attributes": attributes}
