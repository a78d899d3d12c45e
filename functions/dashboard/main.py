"""HTTP door: its routes are in shared/web/routes."""

import functions_framework
from flask import Request, Response

from shared.bootstrap.dashboard import app, settings

settings()


@functions_framework.http
def dashboard(request: Request) -> Response:
    """Reads for dashboards and menus."""
    return app()(request)
