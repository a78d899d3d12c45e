"""Pub/Sub entry point: see deploy/functions.yaml for its topic."""

import functions_framework
from cloudevents.http import CloudEvent

from shared.bootstrap.cron_fanout import consumer

handle = consumer()


@functions_framework.cloud_event
def cron_fanout(event: CloudEvent) -> None:
    """Publish one sync message per org with an active POS location."""
    handle(event)
