"""Pub/Sub entry point: see deploy/functions.yaml for its topic."""

import functions_framework
from cloudevents.http import CloudEvent

from shared.bootstrap.spending import consumer

handle = consumer()


@functions_framework.cloud_event
def spending(event: CloudEvent) -> None:
    """Recompute what customers have spent."""
    handle(event)
