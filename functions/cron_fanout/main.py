"""Pub/Sub door: see deploy/functions.yaml for its topic."""

import functions_framework
from cloudevents.http import CloudEvent

from shared import bootstrap


@functions_framework.cloud_event
def cron_fanout(event: CloudEvent) -> None:
    """Publish one sync message per org with an active POS location."""
    bootstrap.cron_fanout()(event)
