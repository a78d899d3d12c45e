"""The resource names of Cloud Tasks."""

import re
import secrets

QUEUE = re.compile(r"^projects/[^/]+/locations/[^/]+/queues/[A-Za-z0-9-]{1,100}$")
TASK = re.compile(
    r"^(?P<queue>projects/[^/]+/locations/[^/]+/queues/[^/]+)/tasks/[\w-]{1,500}$", re.ASCII
)


def queue_of(task: str) -> str | None:
    """The queue's name in a task's; None where the task's is not well-formed."""
    match = TASK.match(task)
    return match["queue"] if match else None


def invent(queue: str) -> str:
    """A name for a task that came without one."""
    return f"{queue}/tasks/{secrets.randbits(62)}"
