"""Pub/Sub entry point: see deploy/functions.yaml for its topic."""

import functions_framework
from cloudevents.http import CloudEvent

from shared.bootstrap.org_sync import consumer

handle = consumer()


@functions_framework.cloud_event
def org_sync(event: CloudEvent) -> None:
    """Sync one org from its POS."""
    handle(event)
