"""What stands behind ``functions/metrics``."""

from functools import cache

from pydantic import Field

from shared.bootstrap.clients import database
from shared.bootstrap.publishing import publisher
from shared.bootstrap.settings import FunctionSettings, start
from shared.bus.messages import ReportMetrics
from shared.clock import utc_now
from shared.entry import MessageConsumer
from shared.services.metrics.report import MetricsReports


class MetricsSettings(FunctionSettings):
    """Settings of ``metrics``."""

    metrics_topic: str = Field(description="Full name of the topic `metrics`.")
    metrics_seconds: float = Field(
        default=450,
        gt=0,
        description="Seconds that one invocation works: less than the function's time limit, by as "
        "much as its last calls may take.",
    )


@cache
def consumer() -> MessageConsumer[ReportMetrics]:
    """Handles requests for a report of an org's metrics."""
    settings = start(MetricsSettings)
    store = database(settings)
    report = MetricsReports(
        store, publisher(settings.metrics_topic), utc_now, settings.metrics_seconds
    )
    return MessageConsumer(
        "metrics", ReportMetrics, lambda message, _: report(message), store, utc_now
    )
