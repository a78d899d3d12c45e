"""Tells the collector of the message it got; fails when the collector does."""

from cloudevents.http import CloudEvent

from tests.emulator.local_cloud.report import report


def on_message(event: CloudEvent) -> None:
    report("on_message", dict(event.get_attributes()), event.data)
