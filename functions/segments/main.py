"""Pub/Sub entry point: see deploy/functions.yaml for its topic."""

import functions_framework
from cloudevents.http import CloudEvent

from shared.bootstrap.segments import consumer

handle = consumer()


@functions_framework.cloud_event
def segments(event: CloudEvent) -> None:
    """Rewrite the segments that have become outdated."""
    handle(event)
