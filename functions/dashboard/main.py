"""HTTP door: its routes are in shared/web/routes."""

import functions_framework
from flask import Request, Response
from werkzeug.exceptions import HTTPException

from shared.bootstrap.dashboard import app, settings
from shared.web.unrouted import refused

settings()
functions_framework.errorhandler(HTTPException)(refused)


@functions_framework.http
def dashboard(request: Request) -> Response:
    """Reads for dashboards and menus."""
    return app()(request)
