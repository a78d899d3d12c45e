"""What Cloud Tasks refuses as INVALID_ARGUMENT."""

from datetime import timedelta
from typing import Any

from google.cloud import tasks_v2

from deploy.local.tasks.names import queue_of

MAX_BYTES = 100 * 1024
MAX_AHEAD_SECONDS = timedelta(days=30).total_seconds()
DEADLINE_SECONDS = (15.0, 1800.0)
WITH_BODY = (tasks_v2.HttpMethod.POST, tasks_v2.HttpMethod.PUT, tasks_v2.HttpMethod.PATCH)


def fault(task: Any, queue: str, now: float) -> str | None:
    """What is wrong with a new task, in Cloud Tasks' words where they are known; None: nothing."""
    http = task.http_request
    if task.name and queue_of(task.name) != queue:
        return f'Task name must be formatted: "{queue}/tasks/<TASK_ID>"'
    if "http_request" not in task or not http.url.startswith(("http://", "https://")):
        return "HttpRequest.url must start with http:// or https://"
    if http.body and http.http_method not in (*WITH_BODY, 0):
        return "HTTP request body is allowed for POST, PUT and PATCH only"
    if tasks_v2.Task.pb(task).ByteSize() > MAX_BYTES:
        return f"Task size must be at most {MAX_BYTES} bytes"
    if "schedule_time" in task and task.schedule_time.timestamp() - now > MAX_AHEAD_SECONDS:
        return "schedule_time is more than 30 days ahead"
    if "dispatch_deadline" in task:
        least, most = DEADLINE_SECONDS
        if not least <= task.dispatch_deadline.total_seconds() <= most:
            return f"dispatch_deadline must be between {least:g} and {most:g} s"
    return None
