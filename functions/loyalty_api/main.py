"""HTTP door: its routes are in shared/web/routes/loyalty.py."""

import functions_framework
from flask import Request, Response
from werkzeug.exceptions import HTTPException

from shared.bootstrap.loyalty_api import app, settings
from shared.web.unrouted import refused

settings()
functions_framework.errorhandler(HTTPException)(refused)


@functions_framework.http
def loyalty_api(request: Request) -> Response:
    """Loyalty on demand: runs, points and reports."""
    return app()(request)
