"""One delivery: the HTTP request to a function, answered as Cloud Run answers it."""

import threading
import time

import urllib3

from deploy.local.cloudevents import Event

# Cloud Run holds a request this long while an instance starts.
START_SECONDS = 10.0
RETRY_SECONDS = 0.1
NO_CAPACITY, NO_PROCESS, TOO_SLOW = 429, 503, 504


class Slots:
    """How many requests a function works on at once. May be used from any thread."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._closed = False
        self._changed = threading.Condition()

    def take(self, seconds: float) -> bool:
        """Whether one was free, or came free within so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._free, seconds)
            if self._closed or not self._free:
                return False
            self._free -= 1
            return True

    def give_back(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify()

    def close(self) -> None:
        """From now on nothing is free; whoever waits waits no longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Endpoint:
    """A function's process at ``url`` with so many slots. A request waits ``pending_seconds`` for
    a slot, then is worked on for ``timeout_seconds`` at most."""

    def __init__(
        self, url: str, slots: int, timeout_seconds: float, pending_seconds: float
    ) -> None:
        self._url = url
        self._slots = Slots(slots)
        self._timeout_seconds = timeout_seconds
        self._pending_seconds = pending_seconds
        self._closed = False
        self._pool = urllib3.PoolManager(maxsize=slots)

    def push(self, event: Event, seconds: float) -> int | None:
        """The function's own answer; NO_CAPACITY when no slot came free, TOO_SLOW when it took
        longer than it may or than ``seconds`` from now, NO_PROCESS when there is none or it died.
        None: the endpoint closed before the function was reached."""
        deadline = time.monotonic() + seconds
        if not self._slots.take(self._pending_seconds):
            return None if self._closed else NO_CAPACITY
        try:
            return self._send(event, deadline)
        finally:
            self._slots.give_back()

    def close(self) -> None:
        """Begin nothing more. What is under way is left to end by itself."""
        self._closed = True
        self._slots.close()

    def _send(self, event: Event, deadline: float) -> int | None:
        started = time.monotonic() + START_SECONDS
        while not self._closed:
            try:
                return self._post(event, deadline)
            except urllib3.exceptions.NewConnectionError:
                if time.monotonic() > min(started, deadline):
                    return NO_PROCESS
                time.sleep(RETRY_SECONDS)
            except urllib3.exceptions.TimeoutError:
                return TOO_SLOW
            except urllib3.exceptions.HTTPError:
                return NO_PROCESS
        return None

    def _post(self, event: Event, deadline: float) -> int:
        # A connection each: one kept open may be closed by the function just as it is used.
        headers = {**event.headers, "connection": "close"}
        seconds = min(self._timeout_seconds, max(deadline - time.monotonic(), RETRY_SECONDS))
        reply = self._pool.request(
            "POST",
            self._url,
            body=event.body,
            headers=headers,
            timeout=urllib3.Timeout(connect=START_SECONDS, read=seconds),
            retries=False,
            redirect=False,
        )
        return reply.status
