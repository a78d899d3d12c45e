"""Pub/Sub door: see deploy/functions.yaml for its topic."""

import functions_framework
from cloudevents.http import CloudEvent

from shared import bootstrap
from shared.bus.events import delivery


@functions_framework.cloud_event
def dead_letter(event: CloudEvent) -> None:
    """Record what could not be processed."""
    bootstrap.dead_letter()(delivery(event))
