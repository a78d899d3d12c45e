"""HTTP door: its routes are in shared/web/routes/loyalty.py."""

import functions_framework
from flask import Request, Response

from shared.bootstrap.loyalty_api import app, settings

settings()


@functions_framework.http
def loyalty_api(request: Request) -> Response:
    """Loyalty on demand: runs, points and reports."""
    return app()(request)
