"""Sends a queue's tasks when they are due: one thread waits, another sends each."""

import threading
import time
from typing import Any

import urllib3

from deploy.local.journal import Journal
from deploy.local.tasks import attempt
from deploy.local.tasks.state import Pending, QueueState
from deploy.resources import Queue

SWEEP_SECONDS = 60.0


class Dispatcher:
    """A queue at work. All methods may be called from any thread."""

    def __init__(self, name: str, settings: Queue, journal: Journal) -> None:
        self.name = name
        self._state = QueueState(settings)
        self._journal = journal
        self._changed = threading.Condition()
        self._closed = False
        self._http = urllib3.PoolManager()
        self._thread = threading.Thread(target=self._run, name=f"queue-{name}", daemon=True)
        self._thread.start()

    @property
    def settings(self) -> Queue:
        return self._state.settings

    def create(self, task: Any, due: float) -> None:
        """Raises NameTaken."""
        with self._changed:
            self._state.create(task.name, task, due, time.time())
            self._changed.notify()

    def get(self, name: str) -> Any | None:
        """The task's record, or None."""
        with self._changed:
            found = self._state.pending.get(name)
            return found.task if found else None

    def delete(self, name: str) -> bool:
        """Whether there was one to delete."""
        with self._changed:
            if name not in self._state.pending:
                return False
            self._state.delete(name, time.time())
            return True

    def close(self) -> None:
        """Send nothing more. What is under way is left to end by itself."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                now = time.time()
                if taken := self._state.take(now):
                    # A daemon: no answer that is long in coming keeps the stack from stopping.
                    threading.Thread(target=self._attempt, args=(taken,), daemon=True).start()
                    continue
                self._state.forget_old(now)
                wait = self._state.wait_seconds(now)
                self._changed.wait(SWEEP_SECONDS if wait is None else min(wait, SWEEP_SECONDS))

    def _attempt(self, taken: Pending) -> None:
        task = taken.task
        headers = attempt.headers(task, taken.attempts, taken.responses, taken.due)
        status = attempt.send(self._http, task, headers)
        ok = status is not None and 200 <= status < 300
        self._journal.write("sent", task=task.name, attempt=taken.attempts, status=status)
        with self._changed:
            self._state.attempted(task.name, taken, ok, status is not None, time.time())
            task.dispatch_count, task.response_count = taken.attempts, taken.responses
            self._changed.notify()
