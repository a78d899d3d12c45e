"""Where a function sends its spans: by OTLP to ``OTEL_EXPORTER_OTLP_ENDPOINT``, a collector or
Google's own ``https://telemetry.googleapis.com``; nowhere without it.

The exporter and the SDK read OpenTelemetry's own variables: headers, sampling, batches.
"""

import os
from urllib.parse import urlsplit

import google.auth
import requests
from google.auth.transport.requests import AuthorizedSession

from shared import tracing

EXPORT_SECONDS = 5.0
"""How long an export may take, all its tries included: a message waits for it at its end."""
GOOGLE = "telemetry.googleapis.com"
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


def export_spans(endpoint: str, project: str) -> None:
    """Record spans and export them from now on."""
    # The SDK takes a fifth of a second to load: only where spans are exported.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(timeout=EXPORT_SECONDS, session=_session(endpoint))
    attributes = {"gcp.project_id": project}
    if name := os.environ.get("K_SERVICE"):
        attributes["service.name"] = name
    tracing.record(BatchSpanProcessor(exporter), attributes)


def _session(endpoint: str) -> requests.Session:
    """Signed in as this function where Google is told, else without any credentials."""
    if urlsplit(endpoint).hostname != GOOGLE:
        return requests.Session()
    credentials, _ = google.auth.default(scopes=SCOPES)
    return AuthorizedSession(credentials)
