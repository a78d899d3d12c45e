"""Pub/Sub entry point: see deploy/functions.yaml for its topic."""

import functions_framework
from cloudevents.http import CloudEvent

from shared.bootstrap.metrics import consumer

handle = consumer()


@functions_framework.cloud_event
def metrics(event: CloudEvent) -> None:
    """Report the metrics of an org's customers."""
    handle(event)
