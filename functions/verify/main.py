"""Pub/Sub entry point: see deploy/functions.yaml for its topic."""

import functions_framework
from cloudevents.http import CloudEvent

from shared.bootstrap.verify import consumer

handle = consumer()


@functions_framework.cloud_event
def verify(event: CloudEvent) -> None:
    """Hold what is stored of an org against its POS."""
    handle(event)
