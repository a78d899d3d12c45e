"""One attempt at a task: the HTTP request that Cloud Tasks sends."""

from typing import Any

import urllib3
from google.cloud import tasks_v2

DEFAULT_DEADLINE_SECONDS = 600.0
CONNECT_SECONDS = 10.0


def headers(task: Any, attempts: int, responses: int, due: float) -> dict[str, str]:
    """The task's own headers and those that Cloud Tasks adds."""
    queue, _, name = task.name.partition("/tasks/")
    return {
        "content-type": "application/octet-stream",
        **{key.lower(): value for key, value in task.http_request.headers.items()},
        "user-agent": "Google-Cloud-Tasks",
        "connection": "close",
        "x-cloudtasks-queuename": queue.rpartition("/")[2],
        "x-cloudtasks-taskname": name,
        "x-cloudtasks-taskretrycount": str(attempts - 1),
        "x-cloudtasks-taskexecutioncount": str(responses),
        "x-cloudtasks-tasketa": f"{due:.6f}",
    }


def send(pool: urllib3.PoolManager, task: Any, sent_headers: dict[str, str]) -> int | None:
    """The status of the answer; None when there is none within the dispatch deadline."""
    http = task.http_request
    deadline = task.dispatch_deadline.total_seconds() if "dispatch_deadline" in task else None
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, total=deadline or DEFAULT_DEADLINE_SECONDS)
    method = tasks_v2.HttpMethod(http.http_method or tasks_v2.HttpMethod.POST).name
    try:
        reply = pool.request(
            method,
            http.url,
            body=http.body or None,
            headers=sent_headers,
            timeout=timeout,
            retries=False,
            redirect=False,
        )
    except urllib3.exceptions.HTTPError:
        return None
    return reply.status
