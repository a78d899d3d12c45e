"""Queue settings to and from the API's messages."""

from datetime import timedelta
from typing import Any

from google.cloud import tasks_v2

from deploy.resources import Queue, RateLimits, Retry


def queue_settings(queue: Any) -> Queue:
    """The settings in an API message; what it leaves at zero gets Cloud Tasks' default."""
    rate, retry = queue.rate_limits, queue.retry_config
    rates = {
        "max_dispatches_per_second": rate.max_dispatches_per_second,
        "max_concurrent_dispatches": rate.max_concurrent_dispatches,
    }
    retries = {
        "max_attempts": retry.max_attempts,
        "max_doublings": retry.max_doublings,
        "max_retry_seconds": _seconds(retry.max_retry_duration),
        "min_backoff_seconds": _seconds(retry.min_backoff),
        "max_backoff_seconds": _seconds(retry.max_backoff),
    }
    return Queue(
        rate_limits=RateLimits.model_validate({k: v for k, v in rates.items() if v}),
        retry=Retry.model_validate({k: v for k, v in retries.items() if v}),
    )


def queue_message(name: str, settings: Queue) -> Any:
    """The API's message for a queue."""
    rate, retry = settings.rate_limits, settings.retry
    return tasks_v2.Queue(
        name=name,
        state=tasks_v2.Queue.State.RUNNING,
        rate_limits=tasks_v2.RateLimits(
            max_dispatches_per_second=rate.max_dispatches_per_second,
            max_concurrent_dispatches=rate.max_concurrent_dispatches,
        ),
        retry_config=tasks_v2.RetryConfig(
            max_attempts=retry.max_attempts,
            max_doublings=retry.max_doublings,
            max_retry_duration=timedelta(seconds=retry.max_retry_seconds),
            min_backoff=timedelta(seconds=retry.min_backoff_seconds),
            max_backoff=timedelta(seconds=retry.max_backoff_seconds),
        ),
    )


def _seconds(duration: timedelta | None) -> float:
    return duration.total_seconds() if duration else 0.0
