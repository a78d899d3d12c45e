"""Firestore entry point: see deploy/functions.yaml for the documents it watches."""

import functions_framework
from cloudevents.http import CloudEvent

from shared.bootstrap.order_recompute import watcher

handle = watcher()


@functions_framework.cloud_event
def order_recompute(event: CloudEvent) -> None:
    """Ask for a recompute of the customers whose order was written."""
    handle(event)
