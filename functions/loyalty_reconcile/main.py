"""Pub/Sub entry point: see deploy/functions.yaml for its topic."""

import functions_framework
from cloudevents.http import CloudEvent

from shared.bootstrap.loyalty_reconcile import consumer


@functions_framework.cloud_event
def loyalty_reconcile(event: CloudEvent) -> None:
    """Bring an org's loyalty points up to date."""
    consumer()(event)
