"""Pub/Sub entry point: see deploy/functions.yaml for its topic."""

import functions_framework
from cloudevents.http import CloudEvent

from shared import tracing
from shared.bootstrap.dead_letter import recorder
from shared.bus.events import delivery

record = recorder()


@functions_framework.cloud_event
def dead_letter(event: CloudEvent) -> None:
    """Record what could not be processed."""
    received = delivery(event)
    with tracing.door("dead-letters", received.caller, flush=True):
        record(received)
