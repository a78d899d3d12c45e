"""Faults that send bytes before the answer: no WSGI reply can."""

from contextlib import suppress
from threading import Event
from time import monotonic

from flask import request
from waitress.channel import ClientDisconnected, HTTPChannel

from deploy.local.simulator.fault import EndlessContinue, SlowHeaders

_CONTINUE = b"HTTP/1.1 100 Continue\r\n"


def send_before(fault: SlowHeaders | EndlessContinue, stopping: Event) -> None:
    """Send interim answers for the fault's time, or until the caller is gone. What follows is
    a whole answer all the same."""
    # The server hands this method to every request; it belongs to the connection.
    channel: HTTPChannel = request.environ["waitress.client_disconnected"].__self__
    slow = isinstance(fault, SlowHeaders)
    until = monotonic() + fault.seconds
    with suppress(ClientDisconnected):
        channel.write_soon(_CONTINUE + (b"X-Slow: " if slow else b"\r\n"))
        while monotonic() < until and not stopping.wait(fault.ms / 1000):
            channel.write_soon(b"y" if slow else _CONTINUE + b"\r\n")
        if slow:
            channel.write_soon(b"\r\n\r\n")
