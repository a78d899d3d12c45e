"""HTTP door: its routes are in shared/web/routes/runs.py."""

import functions_framework
from flask import Request, Response
from werkzeug.exceptions import HTTPException

from shared.bootstrap.manual_sync import app, settings
from shared.web.unrouted import refused

settings()
functions_framework.errorhandler(HTTPException)(refused)


@functions_framework.http
def manual_sync(request: Request) -> Response:
    """Sync on demand, for a person or a machine."""
    return app()(request)
