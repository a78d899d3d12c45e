"""Tells the collector of the changed document, decoded from the event's protobuf."""

from cloudevents.http import CloudEvent
from google.events.cloud.firestore import DocumentEventData

from tests.emulator.local_cloud.report import report


def on_change(event: CloudEvent) -> None:
    change = DocumentEventData.deserialize(event.data)
    report("on_change", dict(event.get_attributes()), DocumentEventData.to_dict(change))
